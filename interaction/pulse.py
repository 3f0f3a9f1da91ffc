"""One room's pace: when its next batch is due, and what the last one cost the machine."""

from __future__ import annotations

import time

import structlog

from interaction.ladder import Ladder, Load
from interaction.room import Broadcast, Room

SHORTEST_SECONDS = 0.05
"""A batch out of turn is no sign of load, however soon it comes behind another."""

log = structlog.get_logger(__name__)


class Pulse:
    """Sends a room's batches on the pace of its ladder; `now` is monotonic throughout."""

    def __init__(self, room: Room, now: float) -> None:
        self._room = room
        self._ladder = Ladder()
        self._ticks = 0
        self._sent_at = now

    def tick(self, broadcast: Broadcast | None, now: float, utc: float, late: float) -> None:
        """A tick of the process, `late` seconds after it was due."""
        self._ticks += 1
        if self._ticks >= self._room.level.every:
            self._ticks = 0
            self.send(broadcast, now, utc, late)

    def send(self, broadcast: Broadcast | None, now: float, utc: float, late: float = 0.0) -> None:
        """The next batch, now."""
        room = self._room
        before = time.perf_counter()
        batch = room.take_batch(now, utc)
        if broadcast is None:
            return
        if batch is not None:
            broadcast.to_room(room.event_id, "batch", batch)
        broadcast.catch_up(room.event_id, lambda: room.snapshot(utc))
        for comment in room.take_unseen():
            own = {"type": "comment", "id": comment.id, "text": comment.text, "status": comment.status.value}
            broadcast.personal(room.event_id, comment.viewer_id, own)
        cost, since = time.perf_counter() - before, now - self._sent_at
        self._sent_at = now
        busy = cost / max(since, SHORTEST_SECONDS)
        if self._ladder.measured(Load(busy, late, broadcast.behind(room.event_id)), now):
            log.warning("a room changes its level", event_id=room.event_id, level=self._ladder.level.name)
            room.degrade(self._ladder.level)
