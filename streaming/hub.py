"""The hub: every feed's Stream and every live venue's Program, and who may write into them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from config.clock import Clock
from streaming.events.model import Event, EventState, FeedAddress, Venue
from streaming.health.rules import Finding
from streaming.ingest import Peer, Refused
from streaming.media import Format, Packet
from streaming.program.program import Program, ProgramStatus
from streaming.program.slate import Slates
from streaming.status import IDLE, ContestStatus, FeedStatus, RateMeter
from streaming.stream import Stream
from streaming.takeover import Contest, TakeoverRule
from streaming.timeline import Timeline

SWEEP_SECONDS = 30.0
NO_PROGRAM = ProgramStatus(feed_id=None, chosen=False, slate=False, pending_feed_id=None)

log = structlog.get_logger(__name__)


class FeedDirectory(Protocol):
    async def find_by_key(self, key: str) -> FeedAddress | None:
        """Where the feed with this stream key stands; None when the key is unknown or revoked."""


class Outputs(Protocol):
    """Whatever subscribes to feeds and programs; opened and closed by the hub."""

    def feed_opened(self, feed_id: str, stream: Stream) -> None: ...

    def feed_closed(self, feed_id: str) -> None: ...

    async def venue_opened(self, event: Event, venue: Venue, program: Program) -> None: ...

    async def venue_closed(self, event_id: str, venue_id: str) -> None: ...

    def findings(self, feed_id: str) -> tuple[Finding, ...]:
        """What is wrong with a feed now."""


class FeedSource:
    """One feed in the hub: from its first push until its grace time is over."""

    def __init__(self, address: FeedAddress) -> None:
        self.address = address
        self.stream = Stream(f"feed {address.feed_id}")
        self.timeline = Timeline()
        self.meter = RateMeter()
        self.takeovers = TakeoverRule()
        self.publication: HubPublication | None = None
        self.last_peer: Peer | None = None
        self.since: float | None = None
        """UTC since which it is live, or lost."""
        self.lost_at = 0.0
        """Monotonic; only meaningful without a publication."""
        self.stream.subscribe(self.meter)


class HubPublication:
    """One publisher's right to write into a feed (`streaming.ingest.Publication`)."""

    def __init__(self, hub: Hub, source: FeedSource, peer: Peer, evict: Callable[[str], None]) -> None:
        self._hub, self._source = hub, source
        self.peer, self.evict = peer, evict
        self.wrote_at = hub.clock.monotonic()

    @property
    def current(self) -> bool:
        return self._source.publication is self

    def write(self, item: Format | Packet) -> None:
        if not self.current:
            return
        self.wrote_at = self._hub.clock.monotonic()
        for mapped in self._source.timeline.map(item):
            self._source.stream.write(mapped)

    def close(self, reason: str) -> None:
        if self.current:
            self._hub.release(self._source, reason)


class Hub:
    """Implements `streaming.ingest.Ingest` for protocol servers and the event observer for `streaming.events`."""

    def __init__(
        self, directory: FeedDirectory, clock: Clock, slates: Slates, outputs: Outputs, *, grace_seconds: float
    ) -> None:
        self.clock = clock
        self._directory = directory
        self._slates = slates
        self._outputs = outputs
        self._grace_seconds = grace_seconds
        self._feeds: dict[str, FeedSource] = {}
        self._events: dict[str, Event] = {}
        self._programs: dict[tuple[str, str], Program] = {}
        self._changes = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    async def close(self) -> None:
        """End every program and output; in order, so that each recording gets its last segment."""
        self._sweeper.cancel()
        async with self._changes:
            for event_id, venue_id in tuple(self._programs):
                await self._close_venue(event_id, venue_id)
        for feed_id in tuple(self._feeds):
            self._forget(feed_id)

    # Ingest

    async def admit(self, key: str, peer: Peer, evict: Callable[[str], None]) -> HubPublication:
        """Give a stream key's feed to this publisher. Raises Refused."""
        address = await self._directory.find_by_key(key)
        if address is None:
            raise Refused("unknown_key", "Unknown stream key; copy it again from the console. 推流码无效，请重新复制")
        if address.event_state in (EventState.ENDED, EventState.ARCHIVED):
            raise Refused("event_over", "This event has ended. 该直播已结束，请核对推流地址")
        source = self._feeds.get(address.feed_id)
        if source is None:
            source = self._feeds[address.feed_id] = FeedSource(address)
            self._outputs.feed_opened(address.feed_id, source.stream)
        self._take_over(source, peer)
        publication = source.publication = HubPublication(self, source, peer, evict)
        source.last_peer, source.since = peer, self.clock.utc()
        source.timeline.restart()
        log.info("feed connected", feed=address.feed_id, address=peer.address, encoder=peer.encoder)
        program = self._programs.get((address.event_id, address.venue_id))
        if program is not None:
            program.add_feed(address.feed_id, source.stream)
        return publication

    def _take_over(self, source: FeedSource, peer: Peer) -> None:
        current = source.publication
        if current is None:
            return
        now = self.clock.monotonic()
        contest = source.takeovers.decide(now, current.peer, peer, silent_for=now - current.wrote_at)
        if contest is not None:
            raise Refused(
                "contested",
                f"Another encoder ({current.peer.address} {current.peer.encoder}) is using this key; "
                "stop one of them. 另一台编码器正在使用此推流码，请停掉其中一台",
            )
        source.publication = None
        current.evict("Another encoder took over with the same key. 同一推流码的另一台编码器已接管")

    def release(self, source: FeedSource, reason: str) -> None:
        """The publisher has gone; its stream stays for the grace time."""
        source.publication = None
        source.since = self.clock.utc()
        source.lost_at = self.clock.monotonic()
        log.info("feed lost", feed=source.address.feed_id, reason=reason)

    # Events

    async def restore(self, events: list[Event]) -> None:
        """Open what was live when the last process ended."""
        for event in events:
            await self.event_changed(event)

    async def event_changed(self, event: Event) -> None:
        """An event was made, edited, started, ended or deleted: bring programs and outputs in line with it."""
        async with self._changes:
            known = {feed.id for venue in event.venues for feed in venue.feeds if feed.stream_key is not None}
            before = self._events.get(event.id)
            live = event.state is EventState.LIVE
            if live:
                self._events[event.id] = event
            else:
                self._events.pop(event.id, None)
            self._evict_missing(event, known)
            for venue in event.venues if live else ():
                await self._open_venue(event, venue)
            for old in before.venues if before else ():
                if not live or event.venue(old.id) is None:
                    await self._close_venue(event.id, old.id)
            if event.state in (EventState.ENDED, EventState.ARCHIVED):
                self._evict_missing(event, set())

    def feed_key_changed(self, feed_id: str) -> None:
        """The feed's key was rotated or revoked: whoever pushes with the old one is cut off."""
        source = self._feeds.get(feed_id)
        if source is not None and source.publication is not None:
            publication = source.publication
            self.release(source, "the key has changed")
            publication.evict("The stream key has changed. 推流码已更换")

    async def _open_venue(self, event: Event, venue: Venue) -> None:
        key = (event.id, venue.id)
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = Program(f"{event.id}/{venue.id}", self.clock, self._slates)
            if event.cut:
                program.cut()
            await self._outputs.venue_opened(event, venue, program)
        for feed in venue.feeds:  # in the crew's order: the first one with a picture goes on air
            source = self._feeds.get(feed.id)
            if source is not None:
                program.add_feed(feed.id, source.stream)
        program.keep_only({feed.id for feed in venue.feeds})

    async def _close_venue(self, event_id: str, venue_id: str) -> None:
        program = self._programs.pop((event_id, venue_id), None)
        if program is not None:
            program.close()
            await self._outputs.venue_closed(event_id, venue_id)

    def _evict_missing(self, event: Event, known: set[str]) -> None:
        for feed_id, source in tuple(self._feeds.items()):
            if source.address.event_id != event.id or feed_id in known:
                continue
            if source.publication is not None:
                publication = source.publication
                self.release(source, "the feed or its event is over")
                publication.evict("This event has ended or the feed was removed. 直播已结束或机位已删除")
            self._forget(feed_id)

    # The director

    def choose(self, event_id: str, venue_id: str, feed_id: str | None) -> None:
        """Put a feed (at its next key frame) or, with None, the slate on air. KeyError when the venue is not live."""
        program = self._programs[event_id, venue_id]
        if feed_id is None:
            program.show_slate()
        else:
            program.choose(feed_id)

    def cut(self, event_id: str) -> None:
        """The red key: every venue of the event shows the cut card now."""
        for (program_event, _), program in self._programs.items():
            if program_event == event_id:
                program.cut()

    def resume(self, event_id: str) -> None:
        """The way back."""
        for (program_event, _), program in self._programs.items():
            if program_event == event_id:
                program.resume()

    # What is

    @property
    def live_feeds(self) -> int:
        return sum(source.publication is not None for source in self._feeds.values())

    @property
    def program_count(self) -> int:
        return len(self._programs)

    def feed(self, feed_id: str) -> FeedSource | None:
        return self._feeds.get(feed_id)

    def program(self, event_id: str, venue_id: str) -> Program | None:
        return self._programs.get((event_id, venue_id))

    def main_venue_id(self, event_id: str) -> str | None:
        """Id of a live event's main venue."""
        event = self._events.get(event_id)
        return event.main_venue.id if event is not None else None

    def program_status(self, event_id: str, venue_id: str) -> ProgramStatus:
        program = self._programs.get((event_id, venue_id))
        return program.status if program is not None else NO_PROGRAM

    def feed_status(self, feed_id: str) -> FeedStatus:
        source = self._feeds.get(feed_id)
        if source is None:
            return IDLE
        now = self.clock.monotonic()
        live = source.publication is not None
        return FeedStatus(
            state="live" if live else "lost",
            since=source.since,
            address=source.last_peer.address if source.last_peer else None,
            encoder=source.last_peer.encoder if source.last_peer else None,
            video=source.meter.video() if live else None,
            audio=source.meter.audio() if live else None,
            health=self._outputs.findings(feed_id) if live else (),
            contest=self._contest_status(source.takeovers.contest(now), now),
            protocol=source.last_peer.protocol if source.last_peer else None,
            link=source.last_peer.link() if live and source.last_peer and source.last_peer.link else None,
        )

    def _contest_status(self, contest: Contest | None, now: float) -> ContestStatus | None:
        if contest is None:
            return None
        return ContestStatus(
            contest.current.address,
            contest.current.encoder,
            contest.refused.address,
            contest.refused.encoder,
            self.clock.utc() + contest.until - now,
        )

    def _sweep(self) -> None:
        """Forget feeds whose publisher has been gone for longer than the grace time."""
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        now = self.clock.monotonic()
        for feed_id, source in tuple(self._feeds.items()):
            if source.publication is None and now - source.lost_at >= self._grace_seconds:
                self._forget(feed_id)

    def _forget(self, feed_id: str) -> None:
        source = self._feeds.pop(feed_id)
        program = self._programs.get((source.address.event_id, source.address.venue_id))
        if program is not None:
            program.remove_feed(feed_id)
        self._outputs.feed_closed(feed_id)
