"""`kill -9` of the hub, of mongod and of redis while a room talks and votes: what was acknowledged is there, once.

The phones are real sockets. Each repeats what was not acknowledged under the same id, as the page does; afterwards
every item must be there exactly once.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient

from bench.room.clients import Phone
from config.clock import SystemClock
from config.embedded.mongod import running_url
from tests.support.hub_process import HubProcess, hub_process
from web.auth.sessions import signing_secret
from web.realtime.viewers import ViewerTokens

pytestmark = [pytest.mark.long, pytest.mark.service, pytest.mark.timeout(1800)]

ANSWER_SECONDS = 15.0
RECOVERY_SECONDS = 120.0
WORDS = "东西南北春夏秋冬山水"
RULES = {"anonymous_may": ["watch", "like", "comment", "vote"], "moderation": "post"}


@dataclass
class Tally:
    comments: dict[str, str] = field(default_factory=dict)
    """Acknowledged: our client id to the hub's id."""
    votes: set[tuple[str, str]] = field(default_factory=set)
    """Acknowledged: device and client id."""
    refused: Counter[str] = field(default_factory=Counter)
    last: float = 0.0
    """When something was acknowledged last."""


class Viewer:
    """One phone that comes back, and repeats what got no answer."""

    def __init__(self, name: str, token: str, hub: HubProcess, vote: dict[str, Any], tally: Tally) -> None:
        self.name, self.token, self.hub, self.vote, self.tally = name, token, hub, vote, tally
        self.phone: Phone | None = None

    async def live(self, until: asyncio.Event) -> None:
        number = 0
        while not until.is_set():
            await asyncio.sleep(random.uniform(1.8, 2.6))
            number += 1
            await self.done("comment", number)
            await self.done("vote", number)

    async def done(self, event: str, number: int) -> None:
        """Say it until the hub has answered."""
        client_id = f"{event}-{number}"
        words = "".join(WORDS[int(digit)] for digit in str(int(self.name) * 1000 + number))
        payload: dict[str, Any] = {"text": f"我是{words}，看灯会", "client_id": client_id}
        if event == "vote":
            payload = {"activity_id": self.vote["id"], "options": [self.vote["options"][0]["id"]]}
            payload["client_id"] = client_id
        began = time.monotonic()
        while time.monotonic() - began < RECOVERY_SECONDS:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    answer = await (await self.connected()).ask(event, payload)
            except (OSError, TimeoutError):
                self.drop()
                await asyncio.sleep(random.uniform(0.2, 2.0))
                continue
            if answer["ok"]:
                self.tally.last = time.monotonic()
                if event == "comment":
                    self.tally.comments[f"{self.name} {client_id}"] = answer["id"]
                else:
                    self.tally.votes.add((self.name, client_id))
                return
            self.tally.refused[answer["error"]["code"]] += 1
            await asyncio.sleep(answer["error"].get("retry_after") or 1.0)
        raise AssertionError(f"{event} of viewer {self.name} was never answered")

    async def connected(self) -> Phone:
        if self.phone is None or self.phone.lost:
            phone = Phone(self.token, None)
            await asyncio.get_running_loop().create_connection(lambda: phone, "127.0.0.1", self.hub.http_port)
            self.phone = phone
            assert phone.ready is not None
            await phone.ready
        return self.phone

    def drop(self) -> None:
        if self.phone is not None and hasattr(self.phone, "transport"):
            self.phone.transport.abort()
        self.phone = None


def kill_service(hub: HubProcess, name: str) -> None:
    for child in psutil.Process(hub.pid).children(recursive=True):
        if name in child.name():
            child.send_signal(signal.SIGKILL)


def kill_hub(hub: HubProcess) -> None:
    hub.kill()
    hub.start()


async def killed(hub: HubProcess, what: str, tally: Tally) -> float:
    """Kill it; seconds until the room acknowledges again."""
    began = time.monotonic()
    if what == "hub":
        await asyncio.to_thread(kill_hub, hub)
    else:
        kill_service(hub, what)
    await asyncio.sleep(0.5)
    after = time.monotonic()
    while tally.last < after:
        assert time.monotonic() - began < RECOVERY_SECONDS, f"nothing is acknowledged any more after the kill of {what}"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def storm(hub: HubProcess, viewers: int, kills: list[str], pause: tuple[float, float]) -> dict[str, Any]:
    event = hub.create_event(rules=RULES)
    hub.start_event(event["id"])
    options = [{"text": "龙灯"}, {"text": "鱼灯"}]
    body = {"kind": "vote", "title": "最美彩灯", "options": options, "times": 100}
    created = hub.request("POST", f"/api/v1/events/{event['id']}/activities", body)
    vote = hub.request("POST", f"/api/v1/activities/{created['id']}/open")
    tokens = ViewerTokens(signing_secret(hub.data_dir), SystemClock())
    tally, stop = Tally(), asyncio.Event()
    crowd = [
        Viewer(str(number), tokens.anonymous(event["id"], str(number), None)[0], hub, vote, tally)
        for number in range(viewers)
    ]
    recoveries: list[tuple[str, float]] = []
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for viewer in crowd:
            group.create_task(viewer.live(stop))
        await asyncio.sleep(pause[0])
        for what in kills:
            recoveries.append((what, round(await killed(hub, what, tally), 1)))
            await asyncio.sleep(random.uniform(*pause))
        stop.set()
    seconds = time.monotonic() - began
    for viewer in crowd:
        viewer.drop()

    # every acknowledged item is in the database, once
    with MongoClient[dict[str, Any]](running_url(hub.data_dir / "mongod")) as client:
        database = client["venuecast"]
        comments = Counter(document["_id"] for document in database.comments.find({}, {"_id": 1}))
        texts = Counter(document["text"] for document in database.comments.find({}, {"text": 1}))
        ballots = database.ballots.count_documents({"activity_id": vote["id"]})
    assert set(tally.comments.values()) <= set(comments) and max(texts.values()) == 1
    assert len(set(tally.comments.values())) == len(tally.comments)
    results = hub.request("GET", f"/api/v1/activities/{vote['id']}/results")
    counted = results["total"] + results["held"]
    # everybody repeated until the answer came: what was acknowledged is all there is
    assert len(comments) == len(tally.comments) and counted == ballots == len(tally.votes)
    return {
        "seconds": round(seconds, 1),
        "comments": len(tally.comments),
        "votes": len(tally.votes),
        "per_second": round((len(tally.comments) + len(tally.votes)) / seconds, 1),
        "refused": dict(tally.refused),
        "recoveries": recoveries,
    }


async def test_one_kill_each(tmp_path: Path) -> None:
    with hub_process(tmp_path / "hub") as hub:
        print(await storm(hub, 200, ["mongod", "redis", "hub"], (4.0, 6.0)))
    assert "Traceback" not in hub.log.read_text("utf-8", "replace")


async def test_five_hundred_comments_and_votes_a_second_and_a_dozen_kills(tmp_path: Path) -> None:
    kills = ["mongod", "redis", "hub"] * 4
    random.shuffle(kills)
    with hub_process(tmp_path / "hub") as hub:
        print(await storm(hub, 1100, kills, (3.0, 20.0)))
