"""The main job, by its users' own tools: encoders push two venues, a phone plays them, the push breaks and returns."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.support.browser import phone, picture_size, plays
from tests.support.hub_process import HubProcess, encoder

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def rtmp_url(event: dict[str, Any], venue: int = 0) -> str:
    return str(event["venues"][venue]["feeds"][0]["ingest"]["rtmp_url"])


@pytest.mark.parametrize("protocol", ["hls", "flv"])
async def test_two_venues_play_and_the_tab_switches(hub: HubProcess, browser: Browser, protocol: str) -> None:
    event = await asyncio.to_thread(hub.create_event, venues=2)
    await asyncio.to_thread(hub.start_event, event["id"])
    with ExitStack() as stack:
        stack.enter_context(encoder(rtmp_url(event, 0), size="640x360", rate=25))
        stack.enter_context(encoder(rtmp_url(event, 1), size="480x270", rate=30))
        page = await (await phone(browser)).new_page()
        await page.goto(f"{hub.url}/e/{event['id']}?protocol={protocol}")
        await page.wait_for_function("() => document.querySelector('video')?.videoWidth === 640", timeout=30_000)
        await plays(page)
        await page.get_by_role("tab", name="分会场·广场").click()
        await page.wait_for_function("() => document.querySelector('video')?.videoWidth === 480", timeout=30_000)
        await plays(page)
        assert await picture_size(page) == (480, 270)


@pytest.mark.parametrize("protocol", ["hls", "flv"])
async def test_the_picture_goes_on_after_the_push_was_cut(hub: HubProcess, browser: Browser, protocol: str) -> None:
    event = await asyncio.to_thread(hub.create_event)
    await asyncio.to_thread(hub.start_event, event["id"])
    page = await (await phone(browser)).new_page()
    with encoder(rtmp_url(event)):
        await page.goto(f"{hub.url}/e/{event['id']}?protocol={protocol}")
        await page.wait_for_function("() => document.querySelector('video')?.videoWidth === 640", timeout=30_000)
        await plays(page)
        address = page.url
    await asyncio.sleep(6)  # the slate is on: frames go on while nobody pushes
    await plays(page, frames=3)
    with encoder(rtmp_url(event)):
        await asyncio.sleep(4)
        await plays(page)
    assert page.url == address
    await page.context.close()
