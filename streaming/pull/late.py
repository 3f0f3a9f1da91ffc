"""A publication that asks the hub for the feed only when there is something to publish."""

from __future__ import annotations

import asyncio
from collections import deque

import structlog

from streaming.ingest import Ingest, Peer, Publication, Refused
from streaming.media import Format, Packet

MAX_HELD = 2_000
"""Items while the hub thinks: it takes a few milliseconds; beyond this the oldest are of no use."""

log = structlog.get_logger(__name__)


class LatePublication:
    """One run of a source. `lost` is set when the hub says no or takes the feed away."""

    def __init__(self, ingest: Ingest, key: str, peer: Peer) -> None:
        self._ingest, self._key, self._peer = ingest, key, peer
        self._held: deque[Format | Packet] = deque(maxlen=MAX_HELD)
        self._inner: Publication | None = None
        self._asking: asyncio.Task[None] | None = None
        self._closed: str | None = None
        self.lost = asyncio.Event()
        self.refusal: Refused | None = None

    @property
    def admitted(self) -> bool:
        return self._inner is not None

    def write(self, item: Format | Packet) -> None:
        if self._inner is not None:
            self._inner.write(item)
            return
        self._held.append(item)
        if self._asking is None and self._closed is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask())

    def close(self, reason: str) -> None:
        self._closed = reason
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
        if self._inner is not None:
            self._inner.close(reason)

    async def _ask(self) -> None:
        try:
            inner = await self._ingest.admit(self._key, self._peer, self._evicted)
        except Refused as refusal:
            self.refusal = refusal
            self.lost.set()
            return
        except Exception:  # the database, say: this run is over, and the next one asks again
            log.exception("admission failed")
            self.lost.set()
            return
        if self._closed is not None:
            inner.close(self._closed)
            return
        self._inner = inner
        while self._held:
            inner.write(self._held.popleft())

    def _evicted(self, reason: str) -> None:
        self.lost.set()
