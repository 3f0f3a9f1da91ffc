"""Ultra-low delay in a real browser: the audience page plays an RTMP push by WHEP, and survives its loss."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route

from bench.webrtc import glass
from tests.support import pattern_push
from tests.support.browser import phone, picture_size, plays
from tests.support.hub_process import HubProcess, encoder
from tests.support.lossy_link import LossyLink, Weather, lossy_link

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

BY_WHEP = "() => !!document.querySelector('video')?.srcObject"
BY_SEGMENTS = "() => { const v = document.querySelector('video'); return !!v && !v.srcObject && !!v.src }"
WATCHED_SECONDS = 30


async def live(hub: HubProcess) -> tuple[dict[str, Any], str]:
    event = await asyncio.to_thread(hub.create_event)
    await asyncio.to_thread(hub.start_event, event["id"])
    return event, str(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"])


async def opened(page: Page, url: str, until: str) -> None:
    await page.goto(url)
    await page.wait_for_function(until, timeout=40_000)
    await plays(page, seconds=30)


async def relayed(page: Page, link: LossyLink) -> None:
    """The page's WHEP goes through the relay: its port stands in the answer instead of the hub's."""

    async def through(route: Route) -> None:
        answer = await route.fetch()
        text = await answer.text()
        found = re.search(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ", text)
        if found is None:
            await route.fulfill(response=answer)
            return
        link.server_port = int(found[1])
        await route.fulfill(response=answer, body=text.replace(f" {found[1]} typ", f" {link.port} typ"))

    await page.route("**/whep/*/*", through)


async def test_chromium_plays_an_rtmp_push_by_whep(hub: HubProcess, browser: Browser) -> None:
    event, rtmp_url = await live(hub)
    page = await (await phone(browser)).new_page()
    with encoder(rtmp_url, b_frames=0):
        await opened(page, f"{hub.url}/e/{event['id']}?protocol=whep", BY_WHEP)
        assert await picture_size(page) == (640, 360)


@pytest.mark.long
async def test_the_choice_is_a_button_that_is_kept(hub: HubProcess, browser: Browser) -> None:
    """From segments to WebRTC and back, without a reload; a reload keeps the wish. B-frames are encoded away."""
    event, rtmp_url = await live(hub)
    page = await (await phone(browser)).new_page()
    with encoder(rtmp_url, b_frames=2):
        await opened(page, f"{hub.url}/e/{event['id']}", BY_SEGMENTS)
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
async def test_without_whep_the_ordinary_delay_plays(hub: HubProcess, browser: Browser) -> None:
    event, rtmp_url = await live(hub)
    page = await (await phone(browser)).new_page()
    await page.route("**/whep/**", lambda route: route.abort())
    with encoder(rtmp_url, b_frames=0):
        await opened(page, f"{hub.url}/e/{event['id']}?protocol=whep", BY_SEGMENTS)
        await page.get_by_text("稍后自动重试").wait_for()


@pytest.mark.long
async def test_when_the_road_breaks_the_ordinary_delay_takes_over(hub: HubProcess, browser: Browser) -> None:
    event, rtmp_url = await live(hub)
    page = await (await phone(browser)).new_page()
    async with lossy_link(Weather()) as link:
        await relayed(page, link)
        with encoder(rtmp_url, b_frames=0):
            await opened(page, f"{hub.url}/e/{event['id']}?protocol=whep", BY_WHEP)
            link.weather.blocked = True
            await page.wait_for_function(BY_SEGMENTS, timeout=40_000)
            await plays(page, seconds=30)


@pytest.mark.long
async def test_five_percent_of_loss_shows_no_corrupt_picture(hub: HubProcess, browser: Browser) -> None:
    """Every shown frame carries its number in nine bands: a part that is missing or old shows another one."""
    event, rtmp_url = await live(hub)
    page = await (await phone(browser)).new_page()
    async with lossy_link(Weather(loss=0.05, delay=0.02)) as link:
        await relayed(page, link)
        source = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.support.pattern_push", rtmp_url)
        try:
            await opened(page, f"{hub.url}/e/{event['id']}?protocol=whep", BY_WHEP)
            await page.evaluate(pattern_push.READ, pattern_push.READ_ARGUMENTS)
            await asyncio.sleep(WATCHED_SECONDS)
            seen = await page.evaluate("() => window.__seen")
        finally:
            source.kill()
            await source.wait()
        assert link.dropped > 100
        assert seen["torn"] == 0, seen
        assert len(seen["numbers"]) > WATCHED_SECONDS * pattern_push.RATE * 0.7, len(seen["numbers"])
        assert await page.evaluate(BY_WHEP)


@pytest.mark.long
async def test_glass_to_glass(hub: HubProcess) -> None:
    assert await asyncio.to_thread(glass.whip_to_whep, hub) <= 0.25
    assert await asyncio.to_thread(glass.rtmp_to_whep, hub) <= 0.4
