"""AV1: av1C records and the sequence header's picture size (AV1 bitstream 5.5, AV1 in ISOBMFF)."""

from __future__ import annotations

from streaming.codecs.bits import BitReader
from streaming.codecs.errors import CodecError

_SEQUENCE_HEADER = 1


def parse_av1c(record: bytes) -> tuple[int, int]:
    """Width and height from the sequence header in an av1C body; (0, 0) when it carries none. Raises CodecError."""
    if len(record) < 4 or record[0] != 0x81:
        raise CodecError("not an av1C record")
    position = 4
    while position < len(record):
        header = record[position]
        position += 1 + (header >> 2 & 1)
        size = shift = 0
        while header & 2:
            if position >= len(record) or shift > 28:
                raise CodecError("av1C record ends inside an OBU")
            byte = record[position]
            size |= (byte & 0x7F) << shift
            shift, position = shift + 7, position + 1
            if not byte & 0x80:
                break
        if header >> 3 & 15 == _SEQUENCE_HEADER:
            return _sequence_size(record[position : position + size])
        position += size
    return 0, 0


def _sequence_size(header: bytes) -> tuple[int, int]:
    reader = BitReader(header)
    reader.skip(3 + 1)
    if reader.flag():  # reduced_still_picture_header
        reader.skip(5)
    else:
        delay_bits = _skip_timing(reader)
        _skip_operating_points(reader, delay_bits)
    width_bits, height_bits = reader.bits(4) + 1, reader.bits(4) + 1
    return reader.bits(width_bits) + 1, reader.bits(height_bits) + 1


def _skip_timing(reader: BitReader) -> int | None:
    """timing_info and decoder_model_info; the length of buffer delays when there is a decoder model."""
    if not reader.flag():
        return None
    reader.skip(32 + 32)
    if reader.flag():  # equal_picture_interval
        reader.uvlc()
    if not reader.flag():  # decoder_model_info_present
        return None
    delay_bits = reader.bits(5) + 1
    reader.skip(32 + 5 + 5)
    return delay_bits


def _skip_operating_points(reader: BitReader, delay_bits: int | None) -> None:
    has_display_delay = reader.flag()
    for _ in range(reader.bits(5) + 1):
        reader.skip(12)
        if reader.bits(5) > 7:
            reader.skip(1)
        if delay_bits is not None and reader.flag():
            reader.skip(2 * delay_bits + 1)
        if has_display_delay and reader.flag():
            reader.skip(4)
