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
from interaction.comments import MAX_LIKES, Pace, clean
from interaction.commit import GroupCommit, Outcome
from interaction.figures import Figures
from interaction.presence import ALL
from interaction.rejected import Rejected
from interaction.room import Broadcast, Room, RoomRules
from interaction.store.comments import Comment, CommentStore, Status, comment_id, to_document
from interaction.store.rooms import RoomStore

KEEP_TICKS = 8
"""Figures go to MongoDB every so many ticks when they changed: two seconds of a peak may be lost, never a comment."""
MAX_PACES = 200_000
"""Buckets in memory before the full ones are forgotten; 100 bytes each."""
MAX_UNKNOWN = 5_000

log = structlog.get_logger(__name__)


class ActivityViews(Protocol):
    """What a room shows of its event's activities."""

    async def views(self, event_id: str) -> list[dict[str, Any]]: ...

    def tallies(self, event_id: str) -> list[dict[str, Any]]: ...


class Rooms:
    """Made by `open_rooms`. What people do comes in as actions; what happened goes out through `broadcast`."""

    def __init__(self, database: Database, redis: Redis, clock: Clock, tick_seconds: float) -> None:
        self.comments = CommentStore(database)
        self._rooms_store = RoomStore(database)
        self._figures = Figures(self._rooms_store, redis)
        self._clock = clock
        self._tick_seconds = tick_seconds
        self._commit = GroupCommit(self.comments.collection)
        self._owner = secrets.token_hex(8)
        self._rooms: dict[str, Room] = {}
        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._rules: dict[str, RoomRules] = {}
        self._paces: dict[str, Pace] = {}
        self._unknown: dict[str, Comment] = {}
        """Comments whose commit was not answered: a repeat that finds them there shows them."""
        self._ticks = 0
        self.activities: ActivityViews | None = None
        """Set by the composition root before the first room opens."""
        self.broadcast: Broadcast | None = None
        """Set by `web.realtime` before the first socket connects."""

    async def ensure_indexes(self) -> None:
        await self.comments.ensure_indexes()

    async def room(self, event_id: str) -> Room:
        """The event's room, opened now if it is not; its numbers begin a new epoch then."""
        room = self._rooms.get(event_id)
        if room is not None:
            return room
        task = self._opening.get(event_id)
        if task is None:
            task = self._opening[event_id] = asyncio.get_running_loop().create_task(self._open(event_id))
            task.add_done_callback(lambda _: self._opening.pop(event_id, None))
        return await asyncio.shield(task)

    async def _open(self, event_id: str) -> Room:
        record = await self._rooms_store.open(event_id, self._owner)
        recent = await self.comments.page(event_id, Status.SHOWN)
        activities = await self.activities.views(event_id) if self.activities is not None else []
        room = Room(event_id, record, recent[::-1], self._rules.get(event_id, RoomRules()), activities)
        self._rooms[event_id] = room
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
    ) -> Comment:
        """Take a comment; returns once it is durable. Raises Rejected, Busy."""
        id_ = comment_id(event_id, viewer_id, client_id)
        room = await self.room(event_id)
        kept = clean(text)
        now = self._clock.monotonic()
        pace = self._pace(viewer_id, now)
        try:
            pace.charge(now)
        except Rejected:
            # a repeat of what is there already is no new comment, however fast it comes
            existing = await self.comments.get(id_)
            if existing is not None and id_ not in self._unknown:
                return existing
            raise
        if not room.open:
            existing = await self.comments.get(id_)
            if existing is not None:
                return existing
            raise Rejected("cut" if room.rules.cut else "room_closed")
        if anonymous and "comment" not in room.rules.anonymous_may:
            raise Rejected("sign_in_to_comment")
        status = Status.HELD if room.rules.moderation == "pre" else Status.SHOWN
        comment = Comment(id_, event_id, viewer_id, nickname, kept, self._clock.utc(), status, reply_to)
        outcome = await self._commit.insert(to_document(comment), lambda settled: self._settled(room, comment, settled))
        if outcome is Outcome.ALREADY_THERE:
            return await self.comments.get(id_) or comment
        return comment

    def _settled(self, room: Room, comment: Comment, outcome: Outcome) -> None:
        """A comment's write is over, whether or not its sender still waits."""
        if outcome is Outcome.UNKNOWN:
            if len(self._unknown) < MAX_UNKNOWN:
                self._unknown[comment.id] = comment
            return
        unseen = self._unknown.pop(comment.id, None)
        shown = comment if outcome is Outcome.WRITTEN else unseen
        if shown is not None and shown.status is Status.SHOWN:
            room.add_comment(shown, self._clock.monotonic())

    def _pace(self, viewer_id: str, now: float) -> Pace:
        pace = self._paces.get(viewer_id)
        if pace is None:
            if len(self._paces) >= MAX_PACES:
                self._paces = {viewer: kept for viewer, kept in self._paces.items() if not kept.full(now)}
            pace = self._paces[viewer_id] = Pace(at=now)
        return pace

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

    def left(self, event_id: str, viewer_id: str) -> None:
        room = self._rooms.get(event_id)
        if room is not None:
            room.presence.left(viewer_id)

    async def review(self, event_id: str, ids: Sequence[str], *, approve: bool, by: str) -> list[Comment]:
        """Let held comments through, or take comments away; those that changed."""
        room = await self.room(event_id)
        status = Status.SHOWN if approve else Status.REMOVED
        changed = await self.comments.set_status(event_id, ids, status, by, self._clock.utc())
        for comment in changed:
            if approve:
                room.show_comment(comment)
            else:
                room.remove_comment(comment.id)
        return changed

    async def snapshot(self, event_id: str) -> dict[str, object]:
        return self.snapshot_of(await self.room(event_id))

    def snapshot_of(self, room: Room) -> dict[str, object]:
        """The same for a room that is at hand."""
        return room.snapshot(self._clock.utc())

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
        """One batch per room and tick, for as long as the process lives."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + self._tick_seconds, loop.time())
            await asyncio.sleep(due - loop.time())
            self._ticks += 1
            for room in tuple(self._rooms.values()):
                try:
                    self._send(room)
                except Exception:
                    log.exception("a room's tick failed", event_id=room.event_id)
            if self._ticks % KEEP_TICKS == 0:
                await self._keep_figures()

    async def activity_changed(self, event_id: str, item: dict[str, Any]) -> None:
        """An activity's new look, with the room's next batch (`interaction.activities.engine.ActivityRoom`)."""
        (await self.room(event_id)).activity_changed(item)

    def may(self, event_id: str, right: str) -> bool:
        rules = self._rules.get(event_id)
        return rules is not None and right in rules.anonymous_may

    def running(self, event_id: str) -> bool:
        rules = self._rules.get(event_id)
        return rules is not None and rules.state == "live" and not rules.cut

    def _send(self, room: Room) -> None:
        if self.activities is not None:
            room.tallied(self.activities.tallies(room.event_id))
        batch = room.take_batch(self._clock.monotonic(), self._clock.utc())
        if self.broadcast is None:
            return
        if batch is not None:
            self.broadcast.to_room(room.event_id, "batch", batch)
        self.broadcast.catch_up(room.event_id, lambda: self.snapshot_of(room))

    async def _keep_figures(self) -> None:
        for room in tuple(self._rooms.values()):
            if not await self._figures.keep(room):
                log.warning("another process has taken the room over", event_id=room.event_id)
                self._rooms.pop(room.event_id, None)

    async def close(self) -> None:
        """Commit what waits and keep the last figures."""
        await self._commit.close()
        await self._keep_figures()

    def start(self) -> None:
        self._commit.start()


@asynccontextmanager
async def open_rooms(database: Database, redis: Redis, clock: Clock, *, tick_seconds: float) -> AsyncIterator[Rooms]:
    """Rooms that tick while the context is open."""
    rooms = Rooms(database, redis, clock, tick_seconds)
    await rooms.ensure_indexes()
    rooms.start()
    ticking = asyncio.create_task(rooms.tick_forever())
    try:
        yield rooms
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        await rooms.close()
