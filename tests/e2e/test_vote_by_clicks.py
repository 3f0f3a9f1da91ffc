"""A vote by clicking alone: prepared and opened at the desk, cast with a thumb, seen in the hall, counted again."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.test_console import confirm, signed_in
from tests.e2e.test_room_on_phones import EVERYBODY, live_event, opened
from tests.support.hub_process import HubProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

SLOW = 30_000
"""Milliseconds: two busy cores are no phone's fault."""


async def test_from_the_desk_to_the_hall(hub: HubProcess, browser: Browser) -> None:
    rules = EVERYBODY | {"anonymous_may": [*EVERYBODY["anonymous_may"], "vote"]}
    event = await live_event(hub, rules=rules)
    desk = await signed_in(hub, browser, f"event/{event['id']}/activities")
    await desk.get_by_role("button", name="投票", exact=True).click()
    await desk.get_by_label("标题").fill("最喜欢的花灯")
    await desk.get_by_label("选项 1").fill("鲤鱼灯")
    await desk.get_by_label("选项 2").fill("走马灯")
    await desk.get_by_role("button", name="保存", exact=True).click()
    card = desk.get_by_role("article").filter(has_text="最喜欢的花灯")
    phone = await opened(hub, browser, event)
    await expect(phone.get_by_label("说点什么…")).to_be_visible(timeout=SLOW)

    await card.get_by_role("button", name="开启", exact=True).click()
    await confirm(desk, "开启")
    sheet = phone.get_by_role("dialog", name="最喜欢的花灯")
    await sheet.get_by_role("radio", name="走马灯").click(timeout=SLOW)
    await sheet.get_by_role("button", name="投票", exact=True).click()
    await expect(sheet.get_by_text("已投票")).to_be_visible(timeout=SLOW)
    await expect(sheet.get_by_text("共 1 票")).to_be_visible(timeout=SLOW)

    hall = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    await hall.goto(f"{hub.url}/screen/{event['id']}")
    await expect(hall.get_by_text("共 1 票")).to_be_visible(timeout=SLOW)

    await expect(card.get_by_text("有效票 1")).to_be_visible(timeout=SLOW)
    await card.get_by_role("button", name="截止", exact=True).click()
    await confirm(desk, "截止")
    await card.get_by_role("button", name="重新计票").click(timeout=SLOW)
    await expect(card.get_by_text("重新计票一致")).to_be_visible(timeout=SLOW)
    await card.get_by_role("button", name="结算", exact=True).click(timeout=SLOW)
    await confirm(desk, "结算")
    await expect(card.get_by_text("已公布")).to_be_visible(timeout=SLOW)
    await sheet.get_by_role("button", name="收起").click()
    await expect(phone.get_by_role("navigation", name="互动").get_by_text("查看")).to_be_visible(timeout=SLOW)
