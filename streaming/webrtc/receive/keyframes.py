"""When to ask a publisher for a key frame (PLI): often enough to recover, never so often that it hurts (case 40)."""

from __future__ import annotations

REGULAR_SECONDS = 2.0
"""Browsers send key frames only when asked; players and segments need them this often."""
FIRST_RETRY_SECONDS = 0.3
"""A round trip and an encoder's frame; asking sooner makes a sender spend its bandwidth on nothing else."""
MAX_RETRY_SECONDS = 4.0
"""Between requests to an encoder that ignores them."""


class KeyframeRequests:
    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._retry = FIRST_RETRY_SECONDS
        self._last_key: float | None = None
        self._needed = True
        self.asked = 0

    def need(self) -> None:
        """The picture stands: nothing can be shown before a key frame."""
        self._needed = True

    def came(self, now: float) -> None:
        self._needed = False
        self._last_key = now
        self._retry = FIRST_RETRY_SECONDS
        self._asked_at = None

    def due(self, now: float) -> bool:
        """Whether to ask now; counts as asked."""
        wanted = self._needed or self._last_key is None or now - self._last_key >= REGULAR_SECONDS
        if not wanted or (self._asked_at is not None and now - self._asked_at < self._retry):
            return False
        if self._asked_at is not None:
            self._retry = min(self._retry * 2, MAX_RETRY_SECONDS)
        self._asked_at = now
        self.asked += 1
        return True
