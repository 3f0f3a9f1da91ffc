"""Lotteries from the desk to the phones, over the API and real sockets; each transcript is computed again."""

from __future__ import annotations

import io
import json
from contextlib import AsyncExitStack
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from tests.support.hub import Caller, InProcessHub
from tests.support.room import Phone, phone
from tests.support.waiting import eventually_async
from tests.web.activities.test_votes import API, act, live_event, results, snapshot
from web.cli.verify_draw import problems

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

PUBLISHED = {"organiser": "县融媒体中心", "contact": "0571-12345", "claim_way": "凭手机号领取", "claim_days": 7}
OF_VALUE = {**PUBLISHED, "outside": "witness", "outside_source": "现场观众报数"}


async def prepared(hub: InProcessHub, event: dict[str, Any], **fields: object) -> dict[str, Any]:
    body = {"kind": "lottery", "title": "摇奖", "pool": "enter", "prizes": [{"name": "雨伞"}], **fields}
    made: dict[str, Any] = await hub.admin.ok("POST", f"{API}/events/{event['id']}/activities", body)
    return made


async def transcript(hub: InProcessHub, lottery: dict[str, Any]) -> str:
    answer = await hub.stranger()("GET", f"{API}/activities/{lottery['id']}/transcript")
    assert answer.status == 200
    return str(answer.body.decode())


async def refused(hub: InProcessHub, lottery: dict[str, Any], command: str, body: object = None) -> str:
    answer = await hub.admin("POST", f"{API}/activities/{lottery['id']}/{command}", body)
    assert answer.status == 409
    return str(json.loads(answer.body)["code"])


def as_phone(hub: InProcessHub, one: Phone) -> Caller:
    caller = hub.stranger()
    caller.token = one.token
    return caller


async def mine_of(hub: InProcessHub, one: Phone, lottery: dict[str, Any]) -> dict[str, Any]:
    me = await as_phone(hub, one).ok("GET", f"{API}/events/{lottery['event_id']}/me")
    found: dict[str, Any] = me["activities"][lottery["id"]]
    return found


async def claimed(hub: InProcessHub, one: Phone, lottery: dict[str, Any], claim: dict[str, str]) -> int:
    return (await as_phone(hub, one)("POST", f"{API}/activities/{lottery['id']}/claim", claim)).status


async def test_from_entering_to_a_claim_and_a_reserve(hub: InProcessHub) -> None:
    event = await live_event(hub)
    prizes = [{"name": "电饭煲", "value": 60_000, "reserves": 2}]
    lottery = await prepared(hub, event, prizes=prizes, **OF_VALUE)
    await act(hub, lottery, "open")
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(phone(hub, event["id"], f"d{n}")) for n in range(4)]
        tickets = {}
        for one in phones[:3]:
            done = await one.call("enter", {"activity_id": lottery["id"]})
            assert done["ok"] and done == await one.call("enter", {"activity_id": lottery["id"]})
            tickets[done["ticket"]] = one
        before = await snapshot(hub, event, lottery)
        assert "seed" not in json.dumps(await hub.admin.ok("GET", f"{API}/activities/{lottery['id']}")).replace(
            "seed_commitment", ""
        )
        assert await refused(hub, lottery, "settle", {"outside": "1"}) == "activity_state"
        closed = await act(hub, lottery, "close")
        assert closed["facts"]["pool_size"] == 3
        assert await refused(hub, lottery, "settle", {}) == "outside_missing"
        settled = await act(hub, lottery, "settle", {"outside": "3 7 9", "winner": phones[0].viewer_id})
        text = await transcript(hub, lottery)
        assert problems(text) == []
        content = json.loads(text)
        assert content["outside"]["value"] == "3 7 9"
        assert content["commitments"]["seed"] == before["seed_commitment"]
        assert content["commitments"]["pool"] == closed["facts"]["pool_commitment"]
        assert sorted(tickets) == content["pool"]
        assert not any(one.viewer_id in text for one in phones)
        winner = tickets[content["winners"][0]["line"]]
        assert settled["facts"]["winners"][0]["tail"] == content["winners"][0]["line"][-6:]

        mine = await mine_of(hub, winner, lottery)
        [won] = mine["won"]
        assert (mine["why"], won["status"]) == ("in", "won")
        assert (await mine_of(hub, phones[3], lottery))["why"] == "not_in_pool"
        claim = {"winner_id": won["id"], "name": "张三丰", "phone": "13800001234"}
        assert await claimed(hub, winner, lottery, claim) == 200
        assert await claimed(hub, phones[3], lottery, claim) == 409
        crew = await results(hub, lottery)
        assert crew["winners"][0]["claim"]["phone"] == "13800001234"
        public = json.dumps(await snapshot(hub, event, lottery))
        assert "13800001234" not in public and "张三丰" not in public

        # forfeited by hand: the first reserve moves up and may claim
        second = tickets[content["winners"][1]["line"]]
        path = f"winners/{won['id']}/forfeit"
        await act(hub, lottery, path, {"reason": "资料不实"})
        [moved] = (await mine_of(hub, second, lottery))["won"]
        assert moved["status"] == "won" and moved["deadline"]
        assert await refused(hub, lottery, path, {"reason": "再来一次"}) == "no_such_prize"

        # forfeited by time: the last reserve
        await hub.database["lottery_winners"].update_one({"_id": moved["id"]}, {"$set": {"deadline": 1.0}})
        third = tickets[content["winners"][2]["line"]]

        async def moved_up() -> bool:
            return bool((await mine_of(hub, third, lottery))["won"][0]["status"] == "won")

        await eventually_async(moved_up, 30.0)
        assert problems(await transcript(hub, lottery)) == []
    await act(hub, lottery, "void", {"reason": "测试作废"})
    assert {one["status"] for one in (await results(hub, lottery))["winners"]} <= {"void", "forfeited"}


async def test_what_the_law_and_fairness_ask_is_asked_at_the_opening(hub: InProcessHub) -> None:
    event = await live_event(hub)
    worth = [{"name": "手机", "value": 300_000}]
    for lacking, code in [
        ("organiser", "missing_organiser"),
        ("contact", "missing_contact"),
        ("claim_way", "missing_claim_way"),
        ("claim_days", "missing_claim_days"),
        ("outside", "outside_mandatory"),
        ("outside_source", "missing_outside_source"),
    ]:
        fields = {name: value for name, value in OF_VALUE.items() if name != lacking}
        assert await refused(hub, await prepared(hub, event, prizes=worth, **fields), "open") == code
    assert await refused(hub, await prepared(hub, event, pool="import", **OF_VALUE), "open") == "no_list"
    assert await refused(hub, await prepared(hub, event, pool="import"), "open") == "outside_mandatory"
    body = {"kind": "lottery", "title": "车", "pool": "enter", "prizes": [{"name": "车", "value": 5_000_001}]}
    assert (await hub.admin("POST", f"{API}/events/{event['id']}/activities", body)).status == 422


async def test_a_list_is_taken_whole_or_not_at_all(hub: InProcessHub) -> None:
    event = await live_event(hub)
    lottery = await prepared(hub, event, pool="import", prizes=[{"name": "奖", "count": 2}], **OF_VALUE)
    path = f"{API}/activities/{lottery['id']}/pool"
    good = "发票号码,姓名,手机号,金额,日期\n001,张三,13800001234,100.50,2026-11-02\n"
    good += "002,张三,13800001234,9,20261103\n003,李四,,,\n"
    bad = await hub.admin.ok("POST", path, data=(good + "003,王五,,,\n004,赵六,,十元,\n").encode())
    assert [(one["line"], one["code"]) for one in bad["problems"]] == [(5, "duplicate"), (6, "bad_amount")]
    assert bad["imported"] == 0 and await refused(hub, lottery, "open") == "no_list"
    assert (await hub.admin.ok("POST", path, data=good.encode("gb18030")))["imported"] == 3
    book = Workbook()
    for row in csv_rows(good):
        book.worksheets[0].append(row)
    data = io.BytesIO()
    book.save(data)
    assert (await hub.admin.ok("POST", path, data=data.getvalue()))["imported"] == 3
    assert (await hub.admin("POST", path, data=b"PK\x03\x04 no book")).status == 409
    assert (await hub.admin("POST", path, data=b"\xff\x00\xff")).status == 409
    await act(hub, lottery, "open")
    assert (await hub.admin("POST", path, data=good.encode())).status == 409
    async with phone(hub, event["id"], "one") as one:
        found = await one.call("enter", {"activity_id": lottery["id"], "fields": {"number": "003"}})
        assert found["in"]
        missing = await one.call("enter", {"activity_id": lottery["id"], "fields": {"number": "999"}})
        assert missing["error"]["code"] == "not_in_list"
    await act(hub, lottery, "close")
    await act(hub, lottery, "settle", {"outside": "42"})
    text = await transcript(hub, lottery)
    assert problems(text) == [] and "1380000" not in text and "张三" not in text
    lines = [one["line"] for one in json.loads(text)["winners"]]
    assert len({line.partition("/")[2] for line in lines}) == 2, "two invoices of one holder win once"
    sheet = await hub.admin("GET", f"{API}/activities/{lottery['id']}/winners.xlsx")
    assert load_workbook(io.BytesIO(sheet.body)).worksheets[0].max_row == 3
    listed = await hub.admin("GET", f"{API}/activities/{lottery['id']}/winners.csv")
    assert "李四" in listed.body.decode("utf-8-sig")


def csv_rows(text: str) -> list[list[str]]:
    return [line.split(",") for line in text.strip().split("\n")]


async def test_pools_of_those_who_did_something(hub: InProcessHub) -> None:
    event = await live_event(hub)
    comment = await prepared(hub, event, pool={"source": "comment", "text": "加油"})
    await act(hub, comment, "open")
    async with phone(hub, event["id"], "one") as one, phone(hub, event["id"], "other") as other:
        assert (await one.call("comment", {"text": "加油", "client_id": "1"}))["ok"]
        assert (await other.call("comment", {"text": "你好", "client_id": "1"}))["ok"]
        assert (await mine_of(hub, other, comment))["why"] == "not_yet_comment"
        await act(hub, comment, "close")
        await act(hub, comment, "settle")
        content = json.loads(await transcript(hub, comment))
        mine = await mine_of(hub, one, comment)
        assert content["pool"] == [mine["ticket"]] == [content["winners"][0]["line"]]
        empty = await prepared(hub, event)
        await act(hub, empty, "open")
        await act(hub, empty, "close")
        assert await refused(hub, empty, "settle") == "empty_pool"
