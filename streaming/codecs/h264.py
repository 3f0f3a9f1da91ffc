"""H.264: avcC records, sequence parameter sets, NAL units in AVCC payloads (ISO/IEC 14496-15, ITU-T H.264)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streaming.codecs.bits import BitReader, unescape
from streaming.codecs.errors import CodecError

IDR, SEI, SPS, PPS, AUD = 5, 6, 7, 8, 9
_HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}


@dataclass(frozen=True, slots=True)
class AvcConfig:
    """What an avcC record holds."""

    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    length_size: int
    """Bytes of each NAL unit's length in the payloads: 1, 2 or 4."""


@dataclass(frozen=True, slots=True)
class SpsInfo:
    width: int
    height: int
    frames_per_second: float
    """0 when the parameter set does not say."""


def parse_avcc(record: bytes) -> AvcConfig:
    """Read an AVCDecoderConfigurationRecord. Raises CodecError."""
    if len(record) < 7 or record[0] != 1:
        raise CodecError("not an avcC record")
    try:
        position = 5
        sets: list[tuple[bytes, ...]] = []
        for count_mask in (0x1F, 0xFF):
            count = record[position] & count_mask
            position += 1
            units = []
            for _ in range(count):
                size = int.from_bytes(record[position : position + 2], "big")
                unit = record[position + 2 : position + 2 + size]
                if len(unit) != size:
                    raise CodecError("avcC record ends inside a parameter set")
                position += 2 + size
                if unit:
                    units.append(unit)
            sets.append(tuple(units))
    except IndexError:
        raise CodecError("avcC record is cut off") from None
    return AvcConfig(sets[0], sets[1], (record[4] & 3) + 1)


def build_avcc(sps: tuple[bytes, ...], pps: tuple[bytes, ...]) -> bytes:
    """An avcC record with four-byte lengths. Raises CodecError without a usable SPS."""
    if not sps or len(sps[0]) < 4:
        raise CodecError("no sequence parameter set")
    record = bytes([1, sps[0][1], sps[0][2], sps[0][3], 0xFF, 0xE0 | len(sps)])
    record += b"".join(len(unit).to_bytes(2, "big") + unit for unit in sps)
    record += bytes([len(pps)]) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in pps)
    if sps[0][1] in (100, 110, 122, 144):
        reader = BitReader(unescape(sps[0][4:]))
        reader.ue()
        chroma = reader.ue()
        if chroma == 3:
            reader.flag()
        luma_depth, chroma_depth = reader.ue(), reader.ue()
        record += bytes([0xFC | chroma & 3, 0xF8 | luma_depth & 7, 0xF8 | chroma_depth & 7, 0])
    return record


def parse_sps(unit: bytes) -> SpsInfo:
    """Picture size and rate of a sequence parameter set (7.3.2.1.1). Raises CodecError."""
    if len(unit) < 5 or unit[0] & 0x1F != SPS:
        raise CodecError("not a sequence parameter set")
    profile = unit[1]
    reader = BitReader(unescape(unit[4:]))
    reader.ue()
    chroma = 1
    if profile in _HIGH_PROFILES:
        chroma = reader.ue()
        if chroma == 3:
            reader.flag()
        reader.ue()
        reader.ue()
        reader.flag()
        if reader.flag():
            for index in range(8 if chroma != 3 else 12):
                if reader.flag():
                    _skip_scaling_list(reader, 16 if index < 6 else 64)
    reader.ue()
    order = reader.ue()
    if order == 0:
        reader.ue()
    elif order == 1:
        reader.flag()
        reader.se()
        reader.se()
        for _ in range(min(reader.ue(), 255)):
            reader.se()
    reader.ue()
    reader.flag()
    width_units = reader.ue() + 1
    height_units = reader.ue() + 1
    frames_only = reader.flag()
    if not frames_only:
        reader.flag()
    reader.flag()
    crop_x = crop_y = 0
    if reader.flag():
        left, right, top, bottom = reader.ue(), reader.ue(), reader.ue(), reader.ue()
        unit_x = 2 if chroma in (1, 2) else 1
        unit_y = (2 if chroma == 1 else 1) * (1 if frames_only else 2)
        crop_x, crop_y = (left + right) * unit_x, (top + bottom) * unit_y
    width = width_units * 16 - crop_x
    height = height_units * 16 * (1 if frames_only else 2) - crop_y
    if not (0 < width <= 16384 and 0 < height <= 16384):
        raise CodecError(f"picture size {width}x{height} is out of range")
    rate = 0.0
    if reader.flag():
        rate = _vui_rate(reader)
    return SpsInfo(width, height, rate)


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + reader.se()) % 256
        last = following or last


def _vui_rate(reader: BitReader) -> float:
    """Frames per second from the VUI's timing (E.1.1); 0 when it has none or is cut off."""
    try:
        if reader.flag() and reader.bits(8) == 255:
            reader.skip(32)
        if reader.flag():
            reader.flag()
        if reader.flag():
            reader.skip(4)
            if reader.flag():
                reader.skip(24)
        if reader.flag():
            reader.ue()
            reader.ue()
        if not reader.flag():
            return 0.0
        tick, scale = reader.bits(32), reader.bits(32)
    except CodecError:
        return 0.0
    return scale / tick / 2 if tick else 0.0


def has_b_slice(payload: bytes) -> bool:
    """Whether the first slice of an AVCC access unit is bidirectional (7.4.3: slice_type 1 or 6)."""
    for unit in units(payload):
        if unit[0] & 31 in (1, IDR):
            try:
                reader = BitReader(unescape(unit[1:16]))
                reader.ue()
                return reader.ue() % 5 == 1
            except CodecError:
                return False
    return False


def units(payload: bytes, length_size: int = 4) -> Iterator[bytes]:
    """The NAL units of an AVCC payload. A length past the end ends the iteration: the rest is damage."""
    position = 0
    while position + length_size <= len(payload):
        size = int.from_bytes(payload[position : position + length_size], "big")
        position += length_size
        if position + size > len(payload):
            return
        if size:
            yield payload[position : position + size]
        position += size


def annexb_units(data: bytes) -> list[bytes]:
    """The NAL units between Annex B start codes."""
    return [unit.rstrip(b"\x00") for unit in data.split(b"\x00\x00\x01")[1:] if unit.rstrip(b"\x00")]


def is_annexb(payload: bytes) -> bool:
    """Whether a payload that should be AVCC is Annex B, as some encoders send.

    A start code alone does not tell: a unit of 256 to 511 bytes has the length 00 00 01 xx.
    """
    return payload.startswith((b"\x00\x00\x00\x01", b"\x00\x00\x01")) and not _is_avcc(payload)


def _is_avcc(payload: bytes) -> bool:
    position, end = 0, len(payload)
    while position + 4 <= end:
        position += 4 + int.from_bytes(payload[position : position + 4], "big")
    return position == end


def join(nal_units: list[bytes]) -> bytes:
    """NAL units as one AVCC payload with four-byte lengths."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in nal_units)
