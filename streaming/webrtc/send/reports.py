"""What a viewer's receiver reports say about its link: loss, round trip, and whether it should get less."""

from __future__ import annotations

from collections import deque

from streaming.webrtc.rtcp import ReportBlock

LOSSY = 0.15
"""Of a report's packets lost: more than resending repairs; a wireless link's 5 % stays below."""
QUEUED_SECONDS = 1.0
"""Of round trip above the best that was seen: the packets stand in a queue that grows."""
BAD_REPORTS = 2
"""In a row (browsers send one a second): one alone may be a change of antenna."""
CALM = 0.09
"""A link that always loses 5 % gets its pictures back."""
CALM_REPORTS = 3
"""In a row, before the full stream is tried again."""
STARVED = 0.6
"""Of the stream's rate, by the receiver's estimate; counted only together with loss, since estimates start low."""
STARVED_LOSS = 0.05
MAX_CALM_REPORTS = 24
"""The wait doubles after each attempt that failed, up to this."""
KEPT_REPORTS = 8


class Link:
    """One viewer's link. Pure: reports come in, `thin` says whether only key frames should go out."""

    __slots__ = ("_bad", "_best", "_calm", "_needed", "_sent", "estimate", "fraction_lost", "round_trip", "thin")

    def __init__(self) -> None:
        self.thin = False
        self.fraction_lost = 0.0
        self.round_trip: float | None = None
        self.estimate: int | None = None
        """The receiver's, bits per second (REMB)."""
        self._best = 10.0
        self._bad = self._calm = 0
        self._needed = CALM_REPORTS
        self._sent: deque[tuple[int, float]] = deque(maxlen=KEPT_REPORTS)

    def report_sent(self, ntp: int, now: float) -> None:
        """A sender report left: its middle bits come back with the time between."""
        self._sent.append((ntp >> 16 & 0xFFFFFFFF, now))

    def received(self, block: ReportBlock, bits_per_second: float, now: float) -> None:
        """The report on our video. `bits_per_second`: what the full stream needs."""
        self.fraction_lost = block.fraction_lost / 256
        for middle, at in self._sent:
            if middle == block.last_sr:
                self.round_trip = max(now - at - block.delay / 65536, 0.0)
                self._best = min(self._best, self.round_trip)
        starved = self.estimate is not None and self.estimate < STARVED * bits_per_second
        queued = self.round_trip is not None and self.round_trip > self._best + QUEUED_SECONDS
        bad = self.fraction_lost > (STARVED_LOSS if starved else LOSSY) or queued
        calm = self.fraction_lost < CALM and not queued
        self._bad = self._bad + 1 if bad else 0
        self._calm = self._calm + 1 if calm else 0
        if not self.thin and self._bad >= BAD_REPORTS:
            self.thin, self._calm = True, 0
        elif self.thin and self._calm >= self._needed:
            self.thin, self._bad = False, 0
            self._needed = min(self._needed * 2, MAX_CALM_REPORTS)
        elif not self.thin and self._calm >= 2 * self._needed:
            self._needed = CALM_REPORTS
