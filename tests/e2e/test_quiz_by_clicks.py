"""A quiz by clicking alone: written and asked at the desk, answered with a thumb, its places seen; two viewers whose
pictures are seconds apart, each of whom gets the question with the own picture."""

from __future__ import annotations

import json
import re
import time

import pytest
from playwright.async_api import Browser, Page, WebSocket, expect

from config.clock import from_rfc3339
from tests.e2e.test_console import confirm, signed_in
from tests.e2e.test_room_on_phones import EVERYBODY, live_event, opened
from tests.support.browser import phone, plays
from tests.support.hub_process import HubProcess, encoder
from tests.support.waiting import eventually_async

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SLOW = 30_000
"""Milliseconds: two busy cores are no phone's fault."""
RULES = EVERYBODY | {"anonymous_may": [*EVERYBODY["anonymous_may"], "answer"]}


async def written(desk: Page, seconds: int) -> None:
    """One question about fire, as an operator writes it."""
    await desk.get_by_role("button", name="答题", exact=True).click()
    await desk.get_by_label("标题").fill("消防知识问答")
    await desk.get_by_label("第 1 题", exact=True).fill("火警电话是多少？")
    await desk.get_by_label("第 1 题选项 1", exact=True).fill("119")
    await desk.get_by_label("第 1 题选项 2", exact=True).fill("120")
    await desk.locator(".n-form-item").filter(has_text="答题秒数").locator("input").fill(str(seconds))
    await desk.get_by_role("button", name="保存", exact=True).click()


async def test_from_the_run_sheet_to_the_leaderboard(hub: HubProcess, browser: Browser) -> None:
    event = await live_event(hub, rules=RULES)
    desk = await signed_in(hub, browser, f"event/{event['id']}/activities")
    await written(desk, 300)
    card = desk.get_by_role("article").filter(has_text="消防知识问答")
    viewer = await opened(hub, browser, event)
    await expect(viewer.get_by_label("说点什么…")).to_be_visible(timeout=SLOW)
    await card.get_by_role("button", name="开启", exact=True).click()
    await confirm(desk, "开启")
    sheet = viewer.get_by_role("dialog", name="消防知识问答")
    await expect(sheet.get_by_text("答题马上开始")).to_be_visible(timeout=SLOW)
    await card.get_by_role("button", name="出第 1 题").click(timeout=SLOW)
    await sheet.get_by_role("radio", name="119").click(timeout=SLOW)
    await sheet.get_by_role("button", name="确定").click()
    await expect(sheet.get_by_text("已作答")).to_be_visible(timeout=SLOW)
    await expect(card.get_by_text("1 人作答")).to_be_visible(timeout=SLOW)
    await card.get_by_role("button", name="截止", exact=True).click()
    await confirm(desk, "截止")
    await expect(sheet.get_by_text("答对了！")).to_be_visible(timeout=SLOW)
    await expect(sheet.get_by_text("您现在第 1 名")).to_be_visible(timeout=SLOW)
    await expect(sheet.get_by_text("排行榜")).to_be_visible(timeout=SLOW)
    assert await viewer.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


class Watcher:
    """A page that plays, and what it last said of its picture."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.delay: float | None = None
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._heard)

    def _heard(self, frame: str | bytes) -> None:
        found = re.search(r"\[\"heartbeat\",(\{.*\})\]", frame if isinstance(frame, str) else "")
        position = json.loads(found[1])["position"] if found else None
        if position is not None:
            self.delay = time.time() - from_rfc3339(position)


@pytest.mark.long
async def test_two_pictures_seconds_apart_get_the_question_each_with_its_own(hub: HubProcess, browser: Browser) -> None:
    event = await live_event(hub, rules=RULES)
    with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
        near = Watcher(await (await phone(browser)).new_page())
        far = Watcher(await (await phone(browser)).new_page())
        await near.page.goto(f"{hub.url}/e/{event['id']}?protocol=flv")
        await far.page.goto(f"{hub.url}/e/{event['id']}?protocol=hls")
        for watcher in (near, far):
            await plays(watcher.page)
        await far.page.wait_for_timeout(14_000)  # something to go back to
        await far.page.evaluate("document.querySelector('video').currentTime -= 10")
        far.delay = None

        async def apart() -> bool:
            return near.delay is not None and near.delay < 6 and far.delay is not None and far.delay > 9

        await eventually_async(apart, 40.0)
        desk = await signed_in(hub, browser, f"event/{event['id']}/activities")
        await written(desk, 300)
        card = desk.get_by_role("article").filter(has_text="消防知识问答")
        await card.get_by_role("button", name="开启", exact=True).click()
        await confirm(desk, "开启")
        asking = card.get_by_role("button", name="出第 1 题")
        await expect(asking).to_be_visible(timeout=SLOW)
        asked_at = time.time()
        expected = [watcher.delay or 0.0 for watcher in (near, far)]
        await asking.click()
        for watcher, delay in zip((near, far), expected, strict=True):
            await expect(watcher.page.get_by_text("火警电话是多少？")).to_be_visible(timeout=SLOW)
            waited = time.time() - asked_at
            assert delay - 0.5 <= waited <= delay + 4.0
