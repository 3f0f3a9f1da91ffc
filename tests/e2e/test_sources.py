"""The crew sets a source in the console: a wrong one is said in words, a film of the hub's own is a picture."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.test_console import signed_in
from tests.support.hub_process import HubProcess
from tests.support.short_film import make_short_film

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]
WAIT = 45_000
PICTURES = os.environ.get("VENUECAST_TEST_PICTURES")
"""A folder for screenshots, for whoever looks at the pages."""


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def set_source(page: Page, url: str) -> None:
    await page.get_by_role("button", name="拉流来源").first.click()
    await picture(page, "source-form-open")
    await page.get_by_placeholder("rtsp://").fill(url)
    await picture(page, "source-form")
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_placeholder("rtsp://")).to_have_count(0)


async def test_a_source_is_set_in_the_console_and_plays(hub: HubProcess, browser: Browser) -> None:
    await asyncio.to_thread(make_short_film, hub.data_dir / "sources" / "lake.mp4")
    body = {"title": "西湖慢直播", "venues": [{"name": "断桥", "main": True, "feeds": [{"name": "机位一"}]}]}
    event = await asyncio.to_thread(hub.request, "POST", "/api/v1/events", body)
    page = await signed_in(hub, browser, f"event/{event['id']}")

    await set_source(page, "rtsp://127.0.0.1:9/1")
    await expect(page.get_by_text("未到拉流时间")).to_be_visible()
    await asyncio.to_thread(hub.request, "POST", f"/api/v1/events/{event['id']}/start")
    await expect(page.get_by_text("主机设置不允许拉取这个网络里的地址", exact=False)).to_be_visible(timeout=WAIT)
    await picture(page, "source-refused")
    await set_source(page, "file:lake.mp4")
    await expect(page.get_by_text("拉流正常")).to_be_visible(timeout=WAIT)
    await expect(page.locator(".tile img").first).to_be_visible(timeout=WAIT)
    await picture(page, "source-live")
