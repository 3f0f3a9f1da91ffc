"""Unique viewers of a room and of each venue, as HyperLogLogs: 12 KiB each, 0.8 % error."""

from __future__ import annotations

from collections.abc import Iterable

from redis.asyncio import Redis

EXPIRES_SECONDS = 7 * 86400
"""An event and its aftermath; the figure itself is kept in MongoDB."""


def key(event_id: str, venue_id: str) -> str:
    return f"venuecast:uniques:{event_id}:{venue_id}"


async def add(redis: Redis, event_id: str, by_venue: dict[str, Iterable[str]]) -> dict[str, int]:
    """Add viewers to the venues' logs; the estimated number of each venue that was touched."""
    pipeline = redis.pipeline(transaction=False)
    venues = list(by_venue)
    for venue_id in venues:
        name = key(event_id, venue_id)
        pipeline.pfadd(name, *by_venue[venue_id])
        pipeline.expire(name, EXPIRES_SECONDS)
        pipeline.pfcount(name)
    results = await pipeline.execute()
    return {venue_id: int(results[index * 3 + 2]) for index, venue_id in enumerate(venues)}
