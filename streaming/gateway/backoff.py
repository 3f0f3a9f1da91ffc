"""How long to wait before the next attempt: grows with each failure, forgets them after health."""

from __future__ import annotations

FIRST_SECONDS = 1.0
FACTOR = 2.0
MAX_SECONDS = 30.0
"""A camera that comes back at eight in the morning is on air half a minute later."""
HEALTHY_SECONDS = 20.0
"""A run this long was health: the next pause begins small again."""


class Backoff:
    """Pure: told how each run went, tells the pause."""

    def __init__(self) -> None:
        self.failures = 0

    def pause(self, ran_seconds: float, *, had_media: bool) -> float:
        """Seconds to wait after a run that lasted so long."""
        if had_media and ran_seconds >= HEALTHY_SECONDS:
            self.failures = 0
        wait = min(FIRST_SECONDS * FACTOR**self.failures, MAX_SECONDS)
        self.failures += 1
        return wait
