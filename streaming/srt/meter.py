"""What passes through the front, counted from packet headers: nothing is decrypted."""

from __future__ import annotations

import struct

from streaming.link import LinkStatus
from streaming.srt.packet import ACK, HEADER_BYTES, NAK

_RETRANSMITTED = 0x04
"""The R flag in the second word of a data packet (3.1)."""


class SrtMeter:
    """One caller's."""

    def __init__(self, latency_ms: int) -> None:
        self._latency_ms = latency_ms
        self._packets = 0
        self._retransmitted = 0
        self._lost = 0
        self._rtt_ms = 0.0

    def from_caller(self, datagram: bytes) -> None:
        if len(datagram) >= HEADER_BYTES and not datagram[0] & 0x80:
            self._packets += 1
            if datagram[4] & _RETRANSMITTED:
                self._retransmitted += 1

    def to_caller(self, datagram: bytes) -> None:
        """The listener's reports: round trip time in ACKs, losses in NAKs (single numbers and ranges)."""
        if len(datagram) < HEADER_BYTES or datagram[0] != 0x80:
            return
        if datagram[1] == ACK and len(datagram) >= HEADER_BYTES + 8:
            self._rtt_ms = struct.unpack_from(">I", datagram, HEADER_BYTES + 4)[0] / 1000
        elif datagram[1] == NAK:
            self._lost += _lost(datagram)

    def status(self) -> LinkStatus:
        return LinkStatus(
            self._packets, self._retransmitted, self._lost, round(self._rtt_ms, 1), latency_ms=self._latency_ms
        )


def _lost(datagram: bytes) -> int:
    numbers = [int.from_bytes(datagram[at : at + 4], "big") for at in range(HEADER_BYTES, len(datagram) - 3, 4)]
    count, index = 0, 0
    while index < len(numbers):
        if numbers[index] & 0x80000000 and index + 1 < len(numbers):
            count += min(max(numbers[index + 1] - (numbers[index] & 0x7FFFFFFF) + 1, 1), 10_000)
            index += 2
        else:
            count += 1
            index += 1
    return count
