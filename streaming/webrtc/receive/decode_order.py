"""Decode times for pictures that only carry their presentation time.

Browsers send no B-frames, so both are the same. An encoder that passes B-frames through (ffmpeg) sends them in decode
order with timestamps that step back; then decode time runs behind presentation by the deepest step seen.
"""

from __future__ import annotations

MAX_STEP_BACK = 90_000
"""One second: further back is a clock that was set, and the Stream's timeline deals with it."""
MARGIN = 3_000


class DecodeOrder:
    def __init__(self) -> None:
        self._highest: int | None = None
        self._last: int | None = None
        self._delay = 0

    def place(self, pts: int) -> tuple[int, int]:
        """(dts, pts) of the next picture in decode order, in ticks of 90,000 a second."""
        if self._highest is not None and 0 < self._highest - pts <= MAX_STEP_BACK:
            self._delay = max(self._delay, self._highest - pts + MARGIN)
        elif self._highest is None or abs(pts - self._highest) > MAX_STEP_BACK:
            self._last = None
            self._highest = pts
        self._highest = max(self._highest, pts)
        if not self._delay:
            self._last = pts
            return pts, pts
        dts = pts - self._delay
        if self._last is not None and dts <= self._last:
            dts = self._last + 1
        self._last = dts
        return dts, max(pts, dts)
