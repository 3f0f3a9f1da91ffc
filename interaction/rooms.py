"""All rooms of this process: opened when somebody or something needs one, ticking, and closed in order."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis

from config.clock import Clock
from config.mongodb import Database
from interaction.comments.talk import Talk
from interaction.commit import Busy
from interaction.figures import Figures
from interaction.presence import ALL
from interaction.pulse import Pulse
from interaction.rejected import Rejected
from interaction.room import Broadcast, Room, RoomRules
from interaction.store.comments import Comment, Status
from interaction.store.rooms import LEASE_SECONDS, RoomStore
from interaction.viewer import Viewer

KEEP_SECONDS = 2.0
"""Figures go to MongoDB and leases are renewed so often: two seconds of a peak may be lost, never a comment."""
MAX_LIKES = 50
"""Of one message; a thumb manages about ten a second and phones gather five."""

log = structlog.get_logger(__name__)


class ActivityViews(Protocol):
    """What a room shows of its event's activities."""

    async def views(self, event_id: str) -> list[dict[str, Any]]: ...

    def tallies(self, event_id: str) -> list[dict[str, Any]]: ...

    def forget(self, event_id: str) -> None:
        """Another process has the room; what is in memory is nobody's."""


class Rooms:
    """Made by `open_rooms`. What people do comes in as actions; what happened goes out through `broadcast`."""

    def __init__(self, database: Database, redis: Redis, clock: Clock, tick_seconds: float) -> None:
        self.talk = Talk(database, clock)
        self.comments = self.talk.store
        self._rooms_store = RoomStore(database)
        self._figures = Figures(self._rooms_store, redis)
        self._clock = clock
        self._tick_seconds = tick_seconds
        self._owner = secrets.token_hex(8)
        self._rooms: dict[str, Room] = {}
        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._rules: dict[str, RoomRules] = {}
        self._pulses: dict[str, Pulse] = {}
        self._lost: set[str] = set()
        """Rooms that another process took over: we open them again only when its lease has run out."""
        self.activities: ActivityViews | None = None
        """Set by the composition root before the first room opens."""
        self.broadcast: Broadcast | None = None
        """Set by `web.realtime` before the first socket connects."""

    async def ensure_indexes(self) -> None:
        await self.talk.ensure_indexes()

    async def room(self, event_id: str) -> Room:
        """The event's room, opened now if it is not; its numbers begin a new epoch then.

        Raises Busy while another process has it that took it over from us.
        """
        room = self._rooms.get(event_id)
        if room is not None:
            return room
        task = self._opening.get(event_id)
        if task is None:
            task = self._opening[event_id] = asyncio.get_running_loop().create_task(self._open(event_id))
            task.add_done_callback(lambda _: self._opening.pop(event_id, None))
        return await asyncio.shield(task)

    async def _open(self, event_id: str) -> Room:
        taking_over = event_id not in self._lost
        record = await self._rooms_store.open(event_id, self._owner, self._clock.utc(), taking_over=taking_over)
        if record is None:
            raise Busy(LEASE_SECONDS)
        self._lost.discard(event_id)
        recent = await self.comments.page(event_id, Status.SHOWN)
        activities = await self.activities.views(event_id) if self.activities is not None else []
        likes = await self.comments.likes_of([comment.id for comment in recent])
        pinned_id = self.talk.guard.event_rules(event_id).pinned
        pinned = await self.comments.get(pinned_id) if pinned_id is not None else None
        if pinned is not None and pinned.status is not Status.SHOWN:
            pinned = None
        rules = self._rules.get(event_id, RoomRules())
        room = Room(event_id, record, recent[::-1], rules, activities, likes, pinned)
        self._rooms[event_id] = room
        self._pulses[event_id] = Pulse(room, self._clock.monotonic())
        return room

    def apply_rules(self, event_id: str, rules: RoomRules) -> None:
        """What the event says now. The red key reaches every socket before this returns."""
        self._rules[event_id] = rules
        room = self._rooms.get(event_id)
        if room is not None and room.apply(rules):
            self._send(room)

    def rules(self, event_id: str) -> RoomRules | None:
        return self._rules.get(event_id)

    async def comment(
        self,
        event_id: str,
        viewer_id: str,
        nickname: str,
        *,
        text: str,
        client_id: str,
        reply_to: str | None,
        anonymous: bool,
        avatar: str | None = None,
    ) -> Comment:
        """Take a comment; returns once it is durable. Raises Rejected, Busy."""
        viewer = Viewer(viewer_id, event_id, nickname, anonymous, avatar)
        return await self.talk.say(await self.room(event_id), viewer, text, client_id, reply_to)

    async def like_comment(self, viewer: Viewer, comment_id: str) -> int:
        """A heart on a comment; how many it has. Raises Rejected, Busy."""
        return await self.talk.like(await self.room(viewer.event_id), viewer, comment_id)

    async def like(self, event_id: str, count: int, *, anonymous: bool) -> None:
        room = await self.room(event_id)
        if not room.open:
            raise Rejected("cut" if room.rules.cut else "room_closed")
        if anonymous and "like" not in room.rules.anonymous_may:
            raise Rejected("sign_in_to_like")
        room.like(min(max(count, 0), MAX_LIKES))

    async def heartbeat(self, event_id: str, viewer_id: str, venue_id: str) -> None:
        room = await self.room(event_id)
        if venue_id in room.rules.venues_on_air:
            room.presence.heartbeat(viewer_id, venue_id, self._clock.monotonic())

    def present(self, event_id: str) -> list[str]:
        """Who is in the room now: for a lottery's pool."""
        room = self._rooms.get(event_id)
        return room.presence.watching if room is not None else []

    def left(self, event_id: str, viewer_id: str) -> None:
        room = self._rooms.get(event_id)
        if room is not None:
            room.presence.left(viewer_id)

    async def review(
        self, event_id: str, ids: Sequence[str], *, approve: bool, by: str, reason: str = ""
    ) -> list[Comment]:
        """Let held comments through, or take comments away; those that changed."""
        return await self.talk.review(await self.room(event_id), ids, approve=approve, by=by, reason=reason)

    async def snapshot(self, event_id: str) -> dict[str, object]:
        return self.snapshot_of(await self.room(event_id))

    def snapshot_of(self, room: Room) -> dict[str, object]:
        """The same for a room that is at hand."""
        return room.snapshot(self._clock.utc())

    async def polled(self, event_id: str) -> dict[str, Any]:
        """The snapshot for pages that poll: the same object until something changed."""
        return (await self.room(event_id)).polled(self._clock.monotonic(), self._clock.utc())

    def viewers(self, event_id: str, venue_id: str | None) -> tuple[int, int, int]:
        """Current, peak and unique viewers of a venue, or with None of the room."""
        room = self._rooms.get(event_id)
        return room.presence.figures(venue_id or ALL) if room is not None else (0, 0, 0)

    @property
    def viewer_count(self) -> int:
        """Viewers of all rooms now."""
        return sum(room.presence.figures(ALL)[0] for room in self._rooms.values())

    async def comment_count(self, event_id: str) -> int:
        return await self.comments.count(event_id)

    async def tick_forever(self) -> None:
        """One batch per room and tick, or slower where the room's ladder says so, for as long as the process lives."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + self._tick_seconds, loop.time())
            await asyncio.sleep(due - loop.time())
            late = loop.time() - due
            for room in tuple(self._rooms.values()):
                try:
                    self._tallied(room)
                    self._pulses[room.event_id].tick(self.broadcast, self._clock.monotonic(), self._clock.utc(), late)
                except Exception:
                    log.exception("a room's tick failed", event_id=room.event_id)

    async def keep_forever(self) -> None:
        """Figures and leases, beside the ticks: a database that hangs delays no batch."""
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            try:
                await self._keep_figures()
            except Exception:
                log.exception("figures were not kept")

    async def activity_changed(self, event_id: str, item: dict[str, Any]) -> None:
        """An activity's new look, with the room's next batch (`interaction.activities.engine.ActivityRoom`)."""
        (await self.room(event_id)).activity_changed(item)

    def earned(self, viewer: Viewer, amount: int, reason: str) -> None:
        """Points that are durable, told on every screen of the viewer."""
        if self.broadcast is not None:
            self.broadcast.personal(viewer.event_id, viewer.id, {"type": "points", "amount": amount, "reason": reason})

    def may(self, event_id: str, right: str) -> bool:
        rules = self._rules.get(event_id)
        return rules is not None and right in rules.anonymous_may

    def running(self, event_id: str) -> bool:
        rules = self._rules.get(event_id)
        return rules is not None and rules.state == "live" and not rules.cut

    def _tallied(self, room: Room) -> None:
        if self.activities is not None:
            room.tallied(self.activities.tallies(room.event_id))

    def _send(self, room: Room) -> None:
        """A batch out of turn."""
        self._tallied(room)
        self._pulses[room.event_id].send(self.broadcast, self._clock.monotonic(), self._clock.utc())

    async def _keep_figures(self) -> None:
        for room in tuple(self._rooms.values()):
            if not await self._figures.keep(room, self._clock.utc()):
                await self._step_back(room.event_id)

    async def _step_back(self, event_id: str) -> None:
        """The room has another owner: no more numbers from here, and its sockets go to look for it."""
        log.warning("another process has taken the room over", event_id=event_id)
        self._lost.add(event_id)
        self._rooms.pop(event_id, None)
        self._pulses.pop(event_id, None)
        if self.activities is not None:
            self.activities.forget(event_id)
        if self.broadcast is not None:
            await self.broadcast.close_room(event_id)

    async def close(self) -> None:
        """Commit what waits and keep the last figures."""
        await self.talk.close()
        await self._keep_figures()

    async def start(self) -> None:
        await self.talk.start()


@asynccontextmanager
async def open_rooms(database: Database, redis: Redis, clock: Clock, *, tick_seconds: float) -> AsyncIterator[Rooms]:
    """Rooms that tick while the context is open."""
    rooms = Rooms(database, redis, clock, tick_seconds)
    await rooms.ensure_indexes()
    await rooms.start()
    running = [asyncio.create_task(rooms.tick_forever()), asyncio.create_task(rooms.keep_forever())]
    try:
        yield rooms
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await rooms.close()
