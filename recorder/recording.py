"""Turns what an ended event left on disk into one library item; also after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import structlog

from config.clock import Clock
from config.ids import new_id
from recorder.catalog import Catalog, Item, ItemState, ItemVenue
from streaming.events.model import Event, EventState, Venue
from streaming.hls.index import Entry, InitEntry, SegmentEntry, read_index

log = structlog.get_logger(__name__)


class Recording:
    """Makes items. Called when an event has ended and its outputs are closed, and for all ended events at a start."""

    def __init__(self, media_dir: Path, catalog: Catalog, clock: Clock) -> None:
        self._media_dir = media_dir
        self._catalog = catalog
        self._clock = clock

    async def event_ended(self, event: Event) -> Item | None:
        """The event's item, made now unless it is there; None when nothing was recorded."""
        existing = await self._catalog.of_event(event.id)
        if existing is not None:
            return existing
        venues = []
        for venue in event.venues:
            entries = await asyncio.to_thread(read_index, self._media_dir / event.id / venue.id)
            summary = summarise(venue, entries)
            if summary.segments:
                venues.append(summary)
        if not venues:
            log.info("nothing recorded", event_id=event.id)
            return None
        now = self._clock.utc()
        publish = event.rules.replay == "at_end"
        item = Item(
            id=new_id(),
            center_id=event.center_id,
            event_id=event.id,
            title=event.title,
            description=event.description,
            poster=event.poster,
            state=ItemState.PUBLISHED if publish else ItemState.REVIEW,
            created_at=now,
            published_at=now if publish else None,
            started_at=event.started_at,
            ended_at=event.ended_at,
            venues=tuple(venues),
        )
        if not await self._catalog.insert(item):
            return await self._catalog.of_event(event.id)  # somebody else was faster
        log.info("replay made", event_id=event.id, item_id=item.id, state=item.state.value)
        return item

    async def recover(self, events: Iterable[Event]) -> list[Item]:
        """Items for the events that ended while nobody could make one. Failing ones are logged, the others made."""
        made = []
        for event in events:
            if event.state not in (EventState.ENDED, EventState.ARCHIVED):
                continue
            try:
                item = await self.event_ended(event)
            except OSError as error:
                log.error("recording cannot be read", event_id=event.id, error=error.strerror)
                continue
            if item is not None:
                made.append(item)
        return made


def summarise(venue: Venue, entries: Iterable[Entry]) -> ItemVenue:
    """What an index says of a venue: lengths, size, and the picture it ended with."""
    kept: list[SegmentEntry] = []
    gap_seconds = 0.0
    inits: dict[int, InitEntry] = {}
    for entry in entries:
        match entry:
            case InitEntry():
                inits[entry.number] = entry
            case SegmentEntry(gap=True):
                gap_seconds += entry.duration
            case SegmentEntry():
                kept.append(entry)
    init = inits.get(kept[-1].init) if kept else None
    return ItemVenue(
        id=venue.id,
        name=venue.name,
        main=venue.main,
        duration=round(sum(entry.duration for entry in kept), 3),
        bytes=sum(entry.bytes for entry in kept),
        segments=len(kept),
        gap_seconds=round(gap_seconds, 3),
        width=init.width if init else 0,
        height=init.height if init else 0,
        codecs=init.codecs if init else "",
    )
