"""Debian's Chromium through Playwright, as phones and desks see the pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""A camera with a turning pie and a beep every second, allowed without asking."""
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1440, "height": 900}
expect.set_options(timeout=30_000)
"""Playwright's own 5 s are a promise of speed that two busy cores do not keep."""

FRAMES = (
    "() => { const v = document.querySelector('video'); return v ? v.getVideoPlaybackQuality().totalVideoFrames : 0 }"
)


@asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()


async def phone(browser: Browser, *, locale: str = "zh-CN") -> BrowserContext:
    """A phone's context: its own storage, so its own viewer."""
    return await browser.new_context(viewport={"width": 360, "height": 740}, locale=locale, has_touch=True)


async def plays(page: Page, seconds: float = 30.0, frames: int = 10) -> None:
    """Return once the video on the page has advanced by `frames` from now; Playwright's TimeoutError otherwise."""
    start = await page.evaluate(FRAMES)
    await page.wait_for_function(
        """([start, more]) => {
          const video = document.querySelector("video");
          if (!video) return false;
          const shown = video.getVideoPlaybackQuality().totalVideoFrames;
          return !video.paused && video.readyState >= 3 && (shown >= start + more || (shown < start && shown >= more));
        }""",
        arg=[start, frames],
        timeout=seconds * 1000,
    )


async def picture_size(page: Page) -> tuple[int, int]:
    """Width and height in pixels of the picture that the page plays."""
    width, height = await page.evaluate(
        "() => { const v = document.querySelector('video'); return [v.videoWidth, v.videoHeight] }"
    )
    return width, height
