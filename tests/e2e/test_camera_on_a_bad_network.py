"""The camera page through a relay that loses, delays, reorders and narrows: what the hub's viewers see of it."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import imageio_ffmpeg
import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.support.browser import FAKE_CAMERA, chromium, phone
from tests.support.hub_process import HubProcess
from tests.support.lossy_link import LossyLink, Weather, lossy_link

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture(scope="session")
def restless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that is hard to compress: it takes whatever bit rate there is."""
    path = tmp_path_factory.mktemp("camera") / "restless.mjpeg"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i"]
    command += ["testsrc2=size=640x360:rate=25:duration=8,noise=alls=24:allf=t", "-q:v", "4", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture
async def filming(restless: Path) -> AsyncIterator[Browser]:
    async with chromium(*FAKE_CAMERA, f"--use-file-for-fake-video-capture={restless}") as running:
        yield running


@asynccontextmanager
async def camera_through(
    hub: HubProcess, browser: Browser, weather: Weather
) -> AsyncIterator[tuple[Page, LossyLink, str]]:
    """A page that publishes through a relay; the id of its event, which is live."""
    event = await asyncio.to_thread(hub.create_event)
    await asyncio.to_thread(hub.start_event, event["id"])
    async with lossy_link(weather) as link:
        page = await (await phone(browser)).new_page()

        async def through_the_relay(route: Route) -> None:
            answer = await route.fetch()
            text = await answer.text()
            found = re.search(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ", text)
            if found is None:
                await route.fulfill(response=answer)
                return
            link.server_port = int(found[1])
            await route.fulfill(response=answer, body=text.replace(f" {found[1]} typ", f" {link.port} typ"))

        await page.route("**/whip/*", through_the_relay)
        await page.goto(f"{hub.url}/cam/{event['venues'][0]['feeds'][0]['ingest']['stream_key']}")
        await page.get_by_role("button", name="打开摄像头").click()
        await expect(page.locator(".sign")).to_have_text("正在播出", timeout=60_000)
        try:
            yield page, link, event["id"]
        finally:
            await page.close()


async def pauses(url: str, seconds: float) -> list[float]:
    """Times between the pictures of an FLV stream as they arrive, for so long."""
    loop = asyncio.get_running_loop()
    waits, last = [], None
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(None)) as session, session.get(url) as response:
        assert response.status == 200
        await response.content.readexactly(13)
        began = loop.time()
        while loop.time() - began < seconds:
            header = await response.content.readexactly(11)
            await response.content.readexactly(int.from_bytes(header[1:4], "big") + 4)
            if header[0] != 9:
                continue
            now = loop.time()
            if last is not None:
                waits.append(now - last)
            last = now
    return waits


async def decoded(url: str, seconds: int) -> str:
    """What a strict decoder has to say about the stream."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-err_detect", "explode", "-i", url]
    process = await asyncio.create_subprocess_exec(
        *command, "-map", "0:v", "-t", str(seconds), "-f", "null", "-", stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    return errors.decode()


async def test_five_per_cent_of_loss_plays_on(hub: HubProcess, filming: Browser) -> None:
    weather = Weather(loss=0.05, delay=0.03, reorder=0.05)
    async with camera_through(hub, filming, weather) as (_, link, event):
        url = f"{hub.url}/live/{event}/main.flv"
        decoding = asyncio.create_task(decoded(url, 25))
        waits = await pauses(url, 30)
        log.info("longest freeze at 5 per cent: %.2f s, %d pictures", max(waits), len(waits))
        assert link.dropped > 50
        complaints = await decoding
        assert complaints == "", "a damaged picture was handed on"
        assert max(waits) < 2.0, sorted(waits)[-5:]
        assert len(waits) > 30 * 5


async def test_600_kilobits_with_three_per_cent_of_loss(hub: HubProcess, filming: Browser) -> None:
    """No freeze over 2 s, the bit rate below the link within 5 s, back up within 20 s of the cure."""
    weather = Weather()
    async with camera_through(hub, filming, weather) as (_, link, event):
        await asyncio.sleep(15)
        before = await rate(link, 2)
        weather.loss, weather.delay, weather.bits_per_second = 0.03, 0.03, 600_000
        viewer = asyncio.create_task(pauses(f"{hub.url}/live/{event}/main.flv", 30))
        await asyncio.sleep(5)
        narrowed = await rate(link, 3)
        waits = await viewer
        weather.loss, weather.delay, weather.bits_per_second = 0.0, 0.0, None
        recovered = 0.0
        for _ in range(10):
            recovered = max(recovered, await rate(link, 2))
        log.info("bits a second: %.0f before, %.0f in it, %.0f after", before, narrowed, recovered)
        log.info("longest freeze: %.2f s", max(waits))
        assert narrowed < 620_000
        assert max(waits) < 2.0, sorted(waits)[-5:]
        assert recovered > 0.8 * before


async def rate(link: LossyLink, seconds: float) -> float:
    """Bits a second that come through the relay."""
    before = link.bytes_passed
    await asyncio.sleep(seconds)
    return (link.bytes_passed - before) * 8 / seconds


async def test_a_network_that_is_away_for_ten_seconds(hub: HubProcess, filming: Browser) -> None:
    """The page publishes again by itself within two seconds of the network's return."""
    weather = Weather()
    async with camera_through(hub, filming, weather) as (page, _, _event):
        weather.blocked = True
        await expect(page.locator(".sign")).to_have_text("网络不稳，正在重连…", timeout=20_000)
        await asyncio.sleep(10)
        weather.blocked = False
        began = asyncio.get_running_loop().time()
        await expect(page.locator(".sign")).to_have_text("正在播出", timeout=20_000)
        log.info("back after %.1f s", asyncio.get_running_loop().time() - began)
