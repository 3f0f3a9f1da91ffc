"""A private mongod: a single-node replica set on loopback, from the wheel that carries the binary."""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import json
import shutil
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from config.embedded.child import ChildError, stop_child
from config.embedded.kept import KeptChild, kept
from config.mongodb import Client

REPLICA_SET = "venuecast"
CACHE_GB = "0.25"
"""The default is half the machine; a county's room fits in a quarter of a gigabyte."""
OPLOG_MB = "990"
"""The least that mongod takes."""
READY_SECONDS = 45.0
OLD_ONE_SECONDS = 30.0
_NO_REPLICA_SET_YET = 94
_ALREADY_INITIALIZED = 23


def mongod_binary() -> Path | None:
    """The mongod to run: the wheel's, else one on PATH, else None."""
    spec = importlib.util.find_spec("fiftyone")
    for location in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(location) / "db" / "bin" / "mongod"
        if binary.is_file():
            return binary
    found = shutil.which("mongod")
    return Path(found) if found else None


def running_url(directory: Path) -> str:
    """The address of the mongod that another process runs on `directory`. Blocking; ChildError when none is known."""
    try:
        return _url(int((directory / "port").read_text()))
    except (FileNotFoundError, ValueError):
        raise ChildError(f"no embedded mongod is known under {directory}") from None


def _url(port: int) -> str:
    return f"mongodb://127.0.0.1:{port}/?directConnection=true"


@asynccontextmanager
async def embedded_mongod(directory: Path) -> AsyncIterator[str]:
    """Run mongod on `directory` while the context is open, again should it end; yields its connection URL."""
    binary = mongod_binary()
    if binary is None:
        raise ChildError(
            "no mongod here: this platform has no wheel with it. Install MongoDB, or set VENUECAST_MONGODB_URL"
        )
    if not binary.stat().st_mode & 0o100:
        binary.chmod(0o755)
    data = directory / "data"
    data.mkdir(parents=True, exist_ok=True)
    await _until_unlocked(data)
    port = _kept_port(directory)
    log = directory / "mongod.log"
    log.unlink(missing_ok=True)
    command = [
        str(binary), "--dbpath", str(data), "--bind_ip", "127.0.0.1", "--port", str(port), "--replSet", REPLICA_SET,
        "--wiredTigerCacheSizeGB", CACHE_GB, "--oplogSize", OPLOG_MB, "--nounixsocket", "--quiet",
        "--setParameter", "diagnosticDataCollectionEnabled=false",
    ]  # fmt: skip
    child = KeptChild(command, log)
    url = _url(port)
    try:
        await _until_primary(url, f"127.0.0.1:{port}", child.process.poll, log)
        async with kept(child):
            yield url
    finally:
        await asyncio.to_thread(stop_child, child.process)


async def _until_unlocked(data: Path) -> None:
    """After a kill -9 of the hub its mongod ends by itself within moments; it holds its lock until then."""
    deadline = time.monotonic() + OLD_ONE_SECONDS
    while await asyncio.to_thread(_is_locked, data / "mongod.lock"):
        if time.monotonic() > deadline:
            raise ChildError(f"another mongod runs on {data}; stop it first")
        await asyncio.sleep(0.1)


def _is_locked(path: Path) -> bool:
    """Whether a process holds mongod's lock file (a POSIX record lock)."""
    try:
        with path.open("r+b") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(lock, fcntl.LOCK_UN)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _kept_port(directory: Path) -> int:
    """The port of last time if it is free, since the replica set's configuration remembers it; else a free one."""
    kept = directory / "port"
    try:
        wanted = int(kept.read_text())
    except (FileNotFoundError, ValueError):
        wanted = 0
    for candidate in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            port: int = probe.getsockname()[1]
            kept.write_text(str(port))
            return port
    raise ChildError("no free port on 127.0.0.1 for the embedded mongod")


async def _until_primary(url: str, member: str, poll: Any, log: Path) -> None:
    client: Client = Client(url, serverSelectionTimeoutMS=1000)
    deadline = time.monotonic() + READY_SECONDS
    try:
        while time.monotonic() < deadline:
            if poll() is not None:
                raise ChildError(f"mongod ended at once: {_last_words(log)} (log: {log})")
            try:
                if await _is_primary(client, member):
                    return
            except (AutoReconnect, PyMongoError):
                pass
            await asyncio.sleep(0.05)
    finally:
        client.close()
    raise ChildError(f"mongod is not ready after {READY_SECONDS:.0f} s (log: {log})")


async def _is_primary(client: Client, member: str) -> bool:
    """Initiate the set on the first start, force its configuration when the port has changed, then wait."""
    wanted = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": member}]}
    hello = await client.admin.command("hello")
    if hello.get("isWritablePrimary"):
        return True
    try:
        config = (await client.admin.command("replSetGetConfig"))["config"]
    except OperationFailure as error:
        if error.code != _NO_REPLICA_SET_YET:
            raise
        try:
            await client.admin.command("replSetInitiate", wanted)
        except OperationFailure as failure:
            if failure.code != _ALREADY_INITIALIZED:
                raise
        return False
    if config["members"][0]["host"] != member:
        config["members"] = wanted["members"]
        config["version"] += 1
        await client.admin.command("replSetReconfig", config, force=True)
    return False


def _last_words(log: Path) -> str:
    """The last error of mongod's JSON log, or its last line."""
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    for line in reversed(lines):
        try:
            entry = json.loads(line)
        except ValueError:
            return line
        if entry.get("s") in ("E", "F"):
            return f"{entry.get('msg')} {entry.get('attr', '')}"
    return lines[-1] if lines else "no words in its log"
