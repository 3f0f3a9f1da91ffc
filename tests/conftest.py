"""Fixtures for all tests: a real MongoDB and Redis per worker, a fresh database and an empty Redis per test."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis

from config.backing import open_mongodb, open_redis
from config.embedded.mongod import embedded_mongod
from config.embedded.redis_server import embedded_redis
from config.mongodb import Database

BROWSER_RERUNS = 1
"""A browser, an encoder and a hub on two busy cores: one that was starved once is asked once more."""


@dataclass(frozen=True, slots=True)
class BackingUrls:
    mongodb: str
    redis: str


@pytest.fixture(scope="session")
def backing_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackingUrls]:
    """The embedded servers, once a worker, started on first use from the main thread."""
    directory = tmp_path_factory.mktemp("backing")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def start() -> BackingUrls:
            mongodb = await stack.enter_async_context(embedded_mongod(directory / "mongod"))
            redis = await stack.enter_async_context(embedded_redis(directory / "redis"))
            return BackingUrls(mongodb, redis)

        yield runner.run(start())
        runner.run(stack.aclose())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests get a second chance, which the closing line counts (docs/decisions/0006)."""
    for item in items:
        if item.get_closest_marker("browser") is not None:
            item.add_marker(pytest.mark.flaky(reruns=BROWSER_RERUNS))


@pytest.fixture
async def database(backing_urls: BackingUrls) -> AsyncIterator[Database]:
    """A fresh database, dropped after the test."""
    name = f"test_{secrets.token_hex(6)}"
    async with open_mongodb(backing_urls.mongodb, name) as opened:
        yield opened
        await opened.client.drop_database(name)


@pytest.fixture
async def redis(backing_urls: BackingUrls) -> AsyncIterator[Redis]:
    """A client of an empty Redis: a worker's tests run one after the other."""
    async with open_redis(backing_urls.redis) as client:
        await client.flushall()
        yield client


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty data directory."""
    directory = tmp_path / "data"
    directory.mkdir()
    return directory
