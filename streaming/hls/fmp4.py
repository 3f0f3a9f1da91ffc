"""Fragmented MP4 (ISO/IEC 14496-12): an init section for tracks, a moof+mdat for runs of samples."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from streaming.media import Codec, Track

_SYNC_FLAGS = 0x02000000  # sample_depends_on = 2: depends on no other (14496-12, 8.8.3.1)
_DELTA_FLAGS = 0x01010000  # sample_depends_on = 1, sample_is_non_sync_sample

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_MOVIE_TIMESCALE = 1000  # of mvhd and tkhd alone: a fragmented file's durations there are 0
_UNDETERMINED = 0x55C4  # language "und", three letters of 5 bits


@dataclass(frozen=True, slots=True)
class Sample:
    """One access unit inside a run. Times in the track's timescale."""

    duration: int
    composition_offset: int
    """pts - dts; may be negative (trun version 1)."""
    keyframe: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive samples of one track, the first at `decode_time` (ticks, 64 bit)."""

    track: Track
    decode_time: int
    samples: Sequence[Sample]


def init_section(tracks: Sequence[Track]) -> bytes:
    """The ftyp and moov that a player needs before any fragment of these tracks."""
    ftyp = _box(b"ftyp", b"iso6", _u32(0), b"iso6", b"mp41")
    mvhd = _full_box(
        b"mvhd",
        0,
        0,
        struct.pack(">4I", 0, 0, _MOVIE_TIMESCALE, 0),
        struct.pack(">IH10x", 0x10000, 0x0100),
        _MATRIX,
        bytes(24),
        _u32(max(_number(track) for track in tracks) + 1),
    )
    mvex = _box(b"mvex", *(_trex(track) for track in tracks))
    return ftyp + _box(b"moov", mvhd, *(_trak(track) for track in tracks), mvex)


def fragment(sequence: int, runs: Sequence[Run]) -> bytes:
    """One moof and its mdat: a traf for each run, the media of the runs one after the other.

    `sequence` is mfhd's sequence_number: it only has to grow. Runs without samples are not allowed.
    """
    moof_size = 8 + 16 + sum(_traf_size(run) for run in runs)
    offset = moof_size + 8
    trafs = []
    payloads: list[bytes] = []
    for run in runs:
        trafs.append(_traf(run, offset))
        payloads.extend(sample.payload for sample in run.samples)
        offset += sum(len(sample.payload) for sample in run.samples)
    mfhd = _full_box(b"mfhd", 0, 0, _u32(sequence & 0xFFFFFFFF))
    moof = _box(b"moof", mfhd, *trafs)
    return b"".join((moof, _u32(offset - moof_size), b"mdat", *payloads))


def _traf_size(run: Run) -> int:
    tfhd = 16
    tfdt = 20
    trun = 20 + 16 * len(run.samples)
    return 8 + tfhd + tfdt + trun


def _traf(run: Run, data_offset: int) -> bytes:
    # 0x020000: default-base-is-moof, so that data_offset counts from the moof (8.8.7)
    tfhd = _full_box(b"tfhd", 0, 0x020000, _u32(_number(run.track)))
    tfdt = _full_box(b"tfdt", 1, 0, struct.pack(">Q", run.decode_time))
    words: list[int] = []
    for sample in run.samples:
        words += (
            sample.duration,
            len(sample.payload),
            _SYNC_FLAGS if sample.keyframe else _DELTA_FLAGS,
            sample.composition_offset & 0xFFFFFFFF,
        )
    # data offset; duration, size, flags and composition offset of every sample (8.8.8)
    trun = _full_box(
        b"trun",
        1,
        0x000F01,
        _u32(len(run.samples)),
        struct.pack(">i", data_offset),
        struct.pack(f">{len(words)}I", *words),
    )
    return _box(b"traf", tfhd, tfdt, trun)


def _trak(track: Track) -> bytes:
    volume = 0 if track.is_video else 0x0100
    tkhd = _full_box(
        b"tkhd",
        0,
        3,  # enabled, in movie
        struct.pack(">5I8x", 0, 0, _number(track), 0, 0),
        struct.pack(">4H", 0, 0, volume, 0),
        _MATRIX,
        struct.pack(">2I", track.width << 16, track.height << 16),
    )
    mdhd = _full_box(b"mdhd", 0, 0, struct.pack(">4I2H", 0, 0, track.timescale, 0, _UNDETERMINED, 0))
    kind, name = (b"vide", b"video\0") if track.is_video else (b"soun", b"sound\0")
    hdlr = _full_box(b"hdlr", 0, 0, _u32(0), kind, bytes(12), name)
    media_header = _full_box(b"vmhd", 0, 1, bytes(8)) if track.is_video else _full_box(b"smhd", 0, 0, bytes(4))
    dinf = _box(b"dinf", _full_box(b"dref", 0, 0, _u32(1), _full_box(b"url ", 0, 1)))
    stbl = _box(
        b"stbl",
        _full_box(b"stsd", 0, 0, _u32(1), _sample_entry(track)),
        _full_box(b"stts", 0, 0, _u32(0)),
        _full_box(b"stsc", 0, 0, _u32(0)),
        _full_box(b"stsz", 0, 0, _u32(0), _u32(0)),
        _full_box(b"stco", 0, 0, _u32(0)),
    )
    return _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, _box(b"minf", media_header, dinf, stbl)))


def _trex(track: Track) -> bytes:
    return _full_box(b"trex", 0, 0, struct.pack(">5I", _number(track), 1, 0, 0, 0))


_VIDEO_ENTRIES = {
    Codec.H264: (b"avc1", b"avcC"),
    Codec.HEVC: (b"hvc1", b"hvcC"),
    Codec.AV1: (b"av01", b"av1C"),
}


def _sample_entry(track: Track) -> bytes:
    if track.is_video:
        entry, configuration = _VIDEO_ENTRIES[track.codec]
        return _box(
            entry,
            struct.pack(">6xH16x2H", 1, track.width & 0xFFFF, track.height & 0xFFFF),
            struct.pack(">3IH32xHh", 0x480000, 0x480000, 0, 1, 0x18, -1),  # 72 dpi, one frame, 24 bit
            _box(configuration, track.config),
        )
    rate = track.sample_rate << 16 if track.sample_rate < 0x10000 else 0  # 16.16; 96 kHz does not fit
    head = struct.pack(">6xH8x2HII", 1, track.channels, 16, 0, rate)
    if track.codec is Codec.AAC:
        return _box(b"mp4a", head, _esds(track.config))
    return _box(b"Opus", head, _box(b"dOps", _opus_specific(track.config)))


def _esds(audio_specific_config: bytes) -> bytes:
    """The elementary stream descriptor of MPEG-4 audio (14496-1, 7.2.6)."""
    decoder = _descriptor(4, b"\x40\x15", bytes(11), _descriptor(5, audio_specific_config))
    return _full_box(b"esds", 0, 0, _descriptor(3, b"\0\0\0", decoder, _descriptor(6, b"\x02")))


def _descriptor(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    length = bytes([0x80 | size >> 21 & 0x7F, 0x80 | size >> 14 & 0x7F, 0x80 | size >> 7 & 0x7F, size & 0x7F])
    return bytes([tag]) + length + body


def _opus_specific(head: bytes) -> bytes:
    """The dOps body from an OpusHead body: the same fields, big-endian, version 0 (Opus in ISOBMFF, 4.3.2)."""
    channels, pre_skip, rate, gain, family = struct.unpack_from("<xBHIhB", head)
    return struct.pack(">BBHIhB", 0, channels, pre_skip, rate, gain, family) + head[11:]


def _number(track: Track) -> int:
    return track.id + 1  # a track_ID of 0 is forbidden (8.3.2)


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _u32(8 + len(body)) + kind + body


def _full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, _u32(version << 24 | flags), *parts)
