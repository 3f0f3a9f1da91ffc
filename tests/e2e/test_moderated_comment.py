"""A moderated comment from one phone to another: from the wizard to the placeholder, by clicks and keys alone."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.test_console import confirm, signed_in
from tests.support.browser import phone
from tests.support.hub_process import HubProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WAIT_MS = 30_000


async def made_and_started(console: Page) -> str:
    """An event where everybody may comment and everything is reviewed first; its id."""
    await console.get_by_label("活动名称").last.fill("元宵灯会")
    await console.get_by_role("button", name="下一步").click()
    await console.get_by_role("button", name="下一步").click()
    await console.get_by_role("checkbox", name="评论").click()
    await console.get_by_role("button", name="创建活动").click()
    await expect(console.get_by_role("heading", name="元宵灯会")).to_be_visible(timeout=WAIT_MS)
    await console.get_by_role("button", name="开始直播").click()
    await confirm(console, "开始直播")
    await expect(console.get_by_role("button", name="结束直播")).to_be_visible(timeout=WAIT_MS)
    found = re.search(r"/event/([^/?]+)", console.url)
    assert found is not None
    return found[1]


async def test_a_moderated_comment_goes_from_phone_to_phone(hub: HubProcess, browser: Browser) -> None:
    console = await signed_in(hub, browser, "new")
    event = await made_and_started(console)
    first, second = [await (await phone(browser)).new_page() for _ in range(2)]
    for page in (first, second):
        await page.goto(f"{hub.url}/e/{event}")
    for text in ("灯会真热闹", "加微信领红包"):
        await first.get_by_label("说点什么…").fill(text)
        await first.get_by_role("button", name="发送").click()
    await expect(first.get_by_text("待审核", exact=True)).to_have_count(2, timeout=WAIT_MS)

    await console.locator(".n-tabs-tab", has_text=re.compile("审核 · 2")).click(timeout=WAIT_MS)
    await expect(console.get_by_text("灯会真热闹")).to_be_visible(timeout=WAIT_MS)
    await console.keyboard.press("j")
    await console.keyboard.press("k")
    await console.keyboard.press("a")
    await expect(second.get_by_text("灯会真热闹").first).to_be_visible(timeout=WAIT_MS)
    await expect(second.get_by_text("加微信领红包")).to_have_count(0)
    await console.keyboard.press("x")
    await expect(console.get_by_text("没有待审核的评论")).to_be_visible(timeout=WAIT_MS)

    # answered and liked on the second phone, then taken away before everybody's eyes
    await second.get_by_label(re.compile("^赞 ")).click()
    await expect(first.get_by_label(re.compile("^赞 "))).to_contain_text("1", timeout=WAIT_MS)
    await console.locator(".n-tabs-tab", has_text="已显示").click()
    row = console.locator(".comment", has_text="灯会真热闹")
    await row.get_by_role("button", name="删除").click(timeout=WAIT_MS)
    await console.locator(".n-popselect-menu, .n-base-select-menu").get_by_text("其他").click()
    for page in (first, second):
        await expect(page.get_by_text("该评论已删除")).to_be_visible(timeout=WAIT_MS)
        await expect(page.get_by_text("灯会真热闹")).to_have_count(0, timeout=WAIT_MS)


async def test_the_apps_token_leaves_the_address_at_once(hub: HubProcess, browser: Browser) -> None:
    console = await signed_in(hub, browser, "new")
    event = await made_and_started(console)
    page = await (await phone(browser)).new_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.headers.get("referer", "")))
    await page.goto(f"{hub.url}/e/{event}?token=not.a.token&venue=1", wait_until="commit")
    await page.wait_for_url(f"{hub.url}/e/{event}?venue=1", timeout=WAIT_MS)
    # not taken: the viewer hears why, and goes on as this device
    await expect(page.get_by_text(re.compile("尚未接入客户端登录"))).to_be_visible(timeout=WAIT_MS)
    await expect(page.get_by_label("说点什么…")).to_be_enabled(timeout=WAIT_MS)
    assert not [referer for referer in sent if "token" in referer]
