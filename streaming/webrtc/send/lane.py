"""One medium on its way to one viewer: a cursor into the shared history, and what numbers its packets carry."""

from __future__ import annotations

import secrets
import struct
from typing import NamedTuple

from streaming.webrtc.rtp import unroll
from streaming.webrtc.send.history import History, Payload
from streaming.webrtc.send.pacing import Replay

MAX_SPANS = 8
"""Jumps that are remembered for resending; older packets than eight jumps ago are nobody's wish."""
_HEADER = struct.Struct("!BBHII")


class _Span(NamedTuple):
    """From sequence number `first` (unrolled) on: index = number - shift."""

    first: int
    shift: int
    replay: Replay | None


class Lane:
    """Sequence numbers without holes, whatever is left out: a hole would be asked for again."""

    __slots__ = ("cursor", "octets", "packets", "payload_type", "replay", "shift", "spans", "ssrc", "timestamp")

    def __init__(self, payload_type: int) -> None:
        self.payload_type = payload_type
        self.ssrc = secrets.randbits(31) | 1
        self.cursor = 0
        """Index of the next packet."""
        self.shift = secrets.randbits(15)
        """Sequence number (unrolled) less index."""
        self.replay: Replay | None = None
        self.spans: list[_Span] = []
        self.timestamp = 0
        """The last packet's."""
        self.packets = 0
        self.octets = 0

    def jump(self, index: int, replay: Replay | None = None) -> None:
        """Go on from another packet of the history."""
        number = self.cursor + self.shift
        self.cursor, self.shift, self.replay = index, number - index, replay
        self.spans = [*self.spans[1 - MAX_SPANS :], _Span(number, self.shift, replay)]

    def header(self, payload: Payload, number: int, timestamp: int, extension: bytes = b"") -> bytes:
        first = 0x90 if extension else 0x80
        header = _HEADER.pack(first, payload.marker | self.payload_type, number & 0xFFFF, timestamp, self.ssrc)
        return header + extension if extension else header

    def again(self, sequence: int, history: History, extension: bytes) -> tuple[bytes, bytes] | None:
        """Header and payload of the packet with this number (16 bits); None when it is gone or never was."""
        number = unroll(sequence, self.cursor + self.shift, 16)
        if number >= self.cursor + self.shift:
            return None
        for span in reversed(self.spans):
            if number >= span.first:
                payload = history.at(number - span.shift)
                if payload is None:
                    return None
                own = payload.timestamp
                timestamp = own if span.replay is None else span.replay.timestamp(payload.frame, own)
                return self.header(payload, number, timestamp, extension if payload.opens else b""), payload.data
        return None
