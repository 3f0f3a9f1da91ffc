"""Quizzes from the run-sheet to the phones, over the API and real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from config.clock import from_rfc3339, rfc3339
from interaction.activities.engine import Activities
from tests.support.hub import InProcessHub
from tests.support.room import Phone, phone
from tests.support.waiting import eventually_async

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

API = "/api/v1"
OPEN_TO_ALL = {"anonymous_may": ["watch", "like", "comment", "vote", "answer", "enter"], "moderation": "post"}
NUMBER = {"text": "火警电话是？", "options": [{"text": "119", "correct": True}, {"text": "120"}, {"text": "110"}]}
DUTIES = {
    "text": "出门前要做什么？",
    "options": [{"text": "关火", "correct": True}, {"text": "关电", "correct": True}, {"text": "开窗放火盆"}],
}
LONG = 120
"""Seconds of a question that must not run out while a slow machine looks at it; quizzes are closed by hand."""


async def live_event(hub: InProcessHub) -> dict[str, Any]:
    event = await hub.event(hub.admin, rules=OPEN_TO_ALL)
    await hub.admin.ok("POST", f"{API}/events/{event['id']}/start")
    return event


async def opened(hub: InProcessHub, event: dict[str, Any], *questions: dict[str, Any], **fields: object) -> str:
    body = {"kind": "quiz", "title": "消防知识", "begin": "by_hand", "questions": list(questions), **fields}
    quiz: dict[str, Any] = await hub.admin.ok("POST", f"{API}/events/{event['id']}/activities", body)
    await hub.admin.ok("POST", f"{API}/activities/{quiz['id']}/open")
    return str(quiz["id"])


async def command(hub: InProcessHub, quiz: str, name: str, body: object = None) -> dict[str, Any]:
    done: dict[str, Any] = await hub.admin.ok("POST", f"{API}/activities/{quiz}/{name}", body)
    return done


async def results(hub: InProcessHub, quiz: str) -> dict[str, Any]:
    found: dict[str, Any] = await hub.admin.ok("GET", f"{API}/activities/{quiz}/results")
    return found


async def snapshot(hub: InProcessHub, event: dict[str, Any], quiz: str) -> dict[str, Any]:
    room = await hub.stranger().ok("GET", f"{API}/events/{event['id']}/snapshot")
    return next((view for view in room["activities"] if view["id"] == quiz), {})


async def mine(hub: InProcessHub, event: dict[str, Any], here: Phone, quiz: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {here.token}"}
    me = await hub.stranger().ok("GET", f"{API}/events/{event['id']}/me", headers=headers)
    found: dict[str, Any] = me["activities"].get(quiz, {})
    return found


async def watching(here: Phone, event: dict[str, Any], delay: float, protocol: str = "hls") -> None:
    """A heartbeat of a page whose picture is so many seconds old."""
    position = rfc3339(time.time() - delay)
    venue = event["venues"][0]["id"]
    await here.done("heartbeat", venue_id=venue, position=position, playing=True, protocol=protocol)


def running_of(hub: InProcessHub, quiz: str) -> Any:
    """The running question in memory: tests move its clock instead of waiting."""
    activities: Activities = hub.running.activities
    return activities._kinds["quiz"]._quizzes[quiz].running  # type: ignore[attr-defined]


def out_of_time(hub: InProcessHub, quiz: str) -> None:
    """The running question is over by its clock: no test waits for it, or loses against it on a busy machine."""
    running_of(hub, quiz).closes_at = 0.0


def sheets(here: Phone, quiz: str) -> list[dict[str, Any]]:
    return [one for one in here.personal if one.get("type") == "question" and one["activity_id"] == quiz]


async def asked(here: Phone, quiz: str, number: int = 1) -> dict[str, Any]:
    """The number-th question that reached this phone."""

    async def there() -> bool:
        return len(sheets(here, quiz)) >= number

    await eventually_async(there, 60.0)
    return sheets(here, quiz)[number - 1]


async def question_state(hub: InProcessHub, event: dict[str, Any], quiz: str, state: str) -> dict[str, Any]:
    """The public question once it has come so far."""

    async def there() -> bool:
        question = (await snapshot(hub, event, quiz)).get("question")
        return bool(question and question["state"] == state)

    await eventually_async(there, 60.0)
    question: dict[str, Any] = (await snapshot(hub, event, quiz))["question"]
    return question


async def revealed(hub: InProcessHub, quiz: str, question_id: str) -> None:
    """The desk says so, and may ask the next."""
    activities: Activities = hub.running.activities
    held = activities._kinds["quiz"]._quizzes[quiz]  # type: ignore[attr-defined]

    async def there() -> bool:
        questions = (await results(hub, quiz))["questions"]
        return held.running is None and any(q["id"] == question_id and q["state"] == "revealed" for q in questions)

    await eventually_async(there, 60.0)


@asynccontextmanager
async def phones(hub: InProcessHub, event: dict[str, Any], count: int) -> AsyncIterator[list[Phone]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(phone(hub, event["id"], f"d{n}")) for n in range(count)]


async def test_a_question_from_the_run_sheet_to_the_leaderboard(hub: InProcessHub) -> None:
    event = await live_event(hub)
    quiz = await opened(hub, event, {**NUMBER, "seconds": LONG}, {**DUTIES, "seconds": LONG}, speed=False)
    async with phones(hub, event, 3) as [first, second, third]:
        await command(hub, quiz, "ask")
        sheet = await asked(first, quiz)
        assert sheet["question"]["text"] == NUMBER["text"] and "correct" not in str(sheet)
        for _ in range(3):
            answer = {"activity_id": quiz, "question_id": "q1", "options": ["o1"]}
            answers = await asyncio.gather(*(first.call("answer", answer) for _ in range(3)))
            assert all(one["ok"] for one in answers)
        assert await first.refused("answer", activity_id=quiz, question_id="q1", options=["o2"]) == "already_answered"
        await second.done("answer", activity_id=quiz, question_id="q1", options=["o2"])
        assert await hub.database["quiz_answers"].count_documents({"activity_id": quiz}) == 2
        for options, code in ((["o9"], "no_such_option"), ([], "too_few_options"), (["o1", "o2"], "too_many_options")):
            assert await third.refused("answer", activity_id=quiz, question_id="q1", options=options) == code
        for question, code in (("q2", "question_not_asked"), ("q9", "no_such_question")):
            assert await third.refused("answer", activity_id=quiz, question_id=question, options=["o1"]) == code
        refused = await hub.admin("POST", f"{API}/activities/{quiz}/ask", {})
        assert (refused.status, refused.json["code"]) == (409, "question_running")
        assert (await mine(hub, event, second, quiz))["answers"]["q1"].keys() == {"options", "seconds"}
        live = await results(hub, quiz)
        assert live["questions"][0]["answered"] == 2 and live["questions"][0]["options"][0]["count"] is None
        await command(hub, quiz, "close")
        final = await command(hub, quiz, "settle")
        assert [(row["rank"], row["score"]) for row in final["facts"]["leaderboard"]] == [(1, 1000), (2, 0)]
        assert (await mine(hub, event, first, quiz))["rank"] == 1
    shown = await question_state(hub, event, quiz, "revealed")
    assert [(option["correct"], option["count"]) for option in shown["options"]] == [(True, 1), (False, 1), (False, 0)]
    board = await hub.admin.ok("GET", f"{API}/activities/{quiz}/leaderboard?limit=1")
    assert [row["score"] for row in board["items"]] == [1000]


async def test_nothing_of_a_question_stands_in_the_snapshot_before_everybody_is_through(hub: InProcessHub) -> None:
    event = await live_event(hub)
    quiz = await opened(hub, event, {**NUMBER, "seconds": LONG})
    async with phones(hub, event, 1) as [here]:
        await watching(here, event, 2.0)
        await command(hub, quiz, "ask")
        await question_state(hub, event, quiz, "held")
        early = await here.call("answer", {"activity_id": quiz, "question_id": "q1", "options": ["o1"]})
        view = await snapshot(hub, event, quiz)
        assert str(NUMBER["text"]) not in str(view) and "correct" not in str(view) and view["leaderboard"] == []
        assert early["ok"] or early["error"]["code"] == "not_released"
        sheet = await asked(here, quiz)
        assert from_rfc3339(sheet["released_at"]) - from_rfc3339(sheet["asked_at"]) >= 2.0
        view = (await snapshot(hub, event, quiz))["question"]
        assert view["state"] in ("held", "released") and "text" not in view
        out_of_time(hub, quiz)
        shown = await question_state(hub, event, quiz, "revealed")
        assert shown["text"] == NUMBER["text"]
        assert all(str(NUMBER["text"]) not in str(item) for item in here.items if item.get("question", {}) and (
            item["question"]["state"] != "revealed"
        ))  # fmt: skip


async def test_each_viewer_gets_it_by_the_own_delay_and_latecomers_from_the_next(hub: InProcessHub) -> None:
    event = await live_event(hub)
    quiz = await opened(hub, event, {**NUMBER, "seconds": LONG}, {**NUMBER, "seconds": LONG})
    async with phones(hub, event, 3) as [near, far, silent]:
        await watching(near, event, 1.0)
        await watching(far, event, 25.0)
        await command(hub, quiz, "ask")
        async with phone(hub, event["id"], "late") as late:
            code = await late.refused("answer", activity_id=quiz, question_id="q1", options=["o1"])
            assert code == "from_next_question"
            assert (await mine(hub, event, late, quiz))["late"] is True
            soon = [await asked(here, quiz) for here in (near, silent)]
            assert soon[0]["released_at"] == soon[1]["released_at"]  # one who says nothing: the middle of the others
            assert from_rfc3339(soon[0]["released_at"]) - from_rfc3339(soon[0]["asked_at"]) >= 0.99
            assert not sheets(far, quiz) and "question" not in await mine(hub, event, far, quiz)
            assert await far.refused("answer", activity_id=quiz, question_id="q1", options=["o1"]) == "not_released"
            assert (await question_state(hub, event, quiz, "held"))["id"] == "q1"
            running_of(hub, quiz).asked_at -= 30.0  # the far picture is there
            await asked(far, quiz)
            await far.done("answer", activity_id=quiz, question_id="q1", options=["o1"])
            await question_state(hub, event, quiz, "released")
            assert len(sheets(near, quiz)) == 1 and not sheets(late, quiz)


async def test_a_quiz_for_prizes_takes_one_protocol(hub: InProcessHub) -> None:
    event = await live_event(hub)
    quiz = await opened(hub, event, {**NUMBER, "seconds": LONG}, protocol="whep")
    async with phones(hub, event, 2) as [hls, whep]:
        await watching(hls, event, 0.0)
        await watching(whep, event, 0.0, "whep")
        await command(hub, quiz, "ask")
        await asked(hls, quiz)
        await asked(whep, quiz)
        assert await hls.refused("answer", activity_id=quiz, question_id="q1", options=["o1"]) == "wrong_protocol"
        await whep.done("answer", activity_id=quiz, question_id="q1", options=["o1"])


async def test_an_elimination_puts_out_and_lets_in_again(hub: InProcessHub) -> None:
    event = await live_event(hub)
    quiz = await opened(hub, event, *({**NUMBER, "seconds": LONG} for _ in range(3)), mode="elimination")
    async with phones(hub, event, 2) as [knows, guesses]:
        await command(hub, quiz, "ask")
        for here, option in ((knows, "o1"), (guesses, "o2")):
            await asked(here, quiz)
            await here.done("answer", activity_id=quiz, question_id="q1", options=[option])
        out_of_time(hub, quiz)
        await revealed(hub, quiz, "q1")
        assert (await mine(hub, event, guesses, quiz))["out"] is True
        assert (await results(hub, quiz))["alive"] == 1
        await command(hub, quiz, "ask")
        await asked(guesses, quiz, 2)
        assert await guesses.refused("answer", activity_id=quiz, question_id="q2", options=["o1"]) == "eliminated"
        await knows.done("answer", activity_id=quiz, question_id="q2", options=["o1"])
        out_of_time(hub, quiz)

        async def free() -> bool:
            return (await hub.admin("POST", f"{API}/activities/{quiz}/revive")).status == 200

        await eventually_async(free, 60.0)
        await command(hub, quiz, "ask", {"question_id": "q3"})
        await asked(guesses, quiz, 3)
        await guesses.done("answer", activity_id=quiz, question_id="q3", options=["o1"])


async def test_a_restart_in_mid_question_goes_on(hub: InProcessHub) -> None:
    event = await live_event(hub)
    quiz = await opened(hub, event, {**NUMBER, "seconds": LONG}, {**NUMBER, "seconds": LONG})
    activities: Activities = hub.running.activities
    async with phones(hub, event, 2) as [first, second]:
        await command(hub, quiz, "ask")
        await asked(first, quiz)
        await first.done("answer", activity_id=quiz, question_id="q1", options=["o1"])
        out_of_time(hub, quiz)
        await revealed(hub, quiz, "q1")
        await command(hub, quiz, "ask")
        await asked(first, quiz, 2)
        await first.done("answer", activity_id=quiz, question_id="q2", options=["o1"])
        before = (await results(hub, quiz))["leaderboard"], (await mine(hub, event, first, quiz))["score"]
        activities.forget(event["id"])  # what another process starts from: the database alone
        after = (await results(hub, quiz))["leaderboard"], (await mine(hub, event, first, quiz))["score"]
        assert after == before
        again = await first.done("answer", activity_id=quiz, question_id="q2", options=["o1"])
        assert again["repeated"] is True
        await second.done("answer", activity_id=quiz, question_id="q2", options=["o2"])
        await command(hub, quiz, "close")
        await command(hub, quiz, "settle")
        settled = await results(hub, quiz)
        places = [(await mine(hub, event, here, quiz))["rank"] for here in (first, second)]
        activities.forget(event["id"])
        assert await results(hub, quiz) == settled
        assert [(await mine(hub, event, here, quiz))["rank"] for here in (first, second)] == places == [1, 2]


async def test_an_old_snapshot_and_the_items_behind_it_give_the_new_one(hub: InProcessHub) -> None:
    event = await live_event(hub)
    async with phones(hub, event, 1) as [here]:
        quiz = await opened(hub, event, {**NUMBER, "seconds": LONG}, {**DUTIES, "seconds": LONG})

        async def agrees() -> bool:
            room = await hub.stranger().ok("GET", f"{API}/events/{event['id']}/snapshot")
            folded = {view["id"]: view for view in here.snapshots[0]["activities"]} if here.snapshots else {}
            for item in here.items:
                if item["type"] == "activity":
                    folded[item["id"]] = {name: value for name, value in item.items() if name != "type"}
            return bool(folded) and list(folded.values()) == room["activities"]

        await eventually_async(agrees, 60.0)
        await command(hub, quiz, "ask")
        await asked(here, quiz)
        await here.done("answer", activity_id=quiz, question_id="q1", options=["o1"])
        await eventually_async(agrees, 60.0)
        out_of_time(hub, quiz)
        await revealed(hub, quiz, "q1")
        await eventually_async(agrees, 60.0)
        for name in ("ask", "close", "settle"):
            await command(hub, quiz, name)
            await eventually_async(agrees, 60.0)


async def test_an_answer_behind_the_own_time_is_too_late_and_a_closed_quiz_says_so(hub: InProcessHub) -> None:
    event = await live_event(hub)
    quiz = await opened(hub, event, {**NUMBER, "seconds": LONG})
    async with phones(hub, event, 1) as [here]:
        await command(hub, quiz, "ask")
        await asked(here, quiz)
        running = running_of(hub, quiz)
        running.released = {step: at - LONG - 60 for step, at in running.released.items()}
        answer = {"activity_id": quiz, "question_id": "q1", "options": ["o1"]}
        assert await here.refused("answer", **answer) == "too_late"
        await command(hub, quiz, "close")
        assert await here.refused("answer", **answer) == "activity_closed"
        refused = await hub.admin("POST", f"{API}/activities/{quiz}/ask", {})
        assert (refused.status, refused.json["code"]) == (409, "activity_state")
        vote = {"kind": "vote", "title": "x", "options": [{"text": "a"}, {"text": "b"}]}
        other = await hub.admin.ok("POST", f"{API}/events/{event['id']}/activities", vote)
        assert (await hub.admin("POST", f"{API}/activities/{other['id']}/ask", {})).json["code"] == "wrong_kind"


async def test_opening_asks_the_first_question_unless_told_otherwise(hub: InProcessHub) -> None:
    event = await live_event(hub)
    async with phones(hub, event, 1) as [here]:
        quiz = await opened(hub, event, {**NUMBER, "seconds": LONG}, begin="at_open")
        await asked(here, quiz)
        await here.done("answer", activity_id=quiz, question_id="q1", options=["o1"])


@pytest.mark.parametrize(
    "question",
    [
        {**NUMBER, "options": [{"text": "119"}, {"text": "120"}]},
        {**DUTIES, "multiple": False},
        {**NUMBER, "seconds": 1},
        {**NUMBER, "points": -1},
        {**NUMBER, "options": NUMBER["options"][:1]},
    ],
)
async def test_a_bad_question_is_refused_with_what_is_wrong(hub: InProcessHub, question: dict[str, Any]) -> None:
    event = await hub.event(hub.admin)
    body = {"kind": "quiz", "title": "x", "questions": [question]}
    answer = await hub.admin("POST", f"{API}/events/{event['id']}/activities", body)
    assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert answer.json["errors"][0]["msg"]
