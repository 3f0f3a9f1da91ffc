"""Unique viewers of a room and of each venue, as HyperLogLogs: 12 KiB each at most, 0.8 % error."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from redis.asyncio import Redis

EXPIRES_SECONDS = 7 * 86400
"""An event and its aftermath; the figure itself, and the sketch, are kept in MongoDB."""


@dataclass(frozen=True, slots=True)
class Unique:
    count: int
    sketch: bytes
    """The HyperLogLog as Redis keeps it: put back, it counts on after a flush."""


def key(event_id: str, venue_id: str) -> str:
    return f"venuecast:uniques:{event_id}:{venue_id}"


async def add(
    redis: Redis, event_id: str, by_venue: Mapping[str, Collection[str]], sketches: Mapping[str, bytes]
) -> dict[str, Unique]:
    """Add viewers to the venues' counters; what each touched venue counts now.

    A counter that Redis has lost goes on from its sketch.
    """
    pipeline = redis.pipeline(transaction=False)
    for venue_id, viewers in by_venue.items():
        name = key(event_id, venue_id)
        if sketch := sketches.get(venue_id):
            pipeline.set(name, sketch, nx=True)
        pipeline.pfadd(name, *viewers)
        pipeline.expire(name, EXPIRES_SECONDS)
    await pipeline.execute()
    for venue_id in by_venue:
        pipeline.pfcount(key(event_id, venue_id))
        pipeline.get(key(event_id, venue_id))
    results = await pipeline.execute()
    return {
        venue_id: Unique(int(results[index * 2]), bytes(results[index * 2 + 1]))
        for index, venue_id in enumerate(by_venue)
    }
