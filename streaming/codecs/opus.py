"""Opus: the identification header without its magic, packet durations (RFC 7845, RFC 6716)."""

from __future__ import annotations

from dataclasses import dataclass

from streaming.codecs.errors import CodecError

RATE = 48_000
MAGIC = b"OpusHead"
DEFAULT_CONFIG = bytes([1, 2, 0x38, 0x01]) + RATE.to_bytes(4, "little") + bytes([0, 0, 0])
"""Stereo, 312 samples of pre-skip: for encoders that send no header (E-RTMP makes it optional)."""
_SILK_MS, _HYBRID_MS, _CELT_MS = (10, 20, 40, 60), (10, 20), (2.5, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class OpusInfo:
    channels: int
    pre_skip: int
    """Samples at 48 kHz to leave out at the start."""


def parse_head(config: bytes) -> OpusInfo:
    """Read an OpusHead without its magic. Raises CodecError."""
    if len(config) < 11 or config[0] & 0xF0:
        raise CodecError("not an Opus header")
    if not 1 <= config[1] <= 8:
        raise CodecError(f"{config[1]} Opus channels")
    return OpusInfo(config[1], int.from_bytes(config[2:4], "little"))


def packet_samples(packet: bytes) -> int:
    """Length of a packet in samples at 48 kHz (RFC 6716 3.1); 0 for an empty one."""
    if not packet:
        return 0
    toc = packet[0]
    config, code = toc >> 3, toc & 3
    if config < 12:
        milliseconds: float = _SILK_MS[config & 3]
    elif config < 16:
        milliseconds = _HYBRID_MS[config & 1]
    else:
        milliseconds = _CELT_MS[config & 3]
    frames = 1 if code == 0 else 2 if code in (1, 2) else (packet[1] & 0x3F if len(packet) > 1 else 0)
    return min(int(milliseconds * 48) * frames, 5760)
