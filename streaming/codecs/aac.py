"""AAC: the AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1)."""

from __future__ import annotations

from dataclasses import dataclass

from streaming.codecs.bits import BitReader
from streaming.codecs.errors import CodecError

RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)
SBR, PS = 5, 29


@dataclass(frozen=True, slots=True)
class AacInfo:
    object_type: int
    sample_rate: int
    """Of the output: after SBR where it is signalled."""
    channels: int
    frame_samples: int
    """Samples a frame at `sample_rate`: 1024, 960, or twice as many with SBR."""


def parse_config(config: bytes) -> AacInfo:
    """Read an AudioSpecificConfig. Raises CodecError."""
    reader = BitReader(config)
    object_type = _object_type(reader)
    rate = _rate(reader)
    layout = reader.bits(4)
    if layout >= len(_CHANNELS):
        raise CodecError(f"channel configuration {layout} is reserved")
    channels = _CHANNELS[layout]
    factor = 1
    if object_type in (SBR, PS):
        output_rate = _rate(reader)
        factor = 2 if output_rate != rate else 1
        rate = output_rate
        if object_type == PS:
            channels = 2
        object_type = _object_type(reader)
    short_frames = object_type in (1, 2, 3, 4) and reader.flag()
    return AacInfo(object_type, rate, channels or 2, (960 if short_frames else 1024) * factor)


def _object_type(reader: BitReader) -> int:
    object_type = reader.bits(5)
    if object_type == 31:
        object_type = 32 + reader.bits(6)
    if object_type == 0:
        raise CodecError("audio object type 0")
    return object_type


def _rate(reader: BitReader) -> int:
    index = reader.bits(4)
    rate = reader.bits(24) if index == 15 else RATES[index] if index < len(RATES) else 0
    if not 7350 <= rate <= 192_000:
        raise CodecError(f"sample rate index {index} or rate {rate} is out of range")
    return rate
