"""The room as people use it: two phones, a moderator, the red key, the end."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import phone, plays
from tests.support.hub_process import HubProcess, encoder

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

EVERYBODY = {"anonymous_may": ["watch", "like", "comment"], "moderation": "post"}


async def live_event(hub: HubProcess, **fields: Any) -> dict[str, Any]:
    event = await asyncio.to_thread(hub.create_event, **fields)
    await asyncio.to_thread(hub.start_event, event["id"])
    return event


async def opened(hub: HubProcess, browser: Browser, event: dict[str, Any]) -> Page:
    page = await (await phone(browser)).new_page()
    await page.goto(f"{hub.url}/e/{event['id']}")
    return page


async def say(page: Page, text: str) -> None:
    await page.get_by_label("说点什么…").fill(text)
    await page.get_by_role("button", name="发送").click()


async def test_a_comment_typed_on_one_phone_appears_on_another_and_for_the_late_comer(
    hub: HubProcess, browser: Browser
) -> None:
    event = await live_event(hub, rules=EVERYBODY)
    first, second = await opened(hub, browser, event), await opened(hub, browser, event)
    await expect(second.get_by_text("还没有评论")).to_be_visible()
    await say(first, "灯会真热闹")
    await expect(second.get_by_text("灯会真热闹")).to_be_visible()
    await expect(first.get_by_text("灯会真热闹")).to_have_count(1)
    late = await opened(hub, browser, event)
    await expect(late.get_by_text("灯会真热闹")).to_be_visible()


async def test_a_held_comment_waits_for_the_moderator(hub: HubProcess, browser: Browser) -> None:
    event = await live_event(hub, rules=EVERYBODY | {"moderation": "pre"})
    first, second = await opened(hub, browser, event), await opened(hub, browser, event)
    await say(first, "等待审核的话")
    await expect(first.get_by_text("待审核", exact=True)).to_be_visible()
    held = await asyncio.to_thread(hub.request, "GET", f"/api/v1/events/{event['id']}/comments/held")
    assert [comment["text"] for comment in held["items"]] == ["等待审核的话"]
    await expect(second.get_by_text("等待审核的话")).to_have_count(0)
    ids = {"ids": [held["items"][0]["id"]]}
    await asyncio.to_thread(hub.request, "POST", f"/api/v1/events/{event['id']}/comments/approve", ids)
    await expect(second.get_by_text("等待审核的话")).to_be_visible()


@pytest.mark.parametrize("seconds", [30.0, pytest.param(1.5, marks=pytest.mark.long)])
async def test_the_red_key_covers_every_phone_and_closes_the_room(
    hub: HubProcess, browser: Browser, seconds: float
) -> None:
    event = await live_event(hub, rules=EVERYBODY)
    with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
        page = await opened(hub, browser, event)
        await page.wait_for_function("() => document.querySelector('video')?.videoWidth === 640", timeout=30_000)
        await plays(page)
        await asyncio.to_thread(hub.request, "POST", f"/api/v1/events/{event['id']}/cut")
        await expect(page.get_by_text("直播暂停，请稍候")).to_be_visible(timeout=seconds * 1000)
        await expect(page.locator("video")).to_be_hidden()
        await expect(page.get_by_label("说点什么…")).to_have_count(0)
        await asyncio.to_thread(hub.request, "POST", f"/api/v1/events/{event['id']}/resume")
        await expect(page.locator("video")).to_be_visible()
        await plays(page)


async def test_viewers_are_counted_by_venue(hub: HubProcess, browser: Browser) -> None:
    event = await live_event(hub, venues=2, rules=EVERYBODY)
    with ExitStack() as stack:
        for venue in event["venues"]:
            stack.enter_context(encoder(venue["feeds"][0]["ingest"]["rtmp_url"]))
        pages = [await opened(hub, browser, event) for _ in range(3)]
        for page in pages[1:]:
            await page.get_by_role("tab", name="分会场·广场").click()
        for _ in range(40):
            stats = await asyncio.to_thread(hub.request, "GET", f"/api/v1/events/{event['id']}/stats")
            if [venue["viewers"]["current"] for venue in stats["venues"]] == [1, 2]:
                break
            await asyncio.sleep(0.5)
        assert [venue["viewers"]["current"] for venue in stats["venues"]] == [1, 2]
        assert stats["viewers"]["peak"] == 3


async def test_before_the_start_a_countdown_and_after_the_end_a_replay(hub: HubProcess, browser: Browser) -> None:
    event = await asyncio.to_thread(hub.create_event, starts_at="2099-10-01T12:00:00Z")
    page = await opened(hub, browser, event)
    await expect(page.get_by_role("timer")).to_be_visible()
    await asyncio.to_thread(hub.start_event, event["id"])
    with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
        await page.wait_for_function("() => document.querySelector('video')?.videoWidth === 640", timeout=30_000)
        await plays(page, frames=60)
    await asyncio.to_thread(hub.request, "POST", f"/api/v1/events/{event['id']}/end")
    await expect(page.get_by_text("直播已结束")).to_be_visible()
    await page.get_by_role("link", name="看回放").click(timeout=30_000)
    await page.wait_for_function("() => document.querySelector('video')?.readyState >= 2", timeout=30_000)


async def test_an_unknown_event_is_said_in_plain_words(hub: HubProcess, browser: Browser) -> None:
    page = await (await phone(browser)).new_page()
    await page.goto(f"{hub.url}/e/nosuchevent")
    await expect(page.get_by_text("没有找到这场直播")).to_be_visible()
