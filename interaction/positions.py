"""How far behind each viewer's picture is, from heartbeats: what decides when a question reaches whom."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from config.clock import Clock, from_rfc3339

FRESH_SECONDS = 60.0
"""What a viewer said longer ago is worth nothing: that page is gone."""
MAX_DELAY = 600.0
"""Older pictures are a broken clock, or somebody who rewound."""
MAX_VIEWERS = 200_000
"""Of all rooms: 30 MB."""


@dataclass(frozen=True, slots=True)
class Heard:
    delay: float
    """Seconds from the picture's UTC to the heartbeat's receipt."""
    protocol: str | None
    at: float


class Positions:
    """The last heartbeat of each viewer, by event. Memory only: a restart hears them again within seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: dict[str, dict[str, Heard]] = defaultdict(dict)
        self._count = 0

    def heard(self, event_id: str, viewer_id: str, position: str | float | None, protocol: str | None) -> None:
        """A viewer's page said which picture it shows. Nonsense is no position."""
        utc = parse(position)
        now = self._clock.utc()
        if utc is None or not -5.0 <= now - utc <= MAX_DELAY:
            return
        viewers = self._heard[event_id]
        if viewer_id not in viewers:
            if self._count >= MAX_VIEWERS:
                self._forget_old(now)
                if self._count >= MAX_VIEWERS:
                    return
            self._count += 1
        self._heard[event_id][viewer_id] = Heard(max(now - utc, 0.0), protocol, now)

    def of_event(self, event_id: str) -> dict[str, Heard]:
        """Those heard lately, by viewer."""
        now = self._clock.utc()
        heard = self._heard.get(event_id, {})
        return {viewer_id: one for viewer_id, one in heard.items() if now - one.at <= FRESH_SECONDS}

    def of_viewer(self, event_id: str, viewer_id: str) -> Heard | None:
        return self._heard.get(event_id, {}).get(viewer_id)

    def _forget_old(self, now: float) -> None:
        for event_id in tuple(self._heard):
            viewers = self._heard[event_id]
            kept = {viewer_id: one for viewer_id, one in viewers.items() if now - one.at <= FRESH_SECONDS}
            self._count -= len(viewers) - len(kept)
            if kept:
                self._heard[event_id] = kept
            else:
                del self._heard[event_id]


def parse(position: str | float | None) -> float | None:
    """Unix seconds of a heartbeat's `position`: RFC 3339, or Unix seconds, or milliseconds."""
    if position is None:
        return None
    if isinstance(position, str):
        try:
            return from_rfc3339(position)
        except (ValueError, OverflowError):
            return None
    return position / 1000 if position > 1e11 else float(position)
