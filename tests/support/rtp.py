"""RTP as senders of all kinds write it: packets by hand, H.264 in every packetization."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streaming.codecs import h264
from streaming.media import Packet, Track

H264_TYPE, OPUS_TYPE = 96, 111
SILENCE = bytes([0xFC, 0xFF, 0xFE])
"""One 20 ms frame of Opus silence, stereo."""


def rtp(
    sequence: int,
    timestamp: int,
    payload: bytes,
    *,
    marker: bool = False,
    payload_type: int = H264_TYPE,
    ssrc: int = 7,
    extension: bytes = b"",
    padding: int = 0,
) -> bytes:
    """One packet; `extension` is the body of one-byte extensions (RFC 8285), a multiple of four."""
    first = 0x80 | (0x10 if extension else 0) | (0x20 if padding else 0)
    header = bytes([first, payload_type | (0x80 if marker else 0)]) + (sequence & 0xFFFF).to_bytes(2, "big")
    header += (timestamp & 0xFFFFFFFF).to_bytes(4, "big") + ssrc.to_bytes(4, "big")
    if extension:
        header += b"\xbe\xde" + (len(extension) // 4).to_bytes(2, "big") + extension
    return header + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def single(units: Iterable[bytes], size: int = 1100) -> list[bytes]:
    """A packet a unit, fragments where a unit is too long (RFC 6184, 5.6 and 5.8)."""
    payloads: list[bytes] = []
    for unit in units:
        payloads += [unit] if len(unit) <= size else fragments(unit, size)
    return payloads


def fragments(unit: bytes, size: int) -> list[bytes]:
    """FU-A."""
    body = unit[1:]
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    indicator = unit[0] & 0xE0 | 28
    return [
        bytes([indicator, (unit[0] & 31) | (0x80 if i == 0 else 0) | (0x40 if i == len(parts) - 1 else 0)]) + part
        for i, part in enumerate(parts)
    ]


def aggregated(units: Iterable[bytes]) -> list[bytes]:
    """One STAP-A."""
    return [bytes([24 | 0x60]) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)]


def parameter_sets(track: Track) -> list[bytes]:
    config = h264.parse_avcc(track.config)
    return [*config.sps, *config.pps]


@dataclass
class Sender:
    """Numbers packets of one source."""

    sequence: int = 0
    zero: int = 0
    """RTP timestamp of dts 0."""
    ssrc: int = 7
    payload_type: int = H264_TYPE

    def packets(self, payloads: list[bytes], at: int, *, marker: bool = True, extension: bytes = b"") -> list[bytes]:
        """One access unit; the marker on its last packet."""
        made = []
        for index, payload in enumerate(payloads):
            last = marker and index == len(payloads) - 1
            made.append(
                rtp(
                    self.sequence,
                    self.zero + at,
                    payload,
                    marker=last,
                    payload_type=self.payload_type,
                    ssrc=self.ssrc,
                    extension=extension,
                )
            )
            self.sequence = self.sequence + 1 & 0xFFFF
        return made

    def picture(self, track: Track, packet: Packet) -> list[bytes]:
        """As browsers do: parameter sets in a STAP-A before a key frame, then fragments."""
        units = list(h264.units(packet.payload))
        head = aggregated(parameter_sets(track)) if packet.keyframe else []
        return self.packets([*head, *single(units)], packet.pts)
