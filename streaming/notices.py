"""What the crew should hear of a feed that nobody could push to: who was turned away, and why."""

from __future__ import annotations

from typing import Protocol

from config.clock import Clock
from streaming.events.model import FeedAddress
from streaming.health.rules import Finding

KEPT_SECONDS = 120.0
"""Long enough for a call to the venue, short enough to be news."""
MAX_FEEDS = 500


class Directory(Protocol):
    async def find_by_key(self, key: str) -> FeedAddress | None: ...


class FeedNotices:
    """The last notice of each feed, for a while. Keys that belong to no feed leave nothing."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory, self._clock = directory, clock
        self._notices: dict[str, Finding] = {}

    async def note(self, key: str, code: str, address: str) -> None:
        """Somebody at `address` was refused although the key is right."""
        feed = await self._directory.find_by_key(key)
        if feed is None:
            return
        if len(self._notices) >= MAX_FEEDS:
            self._notices.pop(next(iter(self._notices)))
        self._notices[feed.feed_id] = Finding(code, "warning", self._clock.utc(), {"address": address})

    def of(self, feed_id: str) -> tuple[Finding, ...]:
        notice = self._notices.get(feed_id)
        if notice is None:
            return ()
        if self._clock.utc() - notice.since > KEPT_SECONDS:
            del self._notices[feed_id]
            return ()
        return (notice,)
