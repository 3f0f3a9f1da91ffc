"""Words, sanctions and the outside review, on a real MongoDB and a real HTTP service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from config.clock import SystemClock
from config.mongodb import Database
from interaction.moderation.guard import Guard, to_row
from interaction.moderation.matcher import Folded
from interaction.moderation.words import Level, Word
from interaction.rejected import Rejected
from interaction.store.journal import Act, Journal
from interaction.store.sanctions import Kind, Sanction, sanction_id
from interaction.store.talk_rules import OutsideReview
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.service

CLOCK = SystemClock()


@asynccontextmanager
async def guard_on(database: Database) -> AsyncIterator[Guard]:
    guard = Guard(database, CLOCK)
    await guard.ensure_indexes()
    await guard.start()
    try:
        yield guard
    finally:
        await guard.close()


def banned(viewer_id: str, until: float | None = None) -> Sanction:
    id_ = sanction_id("center", viewer_id, Kind.BAN)
    return Sanction(id_, "center", "event", viewer_id, "某人", Kind.BAN, until, "广告", "moderator", CLOCK.utc())


def code(guard: Guard, viewer_id: str) -> str | None:
    try:
        guard.check_viewer("center", "event2", viewer_id)
    except Rejected as refusal:
        return refusal.code
    return None


async def test_another_process_knows_of_sanctions_and_words(database: Database) -> None:
    async with guard_on(database) as here, guard_on(database) as there:
        await here.sanctions.put(banned("u1"))
        await here.words.replace("platform", [to_row(Word("赌博", Level.REFUSE))], version=0)
        await here.words.replace("center", [to_row(Word("刷单"))], version=0)

        async def known() -> bool:
            return code(there, "u1") == "banned" and bool(there.check_words("center", Folded("刷单")))

        await eventually_async(known, 30.0)
        with pytest.raises(Rejected, match="refused_words"):
            there.judge("another", "event", Folded("赌博"))
        assert there.judge("another", "event", Folded("刷单")).held_for == ()
        lifted = await here.sanctions.lift("center", banned("u1").id, "moderator", CLOCK.utc())
        assert lifted is not None
        await eventually_async(lambda: asyncio.sleep(0, code(there, "u1") is None), 30.0)


async def test_a_sanction_outlives_the_process_and_ends_in_time(database: Database) -> None:
    async with guard_on(database) as guard:
        await guard.sanctions.put(banned("u1"))
        await guard.sanctions.put(banned("u2", until=CLOCK.utc() - 1))
    async with guard_on(database) as again:
        assert code(again, "u1") == "banned"
        assert code(again, "u2") is None


async def test_two_who_change_a_list_do_not_lose_each_others_words(database: Database) -> None:
    async with guard_on(database) as guard:
        assert await guard.words.replace("center", [to_row(Word("一"))], version=0) == 1
        assert await guard.words.replace("center", [to_row(Word("二"))], version=0) is None
        assert (await guard.words.rows("center"))[1][0][0] == "一"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"verdict": "pass"}, ()),
        ({"verdict": "hold", "reason": "政治"}, ("review:政治",)),
        ({"verdict": "what?"}, ("review:no_answer",)),
        ([1], ("review:no_answer",)),
        (None, ("review:no_answer",)),
        ("slow", ("review:no_answer",)),
    ],
)
async def test_the_outside_review_decides_or_a_person_does(
    database: Database, answer: object, expected: tuple[str, ...]
) -> None:
    asked = []

    async def review(request: web.Request) -> web.StreamResponse:
        asked.append((request.headers.get("Authorization"), await request.json()))
        if answer == "slow":
            await asyncio.sleep(60)
        if answer is None:
            return web.Response(status=500)
        return web.json_response(answer)

    app = web.Application()
    app.router.add_post("/review", review)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with guard_on(database) as guard:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/review"
            guard.learn_review("center", OutsideReview(url, "token", 0.3 if answer == "slow" else 20.0))
            judged = await guard.ask_outside("center", {"id": "1", "text": "你好"})
            assert judged.held_for == expected
            assert asked == [("Bearer token", {"id": "1", "text": "你好", "center_id": "center"})]
            assert (await guard.ask_outside("another", {"id": "1"})).held_for == ()
    finally:
        await runner.cleanup()


async def test_a_review_that_says_no_refuses_and_one_that_is_away_holds(database: Database) -> None:
    async with guard_on(database) as guard:
        guard.learn_review("center", OutsideReview("http://127.0.0.1:1/", None, 5.0))
        for _ in range(8):
            assert (await guard.ask_outside("center", {"id": "1"})).held_for[0].startswith("review:")
        assert (await guard.ask_outside("center", {"id": "1"})).held_for == ("review:resting",)


async def test_the_journal_shows_where_it_was_changed(database: Database) -> None:
    journal = Journal(database)
    await journal.ensure_indexes()
    acts = [Act("remove", f"moderator{n}", 1000.0 + n, f"c{n}", "广告") for n in range(8)]
    await asyncio.gather(*(journal.write("event", act) for act in acts))
    page = await journal.page("event", before=None, limit=200)
    assert [act.number for act in page] == list(range(8, 0, -1))
    assert await journal.first_broken("event") is None
    await database.moderation_journal.update_one({"_id": "event/3"}, {"$set": {"reason": "没有理由"}})
    assert await journal.first_broken("event") == 3
    await database.moderation_journal.delete_one({"_id": "event/3"})
    assert await journal.first_broken("event") == 3
