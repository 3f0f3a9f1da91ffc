"""HEVC: hvcC records, picture size, NAL unit types (ISO/IEC 14496-15 8.3.3, ITU-T H.265)."""

from __future__ import annotations

from dataclasses import dataclass

from streaming.codecs.bits import BitReader, unescape
from streaming.codecs.errors import CodecError

VPS, SPS, PPS = 32, 33, 34
IRAP = range(16, 24)
"""NAL unit types at which a decoder can start (BLA, IDR, CRA)."""


@dataclass(frozen=True, slots=True)
class HevcInfo:
    width: int
    height: int
    length_size: int


def parse_hvcc(record: bytes) -> HevcInfo:
    """Size and length size of an HEVCDecoderConfigurationRecord. Raises CodecError."""
    if len(record) < 23 or record[0] not in (0, 1):
        raise CodecError("not an hvcC record")
    position = 23
    try:
        for _ in range(record[22]):
            kind = record[position] & 0x3F
            count = int.from_bytes(record[position + 1 : position + 3], "big")
            position += 3
            for _ in range(count):
                size = int.from_bytes(record[position : position + 2], "big")
                unit = record[position + 2 : position + 2 + size]
                position += 2 + size
                if kind == SPS and len(unit) == size:
                    width, height = parse_sps(unit)
                    return HevcInfo(width, height, (record[21] & 3) + 1)
    except IndexError:
        raise CodecError("hvcC record is cut off") from None
    raise CodecError("hvcC record without a sequence parameter set")


def parse_sps(unit: bytes) -> tuple[int, int]:
    """Width and height of a sequence parameter set (7.3.2.2.1). Raises CodecError."""
    reader = BitReader(unescape(unit[2:]))
    reader.skip(4)
    sub_layers = reader.bits(3)
    reader.skip(1 + 8 + 32 + 48 + 8)
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers)]
    if sub_layers:
        reader.skip(2 * (8 - sub_layers))
    for profile, level in present:
        reader.skip((88 if profile else 0) + (8 if level else 0))
    reader.ue()
    chroma = reader.ue()
    if chroma == 3:
        reader.flag()
    width, height = reader.ue(), reader.ue()
    if reader.flag():
        left, right, top, bottom = reader.ue(), reader.ue(), reader.ue(), reader.ue()
        width -= (left + right) * (2 if chroma in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma == 1 else 1)
    if not (0 < width <= 16384 and 0 < height <= 16384):
        raise CodecError(f"picture size {width}x{height} is out of range")
    return width, height
