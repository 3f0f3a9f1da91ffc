"""What a viewer's receiver reports say about its link: loss, round trip, and whether it should get less."""

from __future__ import annotations

from collections import deque

from streaming.webrtc.rtcp import ReportBlock

WINDOW_SECONDS = 0.95
"""Reports are judged once a second together: browsers send one with each NACK as well, about two packets or ten."""
LOSSY = 0.15
"""Of a window's packets lost: more than resending repairs; a wireless link's 5 % stays below."""
QUEUED_SECONDS = 1.0
"""Of round trip above the best that was seen: the packets stand in a queue that grows."""
BAD_WINDOWS = 2
"""In a row: one alone may be a change of antenna."""
CALM = 0.09
"""A link that always loses 5 % gets its pictures back."""
CALM_WINDOWS = 3
"""In a row, before the full stream is tried again."""
STARVED = 0.6
"""Of the stream's rate, by the receiver's estimate; counted only together with loss, since estimates start low."""
STARVED_LOSS = 0.05
MAX_CALM_WINDOWS = 24
"""The wait doubles after each attempt that failed, up to this."""
KEPT_REPORTS = 8


class Link:
    """One viewer's link. Pure: reports come in, `thin` says whether only key frames should go out."""

    __slots__ = (
        "_bad",
        "_best",
        "_calm",
        "_expected",
        "_highest",
        "_judged_at",
        "_lost",
        "_needed",
        "_sent",
        "estimate",
        "fraction_lost",
        "round_trip",
        "thin",
    )

    def __init__(self) -> None:
        self.thin = False
        self.fraction_lost = 0.0
        self.round_trip: float | None = None
        self.estimate: int | None = None
        """The receiver's, bits per second (REMB)."""
        self._best = 10.0
        self._bad = self._calm = 0
        self._needed = CALM_WINDOWS
        self._highest: int | None = None
        self._expected = 0
        self._lost = 0.0
        self._judged_at: float | None = None
        self._sent: deque[tuple[int, float]] = deque(maxlen=KEPT_REPORTS)

    def report_sent(self, ntp: int, now: float) -> None:
        """A sender report left: its middle bits come back with the time between."""
        self._sent.append((ntp >> 16 & 0xFFFFFFFF, now))

    def received(self, block: ReportBlock, bits_per_second: float, now: float) -> None:
        """The report on our video. `bits_per_second`: what the full stream needs."""
        for middle, at in self._sent:
            if middle == block.last_sr:
                self.round_trip = max(now - at - block.delay / 65536, 0.0)
                self._best = min(self._best, self.round_trip)
        if self._highest is not None:
            expected = max(block.highest - self._highest, 0)
            self._expected += expected
            self._lost += block.fraction_lost / 256 * expected
        self._highest = block.highest
        if self._judged_at is None:
            self._judged_at = now
        elif now - self._judged_at >= WINDOW_SECONDS:
            self.fraction_lost = self._lost / self._expected if self._expected else 0.0
            self._expected, self._lost, self._judged_at = 0, 0.0, now
            self._judge(bits_per_second)

    def _judge(self, bits_per_second: float) -> None:
        starved = self.estimate is not None and self.estimate < STARVED * bits_per_second
        queued = self.round_trip is not None and self.round_trip > self._best + QUEUED_SECONDS
        bad = self.fraction_lost > (STARVED_LOSS if starved else LOSSY) or queued
        calm = self.fraction_lost < CALM and not queued
        self._bad = self._bad + 1 if bad else 0
        self._calm = self._calm + 1 if calm else 0
        if not self.thin and self._bad >= BAD_WINDOWS:
            self.thin, self._calm = True, 0
        elif self.thin and self._calm >= self._needed:
            self.thin, self._bad = False, 0
            self._needed = min(self._needed * 2, MAX_CALM_WINDOWS)
        elif not self.thin and self._calm >= 2 * self._needed:
            self._needed = CALM_WINDOWS
