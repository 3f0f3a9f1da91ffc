"""Everything that can be done to an event: each action checks, writes, then tells the observer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from config.clock import Clock
from config.ids import new_id, new_stream_key
from streaming.events.life import WrongState, after
from streaming.events.model import Event, EventState, Feed, Rules, Source, Venue
from streaming.events.store import Conflict, EventStore

MAX_VENUES = 32
MAX_FEEDS = 16
RETRIES = 5


class EventObserver(Protocol):
    """Who has to follow when an event changes: the hub, the rooms, the recorder."""

    async def event_changed(self, event: Event) -> None: ...

    def feed_key_changed(self, feed_id: str) -> None: ...

    def choose(self, event_id: str, venue_id: str, feed_id: str | None) -> None:
        """Raises KeyError when the venue is not live or the feed never delivered."""

    def cut(self, event_id: str) -> None: ...

    def resume(self, event_id: str) -> None: ...


class StartGate(Protocol):
    async def check_start(self, venues: int) -> object:
        """Raises when there is no room to record that many venues."""


class NotThere(Exception):
    """The event, venue or feed does not exist (any more)."""


class NotAllowed(Exception):
    """What is asked for breaks a rule; `code` names a text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class EventActions:
    def __init__(self, store: EventStore, observer: EventObserver, gate: StartGate, clock: Clock) -> None:
        self._store = store
        self._observer = observer
        self._gate = gate
        self._clock = clock

    async def create(
        self,
        center_id: str,
        title: str,
        venues: Sequence[tuple[str, bool, Sequence[str]]],
        *,
        description: str = "",
        starts_at: float | None = None,
        poster: str | None = None,
        rules: Rules | None = None,
    ) -> Event:
        """A new event; each venue is (name, main, feed names)."""
        event = Event(
            id=new_id(),
            center_id=center_id,
            title=title,
            description=description,
            state=EventState.SCHEDULED if starts_at is not None else EventState.DRAFT,
            rules=rules or Rules(),
            venues=tuple(
                Venue(new_id(), name, main, tuple(new_feed(feed) for feed in feeds)) for name, main, feeds in venues
            ),
            created_at=self._clock.utc(),
            starts_at=starts_at,
            poster=poster,
        )
        await self._store.insert(event)
        await self._observer.event_changed(event)
        return event

    async def edit(self, event_id: str, change: Callable[[Event], Event]) -> Event:
        """Apply a pure change, again if somebody else was faster. Raises NotThere, NotAllowed, WrongState."""
        for _ in range(RETRIES):
            event = await self._store.get(event_id)
            if event is None:
                raise NotThere(event_id)
            changed = change(event)
            if changed == event:
                return event
            try:
                written = await self._store.update(event_id, event, changed)
            except Conflict:
                continue
            await self._observer.event_changed(written)
            return written
        raise Conflict(event_id)

    async def start(self, event_id: str) -> Event:
        """On air. Doing it twice is the same as once. Raises what the gate raises when the disk is nearly full."""
        event = await self._store.get(event_id)
        if event is None:
            raise NotThere(event_id)
        if after("start", event.state) is not event.state:
            await self._gate.check_start(len(event.venues))
        now = self._clock.utc()
        return await self.edit(
            event_id,
            lambda e: replace(
                e, state=after("start", e.state), started_at=e.started_at if e.state is EventState.LIVE else now
            ),
        )

    async def end(self, event_id: str) -> Event:
        """Off air. Doing it twice is the same as once."""
        now = self._clock.utc()
        return await self.edit(
            event_id,
            lambda e: replace(
                e, state=after("end", e.state), cut=False, ended_at=e.ended_at if e.state is EventState.ENDED else now
            ),
        )

    async def archive(self, event_id: str) -> Event:
        return await self.edit(event_id, lambda e: replace(e, state=after("archive", e.state)))

    async def add_venue(self, event_id: str, name: str, feeds: Sequence[str]) -> Event:
        venue = Venue(new_id(), name, False, tuple(new_feed(feed) for feed in feeds))

        def add(event: Event) -> Event:
            if len(event.venues) >= MAX_VENUES:
                raise NotAllowed("too_many_venues")
            return replace(event, venues=(*event.venues, venue))

        return await self.edit(event_id, add)

    async def add_feed(self, event_id: str, venue_id: str, name: str, source: Source | None = None) -> Event:
        feed = replace(new_feed(name), source=source)

        def add(venue: Venue) -> Venue:
            if len(venue.feeds) >= MAX_FEEDS:
                raise NotAllowed("too_many_feeds")
            return replace(venue, feeds=(*venue.feeds, feed))

        return await self.edit(event_id, lambda e: _with_venue(e, venue_id, add))

    async def rename_venue(self, event_id: str, venue_id: str, name: str) -> Event:
        return await self.edit(event_id, lambda e: _with_venue(e, venue_id, lambda v: replace(v, name=name)))

    async def remove_venue(self, event_id: str, venue_id: str) -> Event:
        def remove(event: Event) -> Event:
            venue = event.venue(venue_id)
            if venue is None:
                raise NotThere(venue_id)
            if venue.main:
                raise NotAllowed("main_venue_stays")
            return replace(event, venues=tuple(v for v in event.venues if v.id != venue.id))

        return await self.edit(event_id, remove)

    async def rename_feed(self, event_id: str, feed_id: str, name: str) -> Event:
        return await self.edit(event_id, lambda e: _with_feed(e, feed_id, lambda f: replace(f, name=name)))

    async def set_source(self, event_id: str, feed_id: str, source: Source | None) -> Event:
        """Fetch the feed from there, or with None leave it to an encoder."""
        return await self.edit(event_id, lambda e: _with_feed(e, feed_id, lambda f: replace(f, source=source)))

    async def remove_feed(self, event_id: str, feed_id: str) -> Event:
        def remove(event: Event) -> Event:
            venues = tuple(
                replace(venue, feeds=tuple(feed for feed in venue.feeds if feed.id != feed_id))
                for venue in event.venues
            )
            if venues == event.venues:
                raise NotThere(feed_id)
            return replace(event, venues=venues)

        return await self.edit(event_id, remove)

    async def rotate_key(self, event_id: str, feed_id: str) -> Event:
        """A new key; whoever pushes with the old one is cut off."""
        key = new_stream_key()
        event = await self.edit(event_id, lambda e: _with_feed(e, feed_id, lambda f: replace(f, stream_key=key)))
        self._observer.feed_key_changed(feed_id)
        return event

    async def revoke_key(self, event_id: str, feed_id: str) -> Event:
        """No key: nobody can push until one is rotated in."""
        event = await self.edit(event_id, lambda e: _with_feed(e, feed_id, lambda f: replace(f, stream_key=None)))
        self._observer.feed_key_changed(feed_id)
        return event

    async def choose(self, event: Event, venue_id: str, feed_id: str | None) -> None:
        """Put a feed or the slate on air. Raises NotThere, NotAllowed when the event is not live or cut."""
        venue = event.venue(venue_id)
        if venue is None or (feed_id is not None and feed_id not in {feed.id for feed in venue.feeds}):
            raise NotThere(venue_id)
        if event.state is not EventState.LIVE:
            raise WrongState("choose", event.state)
        if event.cut:
            raise NotAllowed("event_is_cut")
        try:
            self._observer.choose(event.id, venue.id, feed_id)
        except KeyError:
            raise NotAllowed("feed_has_no_picture") from None

    async def cut(self, event_id: str) -> Event:
        """The red key: outputs first, then the record of it."""
        event = await self._store.get(event_id)
        if event is None:
            raise NotThere(event_id)
        if event.state is not EventState.LIVE:
            raise WrongState("cut", event.state)
        self._observer.cut(event_id)
        return await self.edit(event_id, lambda e: replace(e, cut=True))

    async def resume(self, event_id: str) -> Event:
        event = await self.edit(event_id, lambda e: replace(e, cut=False))
        self._observer.resume(event_id)
        return event


def new_feed(name: str) -> Feed:
    return Feed(new_id(), name, new_stream_key())


def _with_venue(event: Event, venue_id: str, change: Callable[[Venue], Venue]) -> Event:
    venue = event.venue(venue_id)
    if venue is None:
        raise NotThere(venue_id)
    return replace(event, venues=tuple(change(v) if v.id == venue.id else v for v in event.venues))


def _with_feed(event: Event, feed_id: str, change: Callable[[Feed], Feed]) -> Event:
    venues = tuple(
        replace(venue, feeds=tuple(change(feed) if feed.id == feed_id else feed for feed in venue.feeds))
        for venue in event.venues
    )
    if not any(feed.id == feed_id for venue in event.venues for feed in venue.feeds):
        raise NotThere(feed_id)
    return replace(event, venues=venues)
