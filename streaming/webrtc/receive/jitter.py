"""Packets of one RTP source in their order; what is missing, when to ask for it, when to give it up.

Without loss nothing waits: a packet in order leaves at once. Behind a hole packets are held until it is filled or its
time is over. No clock of its own, no socket: `now` comes in, requests come out.
"""

from __future__ import annotations

from dataclasses import dataclass

from streaming.webrtc.rtp import RtpPacket, unroll

REORDER_SECONDS = 0.010
"""A packet this late is only out of order; then it is asked for."""
RETRY_SECONDS = 0.080
"""Between requests for the same packet, about a round trip through a mobile network."""
MAX_REQUESTS = 6
PATIENCE_SECONDS = 0.600
"""A hole is given up after this: then the picture stands until the next key frame."""
MAX_MISSING = 64
"""So many holes at once are a link that has become too narrow: asking for them would fill it further, and by the time
they came a new key frame would have. All are given up together."""
MAX_HELD = 1_024
"""Packets behind a hole; 600 ms of 16 Mb/s."""
RESTART_DISTANCE = 3_000
"""A number this far off is a sender that began anew (RFC 3550, A.1: MAX_DROPOUT)."""


class Gap:
    """Stands where packets were lost for good."""


GAP = Gap()


@dataclass(slots=True)
class _Missing:
    since: float
    asked_at: float
    requests: int


class JitterBuffer:
    """One source (SSRC)."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._next: int | None = None
        """The number that leaves next, unrolled."""
        self.highest = 0
        self._held: dict[int, RtpPacket] = {}
        self._missing: dict[int, _Missing] = {}
        self._odd = 0
        self.first = 0
        self.received = 0
        self.duplicates = 0
        self.recovered = 0
        """Came after they had been asked for."""
        self.lost = 0
        self.round_trip = 0.0
        """Seconds from the last request to its packet; 0 while nothing was asked for."""

    def push(self, packet: RtpPacket, now: float) -> list[RtpPacket | Gap]:
        """Take a packet; give what is in order now."""
        if self._next is None:
            self._begin(packet)
        assert self._next is not None
        number = unroll(packet.sequence, self.highest, 16)
        if abs(number - self.highest) > RESTART_DISTANCE:
            self._odd += 1
            if self._odd < 3:
                return []
            self._begin(packet)  # it lasts: the sender counts from elsewhere now
            number = packet.sequence
            self.received += 1
            self._next = number + 1
            return [GAP, packet]
        self._odd = 0
        if number < self._next or number in self._held:
            self.duplicates += 1
            return []
        self.received += 1
        if number > self.highest:
            for absent in range(self.highest + 1, number):
                self._missing[absent] = _Missing(now, 0.0, 0)
            self.highest = number
        else:
            hole = self._missing.pop(number, None)
            if hole is not None and hole.requests:
                self.recovered += 1
                if hole.requests == 1:
                    self.round_trip = now - hole.asked_at
        if number == self._next and not self._held:  # the usual case
            self._next += 1
            return [packet]
        self._held[number] = packet
        return self._release(now)

    def wanted(self, now: float) -> list[int]:
        """Sequence numbers (16 bits) to ask for now."""
        due = []
        for number, hole in self._missing.items():
            wait = REORDER_SECONDS if not hole.requests else RETRY_SECONDS * hole.requests
            reference = hole.since if not hole.requests else hole.asked_at
            if hole.requests < MAX_REQUESTS and now - reference >= wait:
                hole.requests += 1
                hole.asked_at = now
                due.append(number & 0xFFFF)
        return due

    def expire(self, now: float) -> list[RtpPacket | Gap]:
        """What is in order once holes that are too old are given up."""
        return self._release(now) if self._missing else []

    def _begin(self, packet: RtpPacket) -> None:
        # far from zero, so that packets from before the first one have a number as well
        self._next = self.highest = self.first = packet.sequence
        self._held.clear()
        self._missing.clear()
        self._odd = 0

    def _release(self, now: float) -> list[RtpPacket | Gap]:
        assert self._next is not None
        if len(self._missing) > MAX_MISSING:
            self._missing.clear()
        out: list[RtpPacket | Gap] = []
        while self._held:
            packet = self._held.pop(self._next, None)
            if packet is not None:
                out.append(packet)
                self._next += 1
                continue
            hole = self._missing.get(self._next)
            if hole is not None and now - hole.since < self._patience and len(self._held) < MAX_HELD:
                break
            following = min(self._held)
            for number in range(self._next, following):
                self._missing.pop(number, None)
            self.lost += following - self._next
            self._next = following
            out.append(GAP)
        return out
