"""The console as a crew uses it: sign in, make an event, see its feeds, take, cut, moderate, end."""

from __future__ import annotations

import asyncio
import re
from contextlib import ExitStack

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.hub_process import ADMIN_PASSWORD, HubProcess, encoder

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]


async def signed_in(hub: HubProcess, browser: Browser, path: str = "") -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    page = await context.new_page()
    await page.goto(f"{hub.url}/console/{path}")
    await page.locator("input[name=username]").fill("admin")
    await page.locator("input[name=password]").fill(ADMIN_PASSWORD)
    await page.get_by_role("button", name="登录").click()
    await expect(page.get_by_role("button", name=re.compile("admin"))).to_be_visible()
    return page


async def confirm(page: Page, button: str) -> None:
    await page.locator(".n-dialog").get_by_role("button", name=button).click()


async def test_a_wrong_password_is_said_in_words(hub: HubProcess, browser: Browser) -> None:
    page = await browser.new_page(locale="zh-CN")
    await page.goto(f"{hub.url}/console/")
    await page.locator("input[name=username]").fill("nobody")
    await page.locator("input[name=password]").fill("wrong password")
    await page.get_by_role("button", name="登录").click()
    await expect(page.get_by_text("用户名或密码不正确")).to_be_visible()


async def test_from_the_wizard_to_air_and_off(hub: HubProcess, browser: Browser) -> None:
    page = await signed_in(hub, browser, "new")
    await page.get_by_label("活动名称").last.fill("龙舟赛")
    await page.get_by_role("button", name="下一步").click()
    await page.get_by_role("button", name="添加分会场").click()
    await page.get_by_role("button", name="添加机位").first.click()
    await page.get_by_role("button", name="下一步").click()
    await page.get_by_text("先发后审").click()
    await page.get_by_role("button", name="创建活动").click()
    await expect(page.get_by_role("heading", name="龙舟赛")).to_be_visible()
    event_id = page.url.rstrip("/").rpartition("/")[2]
    event = await asyncio.to_thread(hub.request, "GET", f"/api/v1/events/{event_id}")
    assert [len(venue["feeds"]) for venue in event["venues"]] == [2, 1]
    assert event["rules"]["moderation"] == "post"

    await page.get_by_role("button", name="推流信息").first.click()
    key = event["venues"][0]["feeds"][0]["ingest"]["stream_key"]
    await expect(page.get_by_text(key, exact=True)).to_be_visible()
    await page.keyboard.press("Escape")

    with ExitStack() as stack:
        for feed in event["venues"][0]["feeds"]:
            stack.enter_context(encoder(feed["ingest"]["rtmp_url"]))
        tiles = page.locator(".tile")
        await expect(tiles.nth(0).locator("img")).to_be_visible()
        await expect(tiles.nth(1).locator("img")).to_be_visible()
        await page.get_by_role("button", name="开始直播").click()
        await confirm(page, "开始直播")
        await expect(tiles.nth(0).get_by_text("播出中")).to_be_visible()

        await tiles.nth(1).get_by_role("button", name="切出").click()
        await expect(tiles.nth(1).get_by_text("播出中")).to_be_visible()
        await expect(tiles.nth(0).get_by_text("播出中")).to_have_count(0)

        await page.get_by_role("button", name="红键").click()
        await page.get_by_role("button", name="再按一次").click()
        await expect(page.get_by_role("alert").get_by_text("已切断")).to_be_visible()
        await page.get_by_role("button", name="恢复直播").click()
        await confirm(page, "恢复直播")
        await expect(tiles.nth(1).get_by_text("播出中")).to_be_visible()
    await expect(tiles.nth(1).get_by_text("起信号中断")).to_be_visible()

    await page.get_by_role("button", name="结束直播").click()
    await confirm(page, "结束直播")
    await expect(page.get_by_text("已结束", exact=True)).to_be_visible()
    await page.get_by_role("link", name="内容库").click()
    await expect(page.get_by_text("龙舟赛")).to_be_visible()


async def test_people_are_invited_and_must_choose_a_password(hub: HubProcess, browser: Browser) -> None:
    page = await signed_in(hub, browser, "crew")
    await page.get_by_role("button", name="邀请成员").click()
    card = page.locator(".n-modal")
    await card.locator("input").nth(0).fill("李导播")
    await card.locator("input").nth(1).fill("li.daobo")
    await card.get_by_role("button", name="邀请成员").click()
    password = await page.locator("code.key").inner_text()
    context = await browser.new_context(locale="zh-CN")
    other = await context.new_page()
    await other.goto(f"{hub.url}/console/")
    await other.locator("input[name=username]").fill("li.daobo")
    await other.locator("input[name=password]").fill(password)
    await other.get_by_role("button", name="登录").click()
    await expect(other.get_by_text("请设置新密码")).to_be_visible()


async def test_a_hub_that_does_not_answer_is_said(hub: HubProcess, browser: Browser) -> None:
    event = await asyncio.to_thread(hub.create_event)
    page = await signed_in(hub, browser, f"event/{event['id']}")
    await expect(page.get_by_role("heading", name="国庆灯会")).to_be_visible()
    await page.context.set_offline(True)
    await expect(page.get_by_text("与主机失去联系")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.get_by_text("与主机失去联系")).to_have_count(0, timeout=10_000)
