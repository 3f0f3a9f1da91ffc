"""One source, kept going: attempt, pause, attempt; its state in words."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import structlog

from config.clock import Clock
from streaming.events.model import Source
from streaming.gateway.backoff import Backoff
from streaming.gateway.intake import Intake
from streaming.gateway.outcome import Outcome, Reason
from streaming.ingest import Ingest, Peer
from streaming.pull.address import Networks, SourceRefused, check_address, check_networks, find_files
from streaming.pull.arguments import concat_listing, source_arguments
from streaming.pull.late import LatePublication

EVICTED_PAUSE_SECONDS = 60.0
"""Another publisher has the feed: a source that fights for it would be refused anyway."""

log = structlog.get_logger(__name__)

State = Literal["connecting", "live", "waiting", "refused"]


@dataclass(frozen=True, slots=True)
class PullStatus:
    """What the console is told."""

    state: State
    """refused: the address is not allowed or the file is not there; looked at again like any other failure."""
    reason: str | None
    """A `Reason` or the code of a SourceRefused; None while all is well."""
    since: float
    """UTC of the last change."""
    attempts: int
    next_attempt: float | None
    """UTC of the next attempt, while waiting."""


@dataclass(frozen=True, slots=True)
class PullRules:
    """The same for all sources of a hub."""

    folder: Path
    """Where files lie that are played in a loop."""
    networks: Networks


class Puller:
    """Made by `Pullers` for one feed; `run` until cancelled."""

    def __init__(
        self,
        source: Source,
        key: str,
        ingest: Ingest,
        clock: Clock,
        rules: PullRules,
        *,
        failures: Counter[str] | None = None,
        pause: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:
        self.source, self.key = source, key
        self._ingest, self._clock, self._rules, self._pause = ingest, clock, rules, pause
        self._backoff = Backoff()
        self._intake = Intake(clock)
        self._attempts = 0
        self._publication: LatePublication | None = None
        self._failure: Outcome | SourceRefused | None = None
        self._next: float | None = None
        self._since = clock.utc()
        self._failures: Counter[str] = failures if failures is not None else Counter()

    @property
    def status(self) -> PullStatus:
        if self._publication is not None and self._publication.admitted:
            return PullStatus("live", None, self._since, self._attempts, None)
        failure = self._failure
        reason = failure.code if isinstance(failure, SourceRefused) else failure.reason.value if failure else None
        state: State = "connecting"
        if self._next is not None:
            state = "refused" if isinstance(failure, SourceRefused) else "waiting"
        return PullStatus(state, reason, self._since, self._attempts, self._next)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._next, self._since = None, self._clock.utc()
            try:
                outcome = await self._attempt()
                self._failure = outcome
                detail = outcome.detail
            except SourceRefused as refusal:
                self._failure, detail = refusal, refusal.code
            except OSError as error:
                self._failure, detail = Outcome(Reason.UNKNOWN_HOST, str(error)), str(error)
            except Exception as error:
                log.exception("a pulled source failed", source=_shown(self.source.url))
                self._failure, detail = Outcome(Reason.FAILED, str(error)), str(error)
            self._attempts += 1
            wait = self._wait(loop.time() - began)
            self._since = self._clock.utc()
            self._next = self._since + wait
            self._failures[self.status.reason or "ended"] += 1
            log.info("a pulled source ended", source=_shown(self.source.url), reason=self.status.reason, detail=detail)
            await self._pause(wait)

    def _wait(self, ran: float) -> float:
        wait = self._backoff.pause(ran, had_media=self._intake.media)
        if isinstance(self._failure, Outcome) and self._failure.reason is Reason.EVICTED:
            return EVICTED_PAUSE_SECONDS
        return wait

    async def _attempt(self) -> Outcome:
        check_address(self.source.url)
        await check_networks(self.source.url, self._rules.networks)
        files: list[Path] = []
        listing: Path | None = None
        if self.source.url.startswith("file:"):
            files = await asyncio.to_thread(find_files, self._rules.folder, self.source.url)
            if len(files) > 1:
                # a key is a password: it stands in no file name
                name = hashlib.sha256(self.key.encode()).hexdigest()[:16]
                listing = self._rules.folder / f".{name}.ffconcat"
                await asyncio.to_thread(listing.write_text, concat_listing(files), "utf-8")
        arguments = source_arguments(self.source, files, listing, attempt=self._attempts)
        parts = urlsplit(self.source.url)
        peer = Peer(parts.hostname or "", parts.port or 0, f"pull-{parts.scheme}", "ffmpeg")
        publication = self._publication = LatePublication(self._ingest, self.key, peer)
        ended = "the hub stopped pulling"
        reading = asyncio.create_task(self._intake.run(arguments, publication))
        losing = asyncio.create_task(publication.lost.wait())
        try:
            done, _ = await asyncio.wait({reading, losing}, return_when=asyncio.FIRST_COMPLETED)
            outcome = reading.result() if reading in done else Outcome(Reason.EVICTED)
            ended = outcome.reason.value
            return outcome
        finally:
            reading.cancel()
            losing.cancel()
            await asyncio.gather(reading, losing, return_exceptions=True)
            publication.close(ended)
            self._publication = None
            if listing is not None:
                await asyncio.to_thread(listing.unlink, missing_ok=True)


def _shown(url: str) -> str:
    """An address for the log: without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else url
