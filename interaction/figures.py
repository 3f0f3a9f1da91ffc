"""Keep a room's figures: uniques counted in Redis, then they, peaks and likes in MongoDB."""

from __future__ import annotations

import asyncio

import structlog
from pymongo.errors import PyMongoError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from interaction.keys import uniques
from interaction.room import Room
from interaction.store.rooms import RoomStore

REDIS_SECONDS = 2.0
"""A Redis that takes longer is away; the viewers it missed are offered again next time."""
STORE_SECONDS = 5.0
"""The same for MongoDB: the next room's lease waits."""

log = structlog.get_logger(__name__)


class Figures:
    """Runs beside the ticks: a store that hangs delays figures, never a batch."""

    def __init__(self, store: RoomStore, redis: Redis) -> None:
        self._store = store
        self._redis = redis

    async def keep(self, room: Room, utc: float) -> bool:
        """Store what changed and renew the lease. False when another owner has taken the room over."""
        await self._count_uniques(room)
        presence = room.presence
        dirty, presence.dirty = presence.dirty, False
        try:
            async with asyncio.timeout(STORE_SECONDS):
                if dirty:
                    return await self._store.keep(room.event_id, room.record, utc)
                return await self._store.renew(room.event_id, room.record, utc)
        except (PyMongoError, TimeoutError) as error:
            presence.dirty = presence.dirty or dirty
            log.warning("figures not kept", event_id=room.event_id, error=str(error)[:200])
            return True

    async def _count_uniques(self, room: Room) -> None:
        new = room.presence.take_new()
        if not new:
            return
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                counted = await uniques.add(self._redis, room.event_id, new, room.record.sketches)
        except (RedisError, OSError, TimeoutError) as error:
            room.presence.put_back(new)
            log.warning("redis does not answer", error=str(error)[:200])
            return
        room.presence.seen_unique(counted)
