"""Votes from the crew's desk to the phones, over the API and real sockets."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from interaction.activities.engine import Activities
from tests.support.hub import Caller, InProcessHub
from tests.support.room import Phone, phone
from tests.support.waiting import eventually_async

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

API = "/api/v1"
OPEN_TO_ALL = {"anonymous_may": ["watch", "like", "comment", "vote", "answer", "enter"], "moderation": "post"}
LANTERNS = [{"text": "鲤鱼灯"}, {"text": "走马灯"}, {"text": "荷花灯"}]


async def live_event(hub: InProcessHub, **fields: object) -> dict[str, Any]:
    event = await hub.event(hub.admin, rules=OPEN_TO_ALL, **fields)
    await hub.admin.ok("POST", f"{API}/events/{event['id']}/start")
    return event


async def opened(hub: InProcessHub, event: dict[str, Any], **fields: object) -> dict[str, Any]:
    body = {"kind": "vote", "title": "最喜欢的花灯", "options": LANTERNS, **fields}
    vote: dict[str, Any] = await hub.admin.ok("POST", f"{API}/events/{event['id']}/activities", body)
    await hub.admin.ok("POST", f"{API}/activities/{vote['id']}/open")
    return vote


async def act(hub: InProcessHub, vote: dict[str, Any], command: str, body: object = None) -> dict[str, Any]:
    done: dict[str, Any] = await hub.admin.ok("POST", f"{API}/activities/{vote['id']}/{command}", body)
    return done


async def results(hub: InProcessHub, vote: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = await hub.admin.ok("GET", f"{API}/activities/{vote['id']}/results")
    return found


async def snapshot(hub: InProcessHub, event: dict[str, Any], vote: dict[str, Any]) -> dict[str, Any]:
    """The vote as a newcomer sees it: there with the batch behind its opening."""
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        room = await hub.stranger().ok("GET", f"{API}/events/{event['id']}/snapshot")
        found[:] = [view for view in room["activities"] if view["id"] == vote["id"]]
        return bool(found)

    await eventually_async(there, 20.0)
    return found[0]


async def test_a_ballot_is_counted_once_whatever_the_phone_repeats(hub: InProcessHub) -> None:
    event = await live_event(hub)
    vote = await opened(hub, event)
    assert [option["id"] for option in vote["options"]] == ["o1", "o2", "o3"]
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(phone(hub, event["id"], f"d{n}")) for n in range(5)]
        for here in phones:
            ballot = {"activity_id": vote["id"], "options": ["o2"]}
            answers = await asyncio.gather(*(here.call("vote", ballot) for _ in range(3)))
            assert all(answer["ok"] for answer in answers)
        assert await phones[0].refused("vote", activity_id=vote["id"], options=["o1"]) == "already_voted"

        async def told() -> bool:
            tallies = [item for item in phones[1].items if item["type"] == "tally"]
            return bool(tallies) and tallies[-1]["total"] == 5

        await eventually_async(told, 20.0)
    counted = await results(hub, vote)
    assert counted["total"] == 5 and [option["count"] for option in counted["options"]] == [0, 5, 0]
    assert await hub.database["ballots"].count_documents({"activity_id": vote["id"]}) == 5
    assert (await snapshot(hub, event, vote))["tally"]["total"] == 5
    assert (await hub.admin.ok("POST", f"{API}/activities/{vote['id']}/recount"))["agrees"] is True


async def test_a_recount_finds_a_ballot_that_was_put_in_behind_our_back(hub: InProcessHub) -> None:
    event = await live_event(hub)
    vote = await opened(hub, event)
    async with phone(hub, event["id"], "d1") as here:
        await here.done("vote", activity_id=vote["id"], options=["o1"])
    ballot = await hub.database["ballots"].find_one({"activity_id": vote["id"]})
    assert ballot is not None
    await hub.database["ballots"].insert_one({**ballot, "_id": "forged", "viewer_id": "nobody"})
    counted = await hub.admin.ok("POST", f"{API}/activities/{vote['id']}/recount")
    assert counted["agrees"] is False
    assert counted["counted"]["total"] == 2 and counted["shown"]["total"] == 1


async def test_what_a_ballot_may_hold(hub: InProcessHub) -> None:
    event = await live_event(hub)
    vote = await opened(hub, event, min=1, max=2)
    async with phone(hub, event["id"], "d1") as here:
        for options, code in (([], "too_few_options"), (["o1", "o2", "o3"], "too_many_options")):
            assert await here.refused("vote", activity_id=vote["id"], options=options) == code
        for options in (["o9"], ["o1", "o1"]):
            assert await here.refused("vote", activity_id=vote["id"], options=options) == "no_such_option"
        for broken in ({"options": ["o1"]}, {"activity_id": vote["id"]}, {"activity_id": vote["id"], "options": "o1"}):
            assert (await here.call("vote", broken))["error"]["code"] == "invalid"
        assert await here.refused("answer", activity_id=vote["id"], question_id="q", options=["o1"]) == "wrong_kind"
        assert await here.refused("vote", activity_id="nowhere", options=["o1"]) == "no_such_activity"
        await here.done("vote", activity_id=vote["id"], options=["o3", "o1"])
    assert [option["count"] for option in (await results(hub, vote))["options"]] == [1, 0, 1]


async def test_a_choice_may_be_changed_where_the_vote_says_so(hub: InProcessHub) -> None:
    event = await live_event(hub)
    vote = await opened(hub, event, change=True)
    async with phone(hub, event["id"], "d1") as here:
        await here.done("vote", activity_id=vote["id"], options=["o1"])
        assert (await here.done("vote", activity_id=vote["id"], options=["o2"]))["changed"] is True
        assert (await here.done("vote", activity_id=vote["id"], options=["o2"]))["repeated"] is True
    counted = await results(hub, vote)
    assert counted["total"] == 1 and [option["count"] for option in counted["options"]] == [0, 1, 0]


async def test_several_ballots_a_day(hub: InProcessHub) -> None:
    event = await live_event(hub)
    vote = await opened(hub, event, per="day", times=3)
    async with phone(hub, event["id"], "d1") as here:
        for number in range(3):
            ballot = {"activity_id": vote["id"], "options": ["o1"], "client_id": f"c{number}"}
            assert (await here.done("vote", **ballot))["left"] == 2 - number
            assert (await here.done("vote", **ballot))["repeated"] is True
        assert await here.refused("vote", activity_id=vote["id"], options=["o1"], client_id="c4") == "no_votes_left"
    assert (await results(hub, vote))["total"] == 3


@pytest.mark.parametrize(
    ("show", "before", "voter", "after"),
    [("live", True, True, True), ("after_vote", False, True, True), ("at_end", False, False, True),
     ("never", False, False, False)],
)  # fmt: skip
async def test_who_sees_the_counts_and_when(
    hub: InProcessHub, show: str, before: bool, voter: bool, after: bool
) -> None:
    event = await live_event(hub)
    vote = await opened(hub, event, show=show)
    async with phone(hub, event["id"], "d1") as here:
        answer = await here.done("vote", activity_id=vote["id"], options=["o1"])
        assert ("tally" in answer) is voter
        assert ("tally" in await snapshot(hub, event, vote)) is before
        await act(hub, vote, "close")

        async def closed() -> bool:
            return bool((await snapshot(hub, event, vote))["state"] == "closed")

        await eventually_async(closed, 20.0)
        assert ("tally" in await snapshot(hub, event, vote)) is after
        assert await here.refused("vote", activity_id=vote["id"], options=["o1"]) == "activity_closed"
        mine = await hub.stranger().ok(
            "GET", f"{API}/events/{event['id']}/me", headers={"Authorization": f"Bearer {here.token}"}
        )
        assert mine["activities"][vote["id"]]["ballots"] == [["o1"]]


async def test_suspicious_ballots_are_held_aside_and_counted_all_or_none(
    hub: InProcessHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interaction.activities.vote.suspicion.FRESH_SECONDS", 3600.0)  # however slow the machine is
    event = await live_event(hub)
    vote = await opened(hub, event, hold_suspicious=True)
    async with phone(hub, event["id"], "fresh") as here:  # joined and voted at once, as no thumb does
        await here.done("vote", activity_id=vote["id"], options=["o1"])
    counted = await results(hub, vote)
    assert (counted["total"], counted["held"]) == (0, 1) and counted["suspicions"]["fresh"] == 1
    await act(hub, vote, "close")
    assert (await act(hub, vote, "settle", {"count_held": True}))["facts"]["tally"]["total"] == 1
    assert (await results(hub, vote))["held"] == 0


async def test_a_vote_lives_through_a_restart(hub: InProcessHub) -> None:
    event = await live_event(hub)
    vote = await opened(hub, event, per="day", times=2)
    async with phone(hub, event["id"], "d1") as here:
        await here.done("vote", activity_id=vote["id"], options=["o1"], client_id="c1")
        before = await results(hub, vote)
        activities: Activities = hub.running.activities
        activities.forget(event["id"])  # what another process starts from: the database alone
        assert await results(hub, vote) == before
        await here.done("vote", activity_id=vote["id"], options=["o2"], client_id="c2")
        assert await here.refused("vote", activity_id=vote["id"], options=["o2"], client_id="c3") == "no_votes_left"


async def test_the_life_of_a_vote(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin, rules=OPEN_TO_ALL)
    body = {"kind": "vote", "title": "最喜欢的花灯", "options": LANTERNS}
    vote = await hub.admin.ok("POST", f"{API}/events/{event['id']}/activities", body)
    refused = await hub.admin("POST", f"{API}/activities/{vote['id']}/open")
    assert (refused.status, refused.json["code"]) == (409, "event_not_live")
    edited = await hub.admin.ok("PATCH", f"{API}/activities/{vote['id']}", {**body, "title": "改名"})
    assert edited["title"] == "改名"
    await hub.admin.ok("POST", f"{API}/events/{event['id']}/start")
    assert (await act(hub, vote, "open"))["state"] == "open"
    assert (await act(hub, vote, "open"))["state"] == "open"  # twice is once
    for method, path in (("PATCH", ""), ("POST", "/settle")):
        answer = await hub.admin(method, f"{API}/activities/{vote['id']}{path}", body if method == "PATCH" else {})
        assert (answer.status, answer.json["code"]) == (409, "activity_state")
    assert (await hub.admin("DELETE", f"{API}/activities/{vote['id']}")).status == 409
    assert (await act(hub, vote, "void", {"reason": "选项写错了"}))["state"] == "void"

    async def voided() -> bool:
        return bool((await snapshot(hub, event, vote)).get("void_reason") == "选项写错了")

    await eventually_async(voided, 20.0)


async def test_a_vote_closes_by_time_and_with_its_event(hub: InProcessHub) -> None:
    event = await live_event(hub)
    by_time, by_event = await opened(hub, event, seconds=5), await opened(hub, event)

    async def closed() -> bool:
        view: dict[str, Any] = await hub.admin.ok("GET", f"{API}/activities/{by_time['id']}")
        return bool(view["state"] == "closed")

    await eventually_async(closed, 30.0)
    await hub.admin.ok("POST", f"{API}/events/{event['id']}/end")
    assert (await hub.admin.ok("GET", f"{API}/activities/{by_event['id']}"))["state"] == "closed"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "vote", "title": "", "options": LANTERNS},
        {"kind": "vote", "title": "x", "options": LANTERNS[:1]},
        {"kind": "vote", "title": "x", "options": LANTERNS, "max": 4},
        {"kind": "vote", "title": "x", "options": LANTERNS, "min": 2},
        {"kind": "vote", "title": "x", "options": LANTERNS, "change": True, "times": 2},
        {"kind": "no such kind", "title": "x"},
        {"title": "x"},
        {"kind": "vote", "title": "x", "options": LANTERNS, "winner": "o1"},
    ],
)
async def test_a_bad_draft_is_refused_with_what_is_wrong(hub: InProcessHub, body: dict[str, Any]) -> None:
    event = await hub.event(hub.admin)
    caller: Caller = hub.admin
    answer = await caller("POST", f"{API}/events/{event['id']}/activities", body)
    assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert answer.json["errors"][0]["msg"]


async def test_the_rules_of_the_event_say_who_votes(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    await hub.admin.ok("POST", f"{API}/events/{event['id']}/start")
    vote = await opened(hub, event)
    async with phone(hub, event["id"], "d1") as here:
        assert await here.refused("vote", activity_id=vote["id"], options=["o1"]) == "sign_in_to_vote"
        assert isinstance(here, Phone)
