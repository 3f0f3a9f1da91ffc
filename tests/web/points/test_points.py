"""Points from what viewers do to what they carry home: earned once, spent once, never below zero."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interaction.store.ledger import LedgerStore, issued_account, viewer_account
from tests.support.hub import InProcessHub
from tests.support.room import Phone, phone
from tests.support.waiting import eventually_async

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

API = "/api/v1"
RULES = {"checkin": 10, "comment": 2, "comments_a_day": 3, "anonymous": True}


async def live_event(hub: InProcessHub, **rules: object) -> tuple[str, dict[str, Any]]:
    """A center with its own rules for points, and an event of its that is live."""
    center = await hub.center("积分县")
    await hub.admin.ok("PUT", f"{API}/centers/{center}/points-rules", RULES | rules)
    may = {"anonymous_may": ["watch", "like", "comment"], "moderation": "post"}
    event = await hub.event(hub.admin, center_id=center, rules=may)
    await hub.admin.ok("POST", f"{API}/events/{event['id']}/start")
    return center, event


async def checkin(hub: InProcessHub, event: dict[str, Any]) -> str:
    """An open check-in."""
    body = {"kind": "checkin", "title": "现场签到"}
    activity = await hub.admin.ok("POST", f"{API}/events/{event['id']}/activities", body)
    await hub.admin.ok("POST", f"{API}/activities/{activity['id']}/open")
    return str(activity["id"])


async def item(hub: InProcessHub, center: str, **fields: object) -> str:
    body = {"name": "雨伞", "price": 10, "stock": 5, **fields}
    return str((await hub.admin.ok("POST", f"{API}/centers/{center}/mall/items", body))["id"])


async def mall(hub: InProcessHub, event: dict[str, Any], here: Phone) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {here.token}"}
    seen: dict[str, Any] = await hub.stranger().ok("GET", f"{API}/events/{event['id']}/mall", headers=headers)
    return seen


async def test_a_check_in_is_paid_once_however_often_it_is_tapped(hub: InProcessHub) -> None:
    _, event = await live_event(hub)
    activity = await checkin(hub, event)
    async with phone(hub, event["id"], "d1") as here:
        answers = await asyncio.gather(*(here.done("checkin", activity_id=activity) for _ in range(4)))
        assert sum("repeated" not in answer for answer in answers) == 1
        assert (await mall(hub, event, here))["balance"] == 10

        async def told() -> bool:
            return {"type": "points", "amount": 10, "reason": "checkin"} in here.personal

        await eventually_async(told, 20.0)
    assert (await hub.admin.ok("GET", f"{API}/activities/{activity}/results"))["total"] == 1


async def test_comments_are_paid_up_to_a_cap(hub: InProcessHub) -> None:
    _, event = await live_event(hub, comments_a_day=2)
    async with phone(hub, event["id"], "d1") as here:
        for number in range(3):
            await here.done("comment", text=f"第{number}句话 {number * 7}", client_id=f"c{number}")
        await here.call("comment", {"text": "第0句话 0", "client_id": "c0"})
        assert (await mall(hub, event, here))["balance"] == 4


async def test_a_device_earns_only_where_the_center_says_so(hub: InProcessHub) -> None:
    _, event = await live_event(hub, anonymous=False)
    activity = await checkin(hub, event)
    async with phone(hub, event["id"], "d1") as here:
        await here.done("checkin", activity_id=activity)
        assert (await mall(hub, event, here))["balance"] == 0


async def test_redeeming_takes_points_and_stock_together(hub: InProcessHub) -> None:
    center, event = await live_event(hub)
    activity, umbrella = await checkin(hub, event), await item(hub, center)
    async with phone(hub, event["id"], "d1") as here:
        assert await here.refused("redeem", item_id=umbrella, request_id="r1") == "not_enough_points"
        await here.done("checkin", activity_id=activity)
        same = await asyncio.gather(*(here.done("redeem", item_id=umbrella, request_id="r1") for _ in range(4)))
        assert len({answer["order"]["code"] for answer in same}) == 1
        assert await here.refused("redeem", item_id=umbrella, request_id="r2") == "not_enough_points"
        seen = await mall(hub, event, here)
        assert seen["balance"] == 0 and seen["items"][0]["stock"] == 4
        [order] = seen["orders"]
    handed = await hub.admin.ok("POST", f"{API}/mall/orders/{order['id']}/collect")
    assert handed["state"] == "collected"
    again = await hub.admin("POST", f"{API}/mall/orders/{order['id']}/cancel")
    assert (again.status, again.json["code"]) == (409, "order_done")


async def test_the_last_piece_goes_to_one_of_many(hub: InProcessHub) -> None:
    center, event = await live_event(hub)
    activity, last = await checkin(hub, event), await item(hub, center, stock=1)
    async with (
        phone(hub, event["id"], "d1") as one,
        phone(hub, event["id"], "d2") as two,
        phone(hub, event["id"], "d3") as three,
    ):
        phones = (one, two, three)
        for here in phones:
            await here.done("checkin", activity_id=activity)
        answers = await asyncio.gather(*(here.call("redeem", {"item_id": last, "request_id": "r"}) for here in phones))
        assert sorted(answer.get("ok", False) for answer in answers) == [False, False, True]
        assert {answer["error"]["code"] for answer in answers if not answer["ok"]} == {"sold_out"}
        balances = sorted([(await mall(hub, event, here))["balance"] for here in phones])
        assert balances == [0, 10, 10]


async def test_two_orders_at_once_never_spend_the_same_points(hub: InProcessHub) -> None:
    center, event = await live_event(hub)
    activity, umbrella = await checkin(hub, event), await item(hub, center, stock=100)
    async with phone(hub, event["id"], "d1") as here:
        await here.done("checkin", activity_id=activity)
        requests = [{"item_id": umbrella, "request_id": f"r{number}"} for number in range(6)]
        answers = await asyncio.gather(*(here.call("redeem", request) for request in requests))
        assert sum(answer["ok"] for answer in answers) == 1
        assert (await mall(hub, event, here))["balance"] == 0


async def test_a_cancelled_order_gives_points_and_stock_back(hub: InProcessHub) -> None:
    center, event = await live_event(hub)
    activity, umbrella = await checkin(hub, event), await item(hub, center)
    async with phone(hub, event["id"], "d1") as here:
        await here.done("checkin", activity_id=activity)
        order = (await here.done("redeem", item_id=umbrella, request_id="r1"))["order"]
        await hub.admin.ok("POST", f"{API}/mall/orders/{order['id']}/cancel")
        seen = await mall(hub, event, here)
        assert seen["balance"] == 10 and seen["items"][0]["stock"] == 5
        assert seen["orders"][0]["state"] == "cancelled"
        account = viewer_account(center, here.viewer_id)
    sums = await LedgerStore(hub.database).sums()
    assert sum(sums.values()) == 0
    assert sums[issued_account(center)] == -10 and sums[account] == 10


@pytest.mark.parametrize(
    "sent",
    [{}, {"item_id": "x"}, {"item_id": 5, "request_id": "r"}, {"item_id": "x", "request_id": "r" * 65}, "x", None],
)
async def test_broken_orders_are_refused(hub: InProcessHub, sent: object) -> None:
    _, event = await live_event(hub)
    async with phone(hub, event["id"], "d1") as here:
        answer = await here.call("redeem", sent)
    assert answer["error"]["code"] == "invalid"
