"""What a publisher's congestion control lives on: transport-wide feedback, a few times a second."""

from __future__ import annotations

from streaming.webrtc.rtcp import transport_feedback
from streaming.webrtc.rtp import unroll

FEEDBACK_SECONDS = 0.1
"""What Chromium's own receiver does at a few Mb/s."""
MAX_STEP = 2_000
"""A number further ahead than this is a sender that began anew."""


class TransportWide:
    """Arrival of every packet of one session, whatever its source."""

    def __init__(self) -> None:
        self._arrivals: dict[int, float] = {}
        self._last: int | None = None
        self._base = 0
        self._count = 0
        self._sent_at = 0.0

    def arrived(self, sequence: int, now: float) -> None:
        if self._last is None or abs(unroll(sequence, self._last, 16) - self._last) > MAX_STEP:
            self._last = self._base = sequence
            self._arrivals.clear()
        number = unroll(sequence, self._last, 16)
        self._last = max(self._last, number)
        if number >= self._base:  # what was reported lost stays lost
            self._arrivals.setdefault(number, now)

    def due(self, sender: int, ssrc: int, now: float) -> bytes | None:
        """The next feedback, when it is time and there is something to tell."""
        if not self._arrivals or now - self._sent_at < FEEDBACK_SECONDS:
            return None
        ordered = sorted(self._arrivals.items())
        feedback = transport_feedback(sender, ssrc, self._count, self._base, ordered)
        self._count += 1
        self._sent_at = now
        self._base = ordered[-1][0] + 1
        self._arrivals.clear()
        return feedback
