"""A ten-line hub for tests of protocol servers: takes every key but `wrong...`, and keeps what was written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streaming.ingest import Peer, Publication, Refused
from streaming.media import Format, Packet


class KeptPublication:
    def __init__(self, key: str, peer: Peer, evict: Callable[[str], None]) -> None:
        self.key, self.peer, self.evict = key, peer, evict
        self.items: list[Format | Packet] = []
        self.closed: str | None = None
        self.arrived = asyncio.Event()

    def write(self, item: Format | Packet) -> None:
        self.items.append(item)
        self.arrived.set()

    def close(self, reason: str) -> None:
        self.closed = reason
        self.arrived.set()

    @property
    def packets(self) -> list[Packet]:
        return [item for item in self.items if isinstance(item, Packet)]

    @property
    def formats(self) -> list[Format]:
        return [item for item in self.items if isinstance(item, Format)]


class KeptIngest:
    def __init__(self) -> None:
        self.publications: list[KeptPublication] = []
        self.published = asyncio.Event()

    async def admit(self, key: str, peer: Peer, evict: Callable[[str], None]) -> Publication:
        if key.startswith("wrong"):
            raise Refused("unknown_key", "unknown stream key 推流码无效")
        publication = KeptPublication(key, peer, evict)
        self.publications.append(publication)
        self.published.set()
        return publication
