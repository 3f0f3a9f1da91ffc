"""All activities of this process: prepared, opened, closed (by hand or by time), settled, voided; the room is told."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog
from pydantic import BaseModel

from config.clock import Clock, rfc3339
from config.ids import new_id
from interaction.activities.kind import Facts, Kind
from interaction.activities.lifecycle import Command, after
from interaction.activity import Activity, State
from interaction.commit import Busy
from interaction.rejected import Rejected
from interaction.store.activities import ActivityStore
from interaction.viewer import Viewer

MAX_PER_EVENT = 100
"""A day-long event has some tens; each stands in every snapshot."""
TIMER_SECONDS = 0.2
"""How exactly an activity closes by time."""
DRAIN_SECONDS = 20.0
"""How long a close waits for what is under way: two commits, one after the other, have given up before."""
RETRY_SECONDS = 2.0

log = structlog.get_logger(__name__)


class ActivityRoom(Protocol):
    """What an activity needs of its event's room."""

    async def activity_changed(self, event_id: str, item: dict[str, Any]) -> None:
        """Everybody learns it with the next batch."""

    def may(self, event_id: str, right: str) -> bool:
        """Whether the event lets an anonymous viewer do that."""

    def running(self, event_id: str) -> bool:
        """The event is live and the red key is not pressed."""


@dataclass(slots=True)
class _Held:
    """One activity in memory."""

    activity: Activity
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One command at a time."""
    under_way: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Activities:
    """Made by `open_activities`. Activities of an event are in memory from the first time its room is opened."""

    def __init__(self, store: ActivityStore, room: ActivityRoom, clock: Clock, kinds: Iterable[Kind]) -> None:
        self._store = store
        self._room = room
        self._clock = clock
        self._kinds: Mapping[str, Kind] = {kind.name: kind for kind in kinds}
        self._held: dict[str, _Held] = {}
        self._events: dict[str, list[str]] = defaultdict(list)
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._loaded: set[str] = set()

    async def ensure_indexes(self) -> None:
        await self._store.ensure_indexes()
        for kind in self._kinds.values():
            await kind.ensure_indexes()

    # --- what the crew does ---

    async def create(
        self,
        event_id: str,
        center_id: str,
        kind: str,
        title: str,
        rules: dict[str, Any],
        seconds: float | None,
        by: str,
    ) -> Activity:
        """A draft; nobody but the crew sees it. Raises Rejected `too_many_activities`."""
        await self._load(event_id)
        if len(self._events[event_id]) >= MAX_PER_EVENT:
            raise Rejected("too_many_activities")
        activity = Activity(
            new_id(), event_id, center_id, kind, title, rules, seconds, created_at=self._clock.utc(), created_by=by
        )
        await self._store.add(activity)
        self._hold(activity)
        return activity

    async def edit(self, activity_id: str, title: str, rules: dict[str, Any], seconds: float | None) -> Activity:
        """Change a draft. Raises Rejected `activity_state` once it was opened: rules stand from then on."""
        held = await self._find(activity_id)
        async with held.lock:
            changed = await self._store.change(
                activity_id, State.DRAFT, {"title": title, "rules": rules, "seconds": seconds}
            )
            if changed is None:
                raise Rejected("activity_state")
            held.activity = changed
            return changed

    @asynccontextmanager
    async def drafting(self, activity_id: str) -> AsyncIterator[Activity]:
        """The draft, which nobody opens or changes meanwhile. Raises Rejected `activity_state` once it was opened."""
        held = await self._find(activity_id)
        async with held.lock:
            if held.activity.state is not State.DRAFT:
                raise Rejected("activity_state")
            yield held.activity

    async def remove(self, activity_id: str) -> None:
        """Forget a draft. What was open stays: it can only be voided. Raises Rejected `activity_state`."""
        held = await self._find(activity_id)
        async with held.lock:
            if not await self._store.remove_draft(activity_id):
                raise Rejected("activity_state")
            del self._held[activity_id]
            self._events[held.activity.event_id].remove(activity_id)

    async def open(self, activity_id: str) -> Activity:
        """Raises Rejected: the kind's reasons, `room_closed`, `activity_state`."""
        held = await self._find(activity_id)
        async with held.lock:
            activity = held.activity
            if after(activity.state, Command.OPEN) is None:
                return activity
            if not self._room.running(activity.event_id):
                raise Rejected("event_not_live")
            facts = await self._kind(activity).opening(activity)
            now = self._clock.utc()
            closes_at = now + activity.seconds if activity.seconds is not None else None
            return await self._advance(held, State.OPEN, facts, opened_at=now, closes_at=closes_at)

    async def close(self, activity_id: str) -> Activity:
        """No more is taken; what was under way is answered first. Raises Busy, Rejected `activity_state`."""
        held = await self._find(activity_id)
        async with held.lock:
            activity = held.activity
            if after(activity.state, Command.CLOSE) is None:
                return activity
            # nothing new from here on, then wait for what is being committed
            held.activity = replace(activity, state=State.CLOSED)
            try:
                await self._drained(held)
                facts = await self._kind(activity).closing(activity)
                return await self._advance(held, State.CLOSED, facts, before=activity, closed_at=self._clock.utc())
            except BaseException:
                if held.activity.closed_at is None:
                    held.activity = activity
                raise

    async def settle(self, activity_id: str, command: Facts) -> Activity:
        """The result stands and is shown. Raises Rejected: the kind's reasons, `activity_state`."""
        held = await self._find(activity_id)
        async with held.lock:
            activity = held.activity
            if after(activity.state, Command.SETTLE) is None:
                return activity
            facts = await self._kind(activity).settling(activity, command)
            return await self._advance(held, State.SETTLED, facts, settled_at=self._clock.utc())

    async def void(self, activity_id: str, reason: str) -> Activity:
        """It counts for nothing, and everybody reads why."""
        held = await self._find(activity_id)
        async with held.lock:
            activity = held.activity
            if after(activity.state, Command.VOID) is None:
                return activity
            await self._kind(activity).voiding(activity)
            return await self._advance(held, State.VOID, {}, void_reason=reason, voided_at=self._clock.utc())

    async def _advance(
        self, held: _Held, state: State, facts: Facts, before: Activity | None = None, **times: Any
    ) -> Activity:
        """Keep the new state, then tell: nobody hears of what is not durable."""
        expected = (before or held.activity).state
        changed = await self._store.change(held.activity.id, expected, {"state": state, "facts": facts, **times})
        if changed is None:
            # another process has commanded it; its word stands
            current = await self._store.get(held.activity.id)
            if current is not None:
                held.activity = current
            raise Rejected("activity_state")
        held.activity = changed
        await self._tell(changed)
        return changed

    async def refresh(self, activity_id: str, facts: Facts | None = None) -> Activity:
        """A kind has something new to show within the same state; `facts` are kept first."""
        held = await self._find(activity_id)
        if facts:
            changed = await self._store.change(activity_id, held.activity.state, {"facts": facts})
            if changed is None:
                raise Rejected("activity_state")
            held.activity = changed
        await self._tell(held.activity)
        return held.activity

    async def _drained(self, held: _Held) -> None:
        """Raises Busy when the database does not answer: the close may be asked for again."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while held.under_way:
                    held.idle.clear()
                    await held.idle.wait()
        except TimeoutError:
            raise Busy(RETRY_SECONDS) from None

    async def event_ended(self, event_id: str) -> None:
        """Whatever is open closes with its event."""
        # asked of the store: what ended long ago is not taken into memory at each start
        for activity in await self._store.of_event(event_id):
            if activity.state is State.OPEN:
                await self.close(activity.id)

    # --- what viewers do ---

    async def take(self, viewer: Viewer, event: str, activity_id: str, kind_name: str, sent: BaseModel) -> Facts:
        """The acknowledgement's fields, once it is durable. Raises Rejected, Busy."""
        held = self._held.get(activity_id)
        if held is None:
            await self._load(viewer.event_id)
            held = self._held.get(activity_id)
        activity = held.activity if held is not None else None
        if held is None or activity is None or activity.event_id != viewer.event_id or activity.state is State.DRAFT:
            raise Rejected("no_such_activity")
        if activity.kind != kind_name:
            raise Rejected("wrong_kind")
        kind = self._kinds[activity.kind]
        if activity.state is not State.OPEN:
            raise Rejected("activity_closed")
        if not self._room.running(activity.event_id):
            raise Rejected("cut")
        if viewer.anonymous and kind.right is not None and not self._room.may(activity.event_id, kind.right):
            raise Rejected(f"sign_in_to_{kind.right}")
        held.under_way += 1
        try:
            return await kind.take(activity, viewer, event, sent)
        finally:
            held.under_way -= 1
            if not held.under_way:
                held.idle.set()

    async def mine(self, event_id: str, viewer_id: str) -> dict[str, Any]:
        """What this viewer did, by activity id."""
        await self._load(event_id)
        found = {}
        for activity in self.of_event(event_id):
            if activity.state is not State.DRAFT:
                mine = await self._kind(activity).mine(activity, viewer_id)
                if mine is not None:
                    found[activity.id] = mine
        return found

    # --- what everybody sees ---

    async def views(self, event_id: str) -> list[dict[str, Any]]:
        """For a room that opens: every activity that was ever open."""
        await self._load(event_id)
        return [self.view(activity) for activity in self.of_event(event_id) if activity.state is not State.DRAFT]

    def view(self, activity: Activity) -> dict[str, Any]:
        """An activity as everybody may see it."""
        view = {
            "id": activity.id,
            "kind": activity.kind,
            "title": activity.title,
            "state": activity.state.value,
            "opened_at": _time(activity.opened_at),
            "closes_at": _time(activity.closes_at),
            **self._kind(activity).view(activity),
        }
        if activity.state is State.VOID:
            view["void_reason"] = activity.void_reason
        return view

    def tallies(self, event_id: str) -> list[dict[str, Any]]:
        """The tick's changed numbers."""
        changed = []
        for id_ in self._events.get(event_id, ()):
            activity = self._held[id_].activity
            if activity.state is State.OPEN:
                tally = self._kind(activity).tally(activity)
                if tally is not None:
                    changed.append({"type": "tally", "activity_id": id_, **tally})
        return changed

    async def results(self, activity_id: str) -> dict[str, Any]:
        activity = (await self._find(activity_id)).activity
        return await self._kind(activity).results(activity)

    # --- memory ---

    async def get(self, activity_id: str) -> Activity | None:
        """The activity as it stands."""
        held = self._held.get(activity_id)
        return held.activity if held is not None else await self._store.get(activity_id)

    async def every(self, event_id: str) -> list[Activity]:
        await self._load(event_id)
        return self.of_event(event_id)

    def of_event(self, event_id: str) -> list[Activity]:
        """Those in memory, in the order in which they were prepared."""
        return [self._held[id_].activity for id_ in self._events.get(event_id, ())]

    def forget(self, event_id: str) -> None:
        """The event's activities leave memory; whoever asks next reads them from the database."""
        for id_ in self._events.pop(event_id, []):
            held = self._held.pop(id_)
            self._kind(held.activity).forget(id_)
        self._loaded.discard(event_id)

    async def _find(self, activity_id: str) -> _Held:
        held = self._held.get(activity_id)
        if held is None:
            activity = await self._store.get(activity_id)
            if activity is None:
                raise Rejected("no_such_activity")
            await self._load(activity.event_id)
            held = self._held[activity_id]
        return held

    async def _load(self, event_id: str) -> None:
        if event_id in self._loaded:
            return
        task = self._loading.get(event_id)
        if task is None:
            task = self._loading[event_id] = asyncio.get_running_loop().create_task(self._load_now(event_id))
            task.add_done_callback(lambda _: self._loading.pop(event_id, None))
        await asyncio.shield(task)

    async def _load_now(self, event_id: str) -> None:
        for activity in await self._store.of_event(event_id):
            if activity.id not in self._held and activity.kind in self._kinds:
                if activity.state is not State.DRAFT:
                    await self._kind(activity).load(activity)
                self._hold(activity)
        self._loaded.add(event_id)

    def _hold(self, activity: Activity) -> None:
        self._held[activity.id] = _Held(activity)
        self._events[activity.event_id].append(activity.id)

    def _kind(self, activity: Activity) -> Kind:
        return self._kinds[activity.kind]

    async def _tell(self, activity: Activity) -> None:
        await self._room.activity_changed(activity.event_id, self.view(activity))

    # --- time ---

    async def watch(self) -> None:
        """Close what is due; for as long as the process lives. What is open when it starts is taken up first."""
        try:
            for activity in await self._store.in_state(State.OPEN):
                await self._load(activity.event_id)
        except Exception:  # whoever opens the room loads it; the timers of the others run
            log.exception("open activities were not taken up")
        while True:
            await asyncio.sleep(TIMER_SECONDS)
            now = self._clock.utc()
            due = [
                held.activity
                for held in self._held.values()
                if held.activity.state is State.OPEN
                and held.activity.closes_at is not None
                and held.activity.closes_at <= now
            ]
            for activity in due:
                try:
                    await self.close(activity.id)
                except Exception:
                    log.exception("an activity did not close in time", activity_id=activity.id)


@asynccontextmanager
async def open_activities(
    store: ActivityStore, room: ActivityRoom, clock: Clock, kinds: Iterable[Kind]
) -> AsyncIterator[Activities]:
    """Activities whose timers run while the context is open."""
    activities = Activities(store, room, clock, kinds)
    await activities.ensure_indexes()
    watching = asyncio.create_task(activities.watch())
    try:
        yield activities
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def _time(moment: float | None) -> str | None:
    return rfc3339(moment) if moment is not None else None
