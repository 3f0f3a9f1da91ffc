"""Points by clicking alone: rules and an item in the console, a check-in under a thumb, a code at the counter."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.test_console import confirm, signed_in
from tests.e2e.test_room_on_phones import EVERYBODY, live_event, opened
from tests.e2e.test_vote_by_clicks import SLOW
from tests.support.hub_process import HubProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]


async def test_from_a_check_in_to_the_counter(hub: HubProcess, browser: Browser) -> None:
    shop = await signed_in(hub, browser, "mall")
    await shop.get_by_label("签到", exact=True).fill("10")
    await shop.get_by_text("未登录的观众也累积").click()
    await shop.get_by_role("button", name="保存", exact=True).click()
    await shop.get_by_label("名称").fill("油纸伞")
    await shop.get_by_label("所需积分").fill("10")
    await shop.get_by_role("button", name="添加礼品").click()
    await expect(shop.get_by_text("油纸伞")).to_be_visible(timeout=SLOW)

    event = await live_event(hub, rules=EVERYBODY)
    desk = await signed_in(hub, browser, f"event/{event['id']}/activities")
    await desk.get_by_role("button", name="签到", exact=True).click()
    await desk.get_by_role("button", name="保存", exact=True).click()
    phone = await opened(hub, browser, event)
    await expect(phone.get_by_label("说点什么…")).to_be_visible(timeout=SLOW)
    await desk.get_by_role("article").get_by_role("button", name="开启", exact=True).click()
    await confirm(desk, "开启")

    await phone.get_by_role("dialog").get_by_role("button", name="签到", exact=True).click(timeout=SLOW)
    await expect(phone.get_by_text("签到成功")).to_be_visible(timeout=SLOW)
    await phone.get_by_role("button", name=re.compile("积分")).click()
    mall = phone.get_by_role("dialog", name="积分商城")
    await expect(mall.get_by_text("我的积分：10")).to_be_visible(timeout=SLOW)
    await mall.get_by_role("button", name="兑换", exact=True).click()
    await mall.get_by_role("button", name="确定兑换").click()
    code = (await mall.locator(".code strong").inner_text(timeout=SLOW)).strip()
    await expect(mall.get_by_text("我的积分：0")).to_be_visible(timeout=SLOW)

    row = shop.locator(".line").filter(has_text=code)
    await row.get_by_role("button", name="已交付").click(timeout=SLOW)
    await confirm(shop, "已交付")
    await expect(row.get_by_text("已领取")).to_be_visible(timeout=SLOW)
