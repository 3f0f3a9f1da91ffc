"""All pulled feeds of a hub: started when they are due, stopped when they are not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.clock import Clock
from streaming.events.model import Event, EventState, Source
from streaming.ingest import Ingest
from streaming.pull.puller import Puller, PullRules, PullStatus

LOOK_SECONDS = 2.0
"""How exactly a schedule is kept."""
OVER = (EventState.ENDED, EventState.ARCHIVED)


def is_due(source: Source, state: EventState, utc: float) -> bool:
    """With the event: while it is live. By schedule: between its times, as long as the event is not over."""
    if state in OVER:
        return False
    if source.start == "with_event":
        return state is EventState.LIVE
    return (source.from_at is None or utc >= source.from_at) and (source.until_at is None or utc < source.until_at)


class Pullers:
    """What `open_pullers` yields. Told of events; asked by the console."""

    def __init__(self, ingest: Ingest, clock: Clock, rules: PullRules) -> None:
        self._ingest, self._clock, self._rules = ingest, clock, rules
        self._events: dict[str, Event] = {}
        self._running: dict[str, tuple[Puller, asyncio.Task[None]]] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self.failures: Counter[str] = Counter()
        """Attempts that failed, by reason."""

    @property
    def count(self) -> int:
        return len(self._running)

    @property
    def live_count(self) -> int:
        return sum(puller.status.state == "live" for puller, _ in self._running.values())

    def status(self, feed_id: str) -> PullStatus | None:
        """None while the feed is not being pulled."""
        running = self._running.get(feed_id)
        return running[0].status if running is not None else None

    def event_changed(self, event: Event) -> None:
        if event.state in OVER or not any(feed.source for venue in event.venues for feed in venue.feeds):
            self._events.pop(event.id, None)
        else:
            self._events[event.id] = event
        self.look()

    def look(self) -> None:
        """Bring what runs in line with what is due."""
        utc = self._clock.utc()
        wanted = {
            feed.id: (feed.source, feed.stream_key)
            for event in self._events.values()
            for venue in event.venues
            for feed in venue.feeds
            if feed.source is not None and feed.stream_key is not None and is_due(feed.source, event.state, utc)
        }
        for feed_id, (puller, task) in tuple(self._running.items()):
            if wanted.get(feed_id) != (puller.source, puller.key):
                del self._running[feed_id]
                task.cancel()
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)
        for feed_id, (source, key) in wanted.items():
            if feed_id not in self._running:
                puller = Puller(source, key, self._ingest, self._clock, self._rules, failures=self.failures)
                self._running[feed_id] = puller, asyncio.get_running_loop().create_task(puller.run())

    async def watch(self) -> None:
        """Keep the schedule; for as long as the process lives."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    async def close(self) -> None:
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        self._running.clear()
        await asyncio.gather(*tasks, *self._stopping, return_exceptions=True)


@asynccontextmanager
async def open_pullers(ingest: Ingest, clock: Clock, rules: PullRules) -> AsyncIterator[Pullers]:
    """Pull while the context is open; every process has ended when it closes."""
    pullers = Pullers(ingest, clock, rules)
    watcher = asyncio.create_task(pullers.watch())
    try:
        yield pullers
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
        await pullers.close()
