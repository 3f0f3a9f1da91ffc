"""Rooms on a real MongoDB and Redis: nothing acknowledged is lost or doubled, a flushed Redis hurts nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from config.clock import SystemClock
from config.mongodb import Database
from interaction.commit import Busy
from interaction.rejected import Rejected
from interaction.room import RoomRules
from interaction.rooms import Rooms, open_rooms
from interaction.store.rooms import RoomStore

pytestmark = pytest.mark.service

EVENT = "event1"
OPEN = RoomRules("live", "post", ("watch", "like", "comment"), False, {"venue1": True})


class Wall:
    """A broadcast that keeps what everybody was sent."""

    def __init__(self) -> None:
        self.batches: list[dict[str, Any]] = []
        self.personals: list[tuple[str, Any]] = []
        self.closed: list[str] = []

    def to_room(self, event_id: str, event: str, payload: Any) -> None:
        self.batches.append(payload)

    def catch_up(self, event_id: str, snapshot: Callable[[], object]) -> None:
        pass

    def personal(self, event_id: str, viewer_id: str, payload: Any) -> None:
        self.personals.append((viewer_id, payload))

    def behind(self, event_id: str) -> float:
        return 0.0

    async def close_room(self, event_id: str) -> None:
        self.closed.append(event_id)

    def items(self, kind: str) -> list[dict[str, Any]]:
        return [item for batch in self.batches for item in batch["items"] if item["type"] == kind]


@pytest.fixture
async def rooms(database: Database, redis: Redis) -> AsyncIterator[Rooms]:
    async with open_rooms(database, redis, SystemClock(), tick_seconds=0.05) as opened:
        opened.broadcast = Wall()
        opened.apply_rules(EVENT, OPEN)
        yield opened


def wall(rooms: Rooms) -> Wall:
    assert isinstance(rooms.broadcast, Wall)
    return rooms.broadcast


async def say(rooms: Rooms, viewer: str, text: str, client_id: str = "1") -> Any:
    return await rooms.comment(EVENT, viewer, viewer, text=text, client_id=client_id, reply_to=None, anonymous=True)


async def ticked(rooms: Rooms, condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("did not come true")


async def test_a_thousand_comments_at_once_are_all_kept(rooms: Rooms, database: Database) -> None:
    said = await asyncio.gather(*(say(rooms, f"viewer{n}", f"words {n}") for n in range(1000)))
    kept = {document["_id"] async for document in database.comments.find({}, {"_id": 1})}
    assert {comment.id for comment in said} == kept and len(kept) == 1000
    await ticked(
        rooms, lambda: sum(b["hidden"] for b in wall(rooms).batches) + len(wall(rooms).items("comment")) == 1000
    )
    # whoever was left out sees the own words all the same
    shown, own = {item["id"] for item in wall(rooms).items("comment")}, {p["id"] for _, p in wall(rooms).personals}
    assert len(shown) >= 40 and not shown & own and shown | own == kept


async def test_the_same_client_id_is_one_comment(rooms: Rooms, database: Database) -> None:
    first, second = await asyncio.gather(say(rooms, "viewer", "once"), say(rooms, "viewer", "once"))
    third = await say(rooms, "viewer", "once")
    assert first.id == second.id == third.id
    assert await database.comments.count_documents({}) == 1
    await ticked(rooms, lambda: len(wall(rooms).items("comment")) == 1)


async def test_too_fast_says_when_and_keeps_nothing(rooms: Rooms, database: Database) -> None:
    await say(rooms, "viewer", "hello", "first")
    rest = (say(rooms, "viewer", f"hello {number}", str(number)) for number in range(8))
    answers = await asyncio.gather(*rest, return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, BaseException)]
    # in one go, so that a slow machine earns no more than the bucket holds
    assert 5 <= len(refusals) <= 6
    for refusal in refusals:
        assert isinstance(refusal, Rejected) and refusal.code == "too_fast" and refusal.retry_after is not None
    assert await database.comments.count_documents({}) == 9 - len(refusals)


@pytest.mark.parametrize(
    ("text", "code"), [("", "empty"), (" \n\t ", "empty"), ("\u0000\u0007", "empty"), ("长" * 201, "too_long")]
)
async def test_what_cannot_be_said(rooms: Rooms, text: str, code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        await say(rooms, "viewer", text)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (RoomRules("ended", "post", ("comment",)), "room_closed"),
        (RoomRules("live", "post", ("comment",), cut=True), "cut"),
        (RoomRules("live", "post", ("watch",)), "sign_in_to_comment"),
    ],
)
async def test_when_nobody_may_speak(rooms: Rooms, rules: RoomRules, code: str) -> None:
    rooms.apply_rules(EVENT, rules)
    with pytest.raises(Rejected) as refusal:
        await say(rooms, "viewer", "hello")
    assert refusal.value.code == code


async def test_a_held_comment_is_seen_once_it_is_let_through(rooms: Rooms) -> None:
    rooms.apply_rules(EVENT, RoomRules("live", "pre", ("comment",)))
    comment = await say(rooms, "viewer", "please")
    assert comment.status == "held"
    assert (await rooms.snapshot(EVENT))["comments"] == []
    await rooms.review(EVENT, [comment.id], approve=True, by="moderator")
    await ticked(rooms, lambda: len(wall(rooms).items("comment")) == 1)
    await rooms.review(EVENT, [comment.id], approve=False, by="moderator")
    await ticked(rooms, lambda: len(wall(rooms).items("comment_removed")) == 1)


async def test_a_flushed_redis_loses_no_figure(rooms: Rooms, redis: Redis) -> None:
    for number in range(30):
        await rooms.heartbeat(EVENT, f"viewer{number}", "venue1")
    await ticked(rooms, lambda: rooms.viewers(EVENT, "venue1")[2] >= 29)
    await redis.flushall()
    for number in range(30, 40):
        await rooms.heartbeat(EVENT, f"viewer{number}", "venue1")
    await ticked(rooms, lambda: rooms.viewers(EVENT, "venue1")[2] >= 38)
    await ticked(rooms, lambda: rooms.viewers(EVENT, None)[:2] == (40, 40))


async def test_figures_and_comments_outlive_the_process(database: Database, redis: Redis) -> None:
    clock = SystemClock()
    epochs = []
    for _ in range(2):
        async with open_rooms(database, redis, clock, tick_seconds=0.05) as opened:
            opened.apply_rules(EVENT, OPEN)
            snapshot = await opened.snapshot(EVENT)
            epochs.append(snapshot["epoch"])
            if not snapshot["comments"]:
                await say(opened, "viewer", "still here")
                await opened.heartbeat(EVENT, "viewer", "venue1")
                await ticked(opened, lambda rooms=opened: rooms.viewers(EVENT, "venue1")[1] == 1)  # type: ignore[misc]
            else:
                assert [comment["text"] for comment in snapshot["comments"]] == ["still here"]  # type: ignore[attr-defined]
                assert opened.viewers(EVENT, "venue1")[1] == 1
    assert epochs[1] > epochs[0]  # type: ignore[operator]


async def test_a_second_process_takes_the_room_over_and_the_first_steps_back(database: Database, redis: Redis) -> None:
    clock = SystemClock()
    async with (
        open_rooms(database, redis, clock, tick_seconds=0.05) as first,
        open_rooms(database, redis, clock, tick_seconds=0.05) as second,
    ):
        for opened in (first, second):
            opened.broadcast = Wall()
            opened.apply_rules(EVENT, OPEN)
        epoch = (await first.snapshot(EVENT))["epoch"]
        assert (await second.snapshot(EVENT))["epoch"] == epoch + 1  # type: ignore[operator]
        for _ in range(300):
            if wall(first).closed:
                break
            await asyncio.sleep(0.1)
        assert wall(first).closed == [EVENT]
        # the other one keeps its lease, so the room is not taken back
        with pytest.raises(Busy):
            await first.snapshot(EVENT)
        await say(second, "viewer", "in the new house")
        assert (await second.snapshot(EVENT))["epoch"] == epoch + 1  # type: ignore[operator]


async def test_a_lease_that_nobody_renews_runs_out(database: Database) -> None:
    store = RoomStore(database)
    first = await store.open(EVENT, "first", 1000.0, taking_over=True)
    second = await store.open(EVENT, "second", 1001.0, taking_over=True)
    assert first is not None and second is not None and second.epoch == first.epoch + 1
    assert not await store.renew(EVENT, first, 1002.0) and not await store.keep(EVENT, first, 1002.0)
    assert await store.renew(EVENT, second, 1002.0)
    assert await store.open(EVENT, "first", 1011.0, taking_over=False) is None
    third = await store.open(EVENT, "first", 1013.0, taking_over=False)
    assert third is not None and third.epoch == second.epoch + 1
