"""Open MongoDB and Redis: the ones that the settings name, or private ones under the data directory."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.embedded.mongod import embedded_mongod, running_url
from config.embedded.redis_server import embedded_redis
from config.mongodb import Client, Database
from config.settings import StoreSettings

DEFAULT_DATABASE = "venuecast"
ANSWER_MS = 5_000
"""How long a backing service may take to answer at start before we say that it does not."""


class BackingError(Exception):
    """A backing service cannot be used; the message says which, and what to do."""


class HeldByAnother(BackingError):
    """Another hub runs on the data directory."""


@dataclass(frozen=True, slots=True)
class Backing:
    database: Database
    redis: Redis


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for this process; BackingError when another hub has it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HeldByAnother(
                f"another hub is running on {data_dir}: stop it first, or give this one its own VENUECAST_DATA_DIR"
            ) from None
        yield


@asynccontextmanager
async def open_backing(store: StoreSettings) -> AsyncIterator[Backing]:
    """Both services, ready; embedded ones end with the context, in the reverse order of their start."""
    async with AsyncExitStack() as stack:
        stack.enter_context(locked(store.data_dir))
        if store.mongodb_url is not None:
            mongodb_url = store.mongodb_url.get_secret_value()
        else:
            mongodb_url = await stack.enter_async_context(embedded_mongod(store.data_dir / "mongod"))
        if store.redis_url is not None:
            redis_url = store.redis_url.get_secret_value()
        else:
            redis_url = await stack.enter_async_context(embedded_redis(store.data_dir / "redis"))
        database = await stack.enter_async_context(open_mongodb(mongodb_url))
        redis = await stack.enter_async_context(open_redis(redis_url))
        yield Backing(database, redis)


@asynccontextmanager
async def open_database(store: StoreSettings) -> AsyncIterator[Database]:
    """The installation's MongoDB for a command: the named one, the running hub's, or its own, started for now."""
    if store.mongodb_url is not None:
        async with open_mongodb(store.mongodb_url.get_secret_value()) as database:
            yield database
        return
    try:
        async with AsyncExitStack() as stack:
            stack.enter_context(locked(store.data_dir))
            url = await stack.enter_async_context(embedded_mongod(store.data_dir / "mongod"))
            yield await stack.enter_async_context(open_mongodb(url))
    except HeldByAnother:
        # a hub is running on this directory: its mongod answers on the port that stands beside the data
        async with open_mongodb(running_url(store.data_dir / "mongod")) as database:
            yield database


@asynccontextmanager
async def open_mongodb(url: str, name: str | None = None) -> AsyncIterator[Database]:
    """The database that the URL names (`venuecast` when it names none). BackingError when it does not answer."""
    try:
        client: Client = Client(url, tz_aware=True, serverSelectionTimeoutMS=ANSWER_MS)
    except (PyMongoError, ValueError) as error:
        raise BackingError(f"the MongoDB address cannot be read: {error}. Check VENUECAST_MONGODB_URL") from None
    try:
        try:
            await client.admin.command("ping")
            named = name or parse_uri(url)["database"] or DEFAULT_DATABASE
        except PyMongoError as error:
            raise BackingError(f"MongoDB does not answer: {error}. Check VENUECAST_MONGODB_URL") from error
        yield client[named]
    finally:
        await asyncio.to_thread(client.close)  # says goodbye to the server, which may not listen any more


@asynccontextmanager
async def open_redis(url: str) -> AsyncIterator[Redis]:
    """A Redis client. BackingError when the server does not answer."""
    try:
        client = Redis.from_url(url, socket_connect_timeout=ANSWER_MS / 1000)
    except ValueError as error:
        raise BackingError(f"the Redis address cannot be read: {error}. Check VENUECAST_REDIS_URL") from None
    try:
        try:
            await client.ping()
        except (RedisError, OSError) as error:
            raise BackingError(f"Redis does not answer: {error}. Check VENUECAST_REDIS_URL") from error
        yield client
    finally:
        await client.aclose()
