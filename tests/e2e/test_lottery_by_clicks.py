"""A draw by clicking alone: prepared with a prize of value, entered with a thumb, drawn before witnesses, verified."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.test_console import confirm, signed_in
from tests.e2e.test_room_on_phones import EVERYBODY, live_event, opened
from tests.support.hub_process import HubProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

SLOW = 30_000
"""Milliseconds: two busy cores are no phone's fault."""


async def test_from_opening_to_a_verified_transcript(hub: HubProcess, browser: Browser) -> None:
    rules = EVERYBODY | {"anonymous_may": [*EVERYBODY["anonymous_may"], "enter"]}
    event = await live_event(hub, rules=rules)
    desk = await signed_in(hub, browser, f"event/{event['id']}/activities")
    await desk.get_by_role("button", name="抽奖", exact=True).click()
    await desk.get_by_label("标题").fill("消费券摇奖")
    await desk.get_by_label("奖品 1").fill("电饭煲")
    await desk.get_by_label("单价（元）").fill("600")
    await desk.get_by_text("不使用（无价值奖品）").click()
    await desk.get_by_text("现场见证（先封存奖池，再当众报数）").click()
    await desk.get_by_label("随机值从哪里来（开启前公布）").fill("现场观众报数")
    await desk.get_by_label("主办单位").fill("县融媒体中心")
    await desk.get_by_label("联系方式").fill("0571-12345")
    await desk.get_by_label("兑奖方式").fill("凭手机号领取")
    await desk.get_by_role("button", name="保存", exact=True).click()
    card = desk.get_by_role("article").filter(has_text="消费券摇奖")
    phone = await opened(hub, browser, event)
    await phone.set_viewport_size({"width": 360, "height": 640})
    await expect(phone.get_by_label("说点什么…")).to_be_visible(timeout=SLOW)

    await card.get_by_role("button", name="开启", exact=True).click()
    await confirm(desk, "开启")
    sheet = phone.get_by_role("dialog", name="消费券摇奖")
    await sheet.get_by_role("button", name="我要参加").click(timeout=SLOW)
    await expect(sheet.get_by_text("您在奖池中。")).to_be_visible(timeout=SLOW)

    await card.get_by_role("button", name="截止", exact=True).click()
    await confirm(desk, "截止")
    await card.get_by_label("外部随机值（当众读出后填写）").fill("3 7 9", timeout=SLOW)
    await card.get_by_role("button", name="结算", exact=True).click()
    await confirm(desk, "结算")
    await expect(card.get_by_text("待兑奖")).to_be_visible(timeout=SLOW)

    await expect(sheet.get_by_text("恭喜您中奖：电饭煲！")).to_be_visible(timeout=SLOW)
    assert await phone.evaluate("document.documentElement.scrollWidth") <= 360
    await sheet.get_by_label("姓名", exact=True).fill("张三丰")
    await sheet.get_by_label("手机号", exact=True).fill("13800001234")
    await sheet.get_by_role("button", name="登记兑奖").click()
    await expect(sheet.get_by_text("已登记，请等候联系。")).to_be_visible(timeout=SLOW)

    hall = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    await hall.goto(f"{hub.url}/screen/{event['id']}")
    await expect(hall.get_by_text("券号尾号")).to_be_visible(timeout=SLOW)
    async with phone.context.expect_page() as opening:
        await sheet.get_by_role("link", name="自己验证").click()
    check = await opening.value
    await expect(check.get_by_text("结果一致")).to_be_visible(timeout=SLOW)
    assert await check.evaluate("document.documentElement.scrollWidth") <= 360
