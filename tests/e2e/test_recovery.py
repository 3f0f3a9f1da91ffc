"""What fields and phones do to a picture; it is back within 5 s of the cure, without a reload."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route

from tests.support.browser import phone, plays
from tests.support.hub_process import HubProcess, encoder, hub_process

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

CURED_SECONDS = 5.0
BUSY_MACHINE_SECONDS = 3.0
"""What two cores with a browser, an encoder and another test on them may add."""
PROMISED = pytest.param(CURED_SECONDS + BUSY_MACHINE_SECONDS, marks=pytest.mark.long, id="promised")
BACK = pytest.mark.parametrize("back", [pytest.param(60.0, id="back"), PROMISED])
"""That it comes back at all is asked everywhere; how soon, of a quiet machine."""


@asynccontextmanager
async def watching(hub: HubProcess, browser: Browser) -> AsyncIterator[tuple[Page, dict[str, Any]]]:
    """A phone that plays a live event."""
    event = await asyncio.to_thread(hub.create_event)
    await asyncio.to_thread(hub.start_event, event["id"])
    with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
        page = await (await phone(browser)).new_page()
        await page.goto(f"{hub.url}/e/{event['id']}")
        await page.evaluate("() => { window.neverReloaded = true }")
        await page.wait_for_function("() => document.querySelector('video')?.videoWidth === 640", timeout=30_000)
        await plays(page)
        yield page, event
        assert await page.evaluate("() => window.neverReloaded") is True
        await page.context.close()


async def picture_is_back(page: Page, seconds: float) -> None:
    await plays(page, seconds=seconds)


@BACK
@pytest.mark.parametrize("seconds", [10, pytest.param(180, marks=pytest.mark.long)])
async def test_offline(hub: HubProcess, browser: Browser, seconds: float, back: float) -> None:
    async with watching(hub, browser) as (page, _):
        await page.context.set_offline(True)
        await asyncio.sleep(seconds)
        await page.context.set_offline(False)
        await picture_is_back(page, back)


@BACK
@pytest.mark.parametrize(
    ("pattern", "status"),
    [("**/*.m3u8*", 404), ("**/*.m3u8*", 503), ("**/*.m4s", 404)],
    ids=["playlist-404", "playlist-503", "segment-404"],
)
async def test_the_hub_or_a_cdn_answers_with_errors(
    hub: HubProcess, browser: Browser, pattern: str, status: int, back: float
) -> None:
    async def broken(route: Route) -> None:
        await route.fulfill(status=status, body="")

    async with watching(hub, browser) as (page, _):
        await page.route(pattern, broken)
        await asyncio.sleep(8)
        await page.unroute(pattern)
        await picture_is_back(page, back)


@BACK
@pytest.mark.parametrize("seconds", [15, pytest.param(300, marks=pytest.mark.long)])
async def test_asleep(hub: HubProcess, browser: Browser, seconds: float, back: float) -> None:
    async with watching(hub, browser) as (page, _):
        session = await page.context.new_cdp_session(page)
        await session.send("Page.setWebLifecycleState", {"state": "frozen"})
        await asyncio.sleep(seconds)
        await session.send("Page.setWebLifecycleState", {"state": "active"})
        await picture_is_back(page, back)
        await page.wait_for_function(
            """() => {
              const video = document.querySelector("video");
              return video.buffered.end(video.buffered.length - 1) - video.currentTime < 10;
            }""",
            timeout=back * 1000,
        )


@BACK
async def test_hub_killed(browser: Browser, tmp_path: Path, back: float) -> None:
    with hub_process(tmp_path / "data") as hub:
        async with watching(hub, browser) as (page, event):
            hub.kill()
            await asyncio.sleep(3)
            await asyncio.to_thread(hub.start)
            with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
                await page.wait_for_function(
                    f"async () => (await fetch('/live/{event['id']}/main/media.m3u8')).ok", timeout=60_000
                )
                await picture_is_back(page, back)
