"""One FLV audio or video tag body, legacy and enhanced (E-RTMP v2), as the parts that matter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from streaming.media import Codec


class TagError(ValueError):
    """A tag that cannot be read. The tag is dropped and counted; the connection goes on."""


class UnsupportedCodec(Exception):
    """A codec that the hub does not take; the message says what to choose instead."""


class Kind(Enum):
    CONFIG = auto()
    """The payload is the decoder configuration."""
    FRAMES = auto()
    """The payload is one access unit."""
    OTHER = auto()
    """End of sequence, metadata, commands: nothing to carry."""


@dataclass(frozen=True, slots=True)
class Tag:
    codec: Codec
    kind: Kind
    keyframe: bool
    composition: int
    """PTS minus DTS in milliseconds; may be negative (case 20)."""
    payload: bytes


_OTHER_AUDIO = Tag(Codec.AAC, Kind.OTHER, False, 0, b"")
_OTHER_VIDEO = Tag(Codec.H264, Kind.OTHER, False, 0, b"")
_VIDEO_FOUR_CC = {b"avc1": Codec.H264, b"hvc1": Codec.HEVC, b"av01": Codec.AV1}
_AUDIO_FOUR_CC = {b"mp4a": Codec.AAC, b"Opus": Codec.OPUS}
_LEGACY_VIDEO = {7: Codec.H264, 12: Codec.HEVC}
_OLD_VIDEO = {2: "Sorenson H.263", 3: "Screen video", 4: "VP6", 5: "VP6 alpha", 6: "Screen video 2"}
_OLD_AUDIO = {0: "PCM", 1: "ADPCM", 2: "MP3", 3: "PCM", 4: "Nellymoser", 5: "Nellymoser", 6: "Nellymoser", 11: "Speex"}
_SEQUENCE_START, _CODED, _SEQUENCE_END, _CODED_X, _METADATA = 0, 1, 2, 3, 4
_VIDEO_MULTITRACK, _VIDEO_MOD_EX = 6, 7
_AUDIO_MULTITRACK, _AUDIO_MOD_EX = 5, 7
_COMMAND_FRAME = 5


def parse_audio(body: bytes) -> Tag:
    """Read an audio tag body. Raises TagError, UnsupportedCodec."""
    if not body:
        raise TagError("empty audio tag")
    sound_format = body[0] >> 4
    if sound_format == 9:
        return _parse_extended_audio(body)
    if sound_format != 10:
        name = _OLD_AUDIO.get(sound_format, f"format {sound_format}")
        raise UnsupportedCodec(f"audio is {name}; set the encoder to AAC 音频编码请选 AAC")
    if len(body) < 2:
        raise TagError("AAC tag is cut off")
    return Tag(Codec.AAC, Kind.CONFIG if body[1] == 0 else Kind.FRAMES, body[1] != 0, 0, body[2:])


def _parse_extended_audio(body: bytes) -> Tag:
    packet, position = body[0] & 15, 1
    packet, position = _skip_mod_ex(body, packet, position, _AUDIO_MOD_EX)
    if packet == _AUDIO_MULTITRACK:
        packet, four_cc, payload = _first_track(body, position)
    else:
        four_cc, payload = body[position : position + 4], body[position + 4 :]
    codec = _AUDIO_FOUR_CC.get(four_cc)
    if codec is None:
        raise UnsupportedCodec(f"audio is {_printable(four_cc)}; set the encoder to AAC or Opus 音频编码请选 AAC")
    if packet == _SEQUENCE_START:
        return Tag(codec, Kind.CONFIG, False, 0, payload)
    if packet == _CODED:
        return Tag(codec, Kind.FRAMES, True, 0, payload)
    return _OTHER_AUDIO


def parse_video(body: bytes) -> Tag:
    """Read a video tag body. Raises TagError, UnsupportedCodec."""
    if not body:
        raise TagError("empty video tag")
    if body[0] & 0x80:
        return _parse_extended_video(body)
    frame_type, codec_id = body[0] >> 4, body[0] & 15
    codec = _LEGACY_VIDEO.get(codec_id)
    if codec is None:
        name = _OLD_VIDEO.get(codec_id, f"codec {codec_id}")
        raise UnsupportedCodec(f"video is {name}; set the encoder to H.264 视频编码请选 H.264")
    if frame_type == _COMMAND_FRAME:
        return _OTHER_VIDEO
    if len(body) < 5:
        raise TagError("video tag is cut off")
    keyframe = frame_type == 1
    match body[1]:
        case 0:
            return Tag(codec, Kind.CONFIG, keyframe, 0, body[5:])
        case 1:
            return Tag(codec, Kind.FRAMES, keyframe, _signed24(body[2:5]), body[5:])
    return _OTHER_VIDEO


def _parse_extended_video(body: bytes) -> Tag:
    frame_type, packet, position = body[0] >> 4 & 7, body[0] & 15, 1
    packet, position = _skip_mod_ex(body, packet, position, _VIDEO_MOD_EX)
    if packet != _METADATA and frame_type == _COMMAND_FRAME:
        return _OTHER_VIDEO
    if packet == _VIDEO_MULTITRACK:
        packet, four_cc, payload = _first_track(body, position)
    else:
        four_cc, payload = body[position : position + 4], body[position + 4 :]
    codec = _VIDEO_FOUR_CC.get(four_cc)
    if codec is None:
        raise UnsupportedCodec(f"video is {_printable(four_cc)}; set the encoder to H.264 视频编码请选 H.264")
    keyframe = frame_type == 1
    if packet == _SEQUENCE_START:
        return Tag(codec, Kind.CONFIG, keyframe, 0, payload)
    if packet == _CODED_X or (packet == _CODED and codec is Codec.AV1):
        return Tag(codec, Kind.FRAMES, keyframe, 0, payload)
    if packet == _CODED:
        if len(payload) < 3:
            raise TagError("video tag is cut off")
        return Tag(codec, Kind.FRAMES, keyframe, _signed24(payload[:3]), payload[3:])
    return _OTHER_VIDEO


def _skip_mod_ex(body: bytes, packet: int, position: int, mod_ex: int) -> tuple[int, int]:
    """Step over modifiers such as the nanosecond offset (case 29); the packet type behind them."""
    while packet == mod_ex:
        if position >= len(body):
            raise TagError("modifier is cut off")
        size = body[position] + 1
        position += 1
        if size == 256:
            size = int.from_bytes(body[position : position + 2], "big") + 1
            position += 2
        position += size
        if position >= len(body):
            raise TagError("modifier is cut off")
        packet = body[position] & 15
        position += 1
    return packet, position


def _first_track(body: bytes, position: int) -> tuple[int, bytes, bytes]:
    """Packet type, FourCC and payload of track 0 of a multitrack tag; other tracks are skipped (case 29)."""
    if position + 1 > len(body):
        raise TagError("multitrack tag is cut off")
    kind, packet = body[position] >> 4, body[position] & 15
    position += 1
    shared = body[position : position + 4]
    if kind != 2:  # all tracks of one codec
        position += 4
    while position < len(body):
        four_cc = shared
        if kind == 2:
            four_cc = body[position : position + 4]
            position += 4
        track = body[position] if position < len(body) else 255
        position += 1
        if kind == 0:  # one track: the rest is its payload
            return (packet, four_cc, body[position:]) if track == 0 else (_SEQUENCE_END, four_cc, b"")
        size = int.from_bytes(body[position : position + 3], "big")
        position += 3
        if track == 0:
            return packet, four_cc, body[position : position + size]
        position += size
    return _SEQUENCE_END, shared, b""


def _signed24(raw: bytes) -> int:
    value = int.from_bytes(raw, "big")
    return value - 0x1000000 if value & 0x800000 else value


def _printable(four_cc: bytes) -> str:
    return four_cc.decode("ascii", "replace") if four_cc.isalnum() else "unknown"
