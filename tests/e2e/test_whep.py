"""Ultra-low delay in a real browser: the audience page plays an RTMP push by WHEP, and survives its loss."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.support.browser import phone, picture_size, plays
from tests.support.hub_process import HubProcess, encoder, hub_process

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

BY_WHEP = "() => !!document.querySelector('video')?.srcObject"
BY_SEGMENTS = "() => { const v = document.querySelector('video'); return !!v && !v.srcObject && !!v.src }"


@pytest.fixture(scope="module")
def webrtc_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """One that offers its loopback address: Chromium's own candidates are hidden behind mDNS names."""
    with hub_process(tmp_path_factory.mktemp("whep") / "data", VENUECAST_WEBRTC_LOOPBACK="true") as running:
        yield running


async def live(hub: HubProcess) -> tuple[dict[str, Any], str]:
    event = await asyncio.to_thread(hub.create_event)
    await asyncio.to_thread(hub.start_event, event["id"])
    return event, str(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"])


async def opened(page: Page, url: str, until: str) -> None:
    await page.goto(url)
    await page.wait_for_function(until, timeout=40_000)
    await plays(page, seconds=30)


async def test_chromium_plays_an_rtmp_push_by_whep(webrtc_hub: HubProcess, browser: Browser) -> None:
    event, rtmp_url = await live(webrtc_hub)
    page = await (await phone(browser)).new_page()
    with encoder(rtmp_url, b_frames=0):
        await opened(page, f"{webrtc_hub.url}/e/{event['id']}?protocol=whep", BY_WHEP)
        assert await picture_size(page) == (640, 360)


@pytest.mark.long
async def test_the_choice_is_a_button_that_is_kept(webrtc_hub: HubProcess, browser: Browser) -> None:
    """From segments to WebRTC and back, without a reload; a reload keeps the wish. B-frames are encoded away."""
    event, rtmp_url = await live(webrtc_hub)
    page = await (await phone(browser)).new_page()
    with encoder(rtmp_url, b_frames=2):
        await opened(page, f"{webrtc_hub.url}/e/{event['id']}", BY_SEGMENTS)
        await page.get_by_role("button", name="超低延迟").click()
        await page.wait_for_function(BY_WHEP, timeout=40_000)
        await plays(page, seconds=30)
        await page.reload()
        await page.wait_for_function(BY_WHEP, timeout=40_000)
        await plays(page, seconds=30)
        await page.get_by_role("button", name="超低延迟").click()
        await page.wait_for_function(BY_SEGMENTS, timeout=40_000)
        await plays(page, seconds=30)


@pytest.mark.long
async def test_without_whep_the_ordinary_delay_plays(webrtc_hub: HubProcess, browser: Browser) -> None:
    event, rtmp_url = await live(webrtc_hub)
    page = await (await phone(browser)).new_page()
    await page.route("**/whep/**", lambda route: route.abort())
    with encoder(rtmp_url, b_frames=0):
        await opened(page, f"{webrtc_hub.url}/e/{event['id']}?protocol=whep", BY_SEGMENTS)
        await page.get_by_text("稍后自动重试").wait_for()
