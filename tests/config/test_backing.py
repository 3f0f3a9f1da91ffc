"""Embedded services: they start, keep their data, die with the hub, and survive its sudden death."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from pymongo.errors import PyMongoError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.backing import BackingError, locked, open_backing, open_mongodb, open_redis
from config.mongodb import Database
from config.settings import load_settings
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.service

HOLDER = """
import asyncio, sys
from config.backing import open_backing
from config.settings import load_settings
async def hold():
    async with open_backing(load_settings({"VENUECAST_DATA_DIR": sys.argv[1]}).store) as backing:
        await backing.database.marks.insert_one({"_id": sys.argv[2]})
        print("up", flush=True)
        await asyncio.Event().wait()
asyncio.run(hold())
"""


def hold(data_dir: Path, mark: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data_dir), mark], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None and process.stdout.readline() == "up\n"
    return process


def test_kill_9_leaves_no_orphan_and_the_next_start_recovers(data_dir: Path) -> None:
    for mark in ("first", "second"):
        process = hold(data_dir, mark)
        children = psutil.Process(process.pid).children(recursive=True)
        assert {child.name() for child in children} == {"mongod", "redis-server"}
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert alive == []
        assert process.stdout is not None
        process.stdout.close()


async def test_a_killed_service_is_started_again_with_its_data(data_dir: Path) -> None:
    store = load_settings({"VENUECAST_DATA_DIR": str(data_dir)}).store
    async with open_backing(store) as backing:
        await backing.database.marks.insert_one({"_id": "kept"})
        for child in psutil.Process().children(recursive=True):
            if str(data_dir) in " ".join(child.cmdline()):
                child.kill()
                await asyncio.to_thread(child.wait, 20)

        async def answers() -> bool:
            try:
                await backing.redis.ping()
                return await backing.database.marks.find_one({"_id": "kept"}) is not None
            except (PyMongoError, RedisError):
                return False

        await eventually_async(answers, 90)


async def test_data_stays_and_a_moved_port_is_taken_in(data_dir: Path) -> None:
    store = load_settings({"VENUECAST_DATA_DIR": str(data_dir)}).store
    async with open_backing(store) as backing:
        await backing.database.marks.insert_one({"_id": "kept"})
    (data_dir / "mongod" / "port").write_text("1")  # a port that cannot be bound again: another has to do
    started = time.monotonic()
    async with open_backing(store) as backing:
        assert await backing.database.marks.find_one({"_id": "kept"}) is not None
        async with await backing.database.client.start_session() as session, session.start_transaction():
            await backing.database.marks.insert_one({"_id": "in a transaction"}, session=session)
    assert time.monotonic() - started < 60


def test_a_second_hub_on_the_same_directory_is_refused(data_dir: Path) -> None:
    with locked(data_dir), pytest.raises(BackingError, match="another hub is running"), locked(data_dir):
        raise AssertionError("two hubs hold one directory")


async def test_services_that_do_not_answer_are_named() -> None:
    with pytest.raises(BackingError, match="VENUECAST_MONGODB_URL"):
        async with open_mongodb("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200"):
            raise AssertionError("nothing listens there")
    with pytest.raises(BackingError, match="VENUECAST_REDIS_URL"):
        async with open_redis("redis://127.0.0.1:1"):
            raise AssertionError("nothing listens there")


async def test_fixtures_are_fresh(database: Database, redis: Redis) -> None:
    assert await database.list_collection_names() == []
    assert await redis.dbsize() == 0
