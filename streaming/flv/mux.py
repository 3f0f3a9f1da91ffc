"""Packets of a Stream as FLV bytes: header, sequence headers, media tags, and the picture's UTC in a script tag.

Legacy bytes for H.264 and AAC (every player reads them), enhanced RTMP FourCC for HEVC, AV1 and Opus. The tag time is
the DTS (STREAMING case 21); composition time is signed 24 bits (case 20).
"""

from __future__ import annotations

import struct

from streaming.media import Codec, Format, Packet, Track

AUDIO_TAG, VIDEO_TAG, SCRIPT_TAG = 8, 9, 18

_FOUR_CC = {Codec.HEVC: b"hvc1", Codec.AV1: b"av01", Codec.OPUS: b"Opus"}
_KEY_FRAME, _INTER_FRAME = 0x10, 0x20
_AVC = 7
_AAC_BYTE = 0xAF  # AAC, 44 kHz, 16 bit, stereo: fixed by the specification, players read the AudioSpecificConfig
_EXTENDED_VIDEO = 0x80
_EXTENDED_AUDIO = 0x90
_SEQUENCE_START, _CODED_FRAMES, _CODED_FRAMES_X = 0, 1, 3


def flv_header(stream_format: Format) -> bytes:
    """The nine header bytes and the first back-pointer, with flags for the tracks that are there (case 46)."""
    flags = (4 if stream_format.audio else 0) | (1 if stream_format.video else 0)
    return b"FLV\x01" + bytes([flags]) + b"\x00\x00\x00\x09" + b"\x00\x00\x00\x00"


def sequence_header_tags(stream_format: Format, *, dts_ms: int) -> list[bytes]:
    """Metadata and one configuration tag a track: what a decoder needs before the first frame."""
    tags = [_metadata_tag(stream_format, dts_ms)]
    for track in stream_format.tracks:
        match track.codec:
            case Codec.H264:
                body = bytes([_KEY_FRAME | _AVC, 0, 0, 0, 0]) + track.config
            case Codec.AAC:
                body = bytes([_AAC_BYTE, 0]) + track.config
            case Codec.OPUS:
                body = bytes([_EXTENDED_AUDIO | _SEQUENCE_START]) + _FOUR_CC[track.codec] + b"OpusHead" + track.config
            case _:
                body = bytes([_EXTENDED_VIDEO | _KEY_FRAME | _SEQUENCE_START]) + _FOUR_CC[track.codec] + track.config
        tags.append(_tag(VIDEO_TAG if track.is_video else AUDIO_TAG, dts_ms, body))
    return tags


def packet_tag(track: Track, packet: Packet) -> bytes:
    """One media tag with its back-pointer."""
    dts_ms = packet.dts * 1000 // track.timescale
    if not track.is_video:
        if track.codec is Codec.AAC:
            return _tag(AUDIO_TAG, dts_ms, bytes([_AAC_BYTE, 1]) + packet.payload)
        return _tag(
            AUDIO_TAG, dts_ms, bytes([_EXTENDED_AUDIO | _CODED_FRAMES]) + _FOUR_CC[track.codec] + packet.payload
        )
    frame = _KEY_FRAME if packet.keyframe else _INTER_FRAME
    composition = (packet.pts * 1000 // track.timescale - dts_ms) & 0xFFFFFF
    match track.codec:
        case Codec.H264:
            head = bytes([frame | _AVC, 1]) + composition.to_bytes(3, "big")
        case Codec.HEVC:
            head = bytes([_EXTENDED_VIDEO | frame | _CODED_FRAMES]) + b"hvc1" + composition.to_bytes(3, "big")
        case _:
            head = bytes([_EXTENDED_VIDEO | frame | _CODED_FRAMES_X]) + _FOUR_CC[track.codec]
    return _tag(VIDEO_TAG, dts_ms, head + packet.payload)


def utc_tag(utc: float, dts_ms: int) -> bytes:
    """A script tag `onUtc {utc: milliseconds since 1970}`: the arrival of the picture with this DTS."""
    return _script_tag("onUtc", {"utc": utc * 1000.0}, dts_ms)


def _metadata_tag(stream_format: Format, dts_ms: int) -> bytes:
    fields: dict[str, float] = {}
    if (video := stream_format.video) is not None:
        fields |= {"width": video.width, "height": video.height}
    if (audio := stream_format.audio) is not None:
        fields |= {"audiosamplerate": audio.sample_rate, "audiochannels": audio.channels}
    return _script_tag("onMetaData", fields, dts_ms)


def _script_tag(name: str, fields: dict[str, float], dts_ms: int) -> bytes:
    body = b"\x02" + struct.pack(">H", len(name)) + name.encode() + b"\x08" + struct.pack(">I", len(fields))
    for field, number in fields.items():
        body += struct.pack(">H", len(field)) + field.encode() + b"\x00" + struct.pack(">d", number)
    return _tag(SCRIPT_TAG, dts_ms, body + b"\x00\x00\x09")


def _tag(kind: int, dts_ms: int, body: bytes) -> bytes:
    time = dts_ms & 0xFFFFFFFF
    head = struct.pack(
        ">B3s3sB3x", kind, len(body).to_bytes(3, "big"), (time & 0xFFFFFF).to_bytes(3, "big"), time >> 24
    )
    return head + body + struct.pack(">I", 11 + len(body))
