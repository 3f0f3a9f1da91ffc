"""Unique viewers in a real Redis."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from interaction.keys import uniques

pytestmark = pytest.mark.service


async def test_each_viewer_counts_once_at_each_venue(redis: Redis) -> None:
    counted = await uniques.add(redis, "e", {"main": ["a", "b", "a"], "square": ["a"]}, {})
    assert {venue: unique.count for venue, unique in counted.items()} == {"main": 2, "square": 1}
    counted = await uniques.add(redis, "e", {"main": ["b", "c"]}, {})
    assert counted["main"].count == 3


async def test_a_flushed_counter_goes_on_from_its_sketch(redis: Redis) -> None:
    kept = await uniques.add(redis, "e", {"main": ["a", "b"]}, {})
    await redis.flushdb()
    counted = await uniques.add(redis, "e", {"main": ["b", "c"]}, {"main": kept["main"].sketch})
    assert counted["main"].count == 3


async def test_a_sketch_never_replaces_a_counter_that_went_on(redis: Redis) -> None:
    first = await uniques.add(redis, "e", {"main": ["a"]}, {})
    await uniques.add(redis, "e", {"main": ["b"]}, {})
    counted = await uniques.add(redis, "e", {"main": ["c"]}, {"main": first["main"].sketch})
    assert counted["main"].count == 3
