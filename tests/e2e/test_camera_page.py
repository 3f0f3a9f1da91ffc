"""A phone becomes a feed: a fake camera on the camera page, its picture in HLS and FLV, its lights and words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import FAKE_CAMERA, chromium, phone, plays
from tests.support.hub_process import HubProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
async def filming() -> AsyncIterator[Browser]:
    async with chromium(*FAKE_CAMERA) as running:
        yield running


async def test_a_phone_is_a_feed_and_is_told_so(hub: HubProcess, filming: Browser) -> None:
    event = await asyncio.to_thread(hub.create_event)
    feed = event["venues"][0]["feeds"][0]
    camera = await (await phone(filming)).new_page()
    await camera.goto(f"{hub.url}/cam/{feed['ingest']['stream_key']}")
    await camera.get_by_role("button", name="打开摄像头").click()
    sign = camera.locator(".sign")
    await expect(sign).to_have_text("待命", timeout=30_000)
    await asyncio.to_thread(
        hub.request, "POST", f"/api/v1/feeds/{feed['id']}/cue", {"message": "往左一点", "next": True}
    )
    await expect(camera.get_by_role("alert")).to_contain_text("往左一点", timeout=20_000)
    await asyncio.to_thread(hub.start_event, event["id"])
    await expect(sign).to_have_text("正在播出", timeout=30_000)
    for protocol in ("hls", "flv"):
        viewer = await (await phone(filming)).new_page()
        await viewer.goto(f"{hub.url}/e/{event['id']}?protocol={protocol}")
        await viewer.wait_for_function("() => document.querySelector('video')?.videoWidth > 0", timeout=30_000)
        await plays(viewer, seconds=30)
        await viewer.context.close()
    await camera.get_by_role("button", name="停止").click()
    await camera.get_by_role("button", name="停止推流").click()
    await expect(sign).to_have_text("未推流", timeout=20_000)


@pytest.mark.long
@pytest.mark.parametrize("codec", ["VP8", "AV1"])
async def test_a_browser_without_h264_plays_in_hls_and_flv(hub: HubProcess, filming: Browser, codec: str) -> None:
    """Transcoded once, before the feed."""
    event = await asyncio.to_thread(hub.create_event)
    await asyncio.to_thread(hub.start_event, event["id"])
    feed = event["venues"][0]["feeds"][0]
    camera = await (await phone(filming)).new_page()
    only = "RTCRtpSender.getCapabilities('video').codecs.filter(c => c.mimeType === 'video/" + codec + "')"
    await camera.add_init_script(
        "const set = RTCRtpTransceiver.prototype.setCodecPreferences;"
        f"RTCRtpTransceiver.prototype.setCodecPreferences = function () {{ return set.call(this, {only}); }};"
    )
    await camera.goto(f"{hub.url}/cam/{feed['ingest']['stream_key']}")
    await camera.get_by_role("button", name="打开摄像头").click()
    await expect(camera.locator(".sign")).to_have_text("正在播出", timeout=40_000)
    view = await asyncio.to_thread(hub.request, "GET", f"/api/v1/events/{event['id']}")
    status = view["venues"][0]["feeds"][0]["status"]
    assert (status["video"]["codec"], status["protocol"]) == ("h264", "whip")
    for protocol in ("hls", "flv"):
        viewer = await (await phone(filming)).new_page()
        await viewer.goto(f"{hub.url}/e/{event['id']}?protocol={protocol}")
        await viewer.wait_for_function("() => document.querySelector('video')?.videoWidth > 0", timeout=30_000)
        await plays(viewer, seconds=30)
        await viewer.context.close()


@pytest.mark.long
async def test_the_page_says_what_is_wrong(hub: HubProcess, filming: Browser) -> None:
    """A link that is none, no permission, no secure context, and a link that was changed while filming."""
    event = await asyncio.to_thread(hub.create_event)
    feed = event["venues"][0]["feeds"][0]
    path = f"/cam/{feed['ingest']['stream_key']}"
    context = await phone(filming, locale="en")
    page = await context.new_page()
    await page.goto(f"{hub.url}/cam/nothing-like-a-key")
    await expect(page.get_by_role("heading")).to_have_text("This link is not valid")
    await page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    await page.goto(hub.url + path)
    await expect(page.get_by_role("heading")).to_have_text("This link cannot use the camera")
    denied = await (await phone(filming)).new_page()
    await denied.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    await denied.goto(hub.url + path)
    await denied.get_by_role("button", name="打开摄像头").click()
    await expect(denied.get_by_role("heading")).to_have_text("没有获得摄像头权限")
    camera = await (await phone(filming)).new_page()
    await camera.goto(hub.url + path)
    await camera.get_by_role("button", name="打开摄像头").click()
    await expect(camera.locator(".sign")).to_have_text("待命", timeout=30_000)
    await asyncio.to_thread(hub.request, "POST", f"/api/v1/feeds/{feed['id']}/rotate-key")
    await expect(camera.get_by_role("heading")).to_have_text("链接无效", timeout=20_000)


@pytest.mark.long
async def test_the_page_comes_back_by_itself(hub: HubProcess, filming: Browser) -> None:
    """The hub forgets the session (as after a restart); within seconds the page publishes again."""
    event = await asyncio.to_thread(hub.create_event)
    key = event["venues"][0]["feeds"][0]["ingest"]["stream_key"]
    camera = await (await phone(filming)).new_page()
    sessions: list[str] = []
    camera.on("response", lambda r: sessions.append(r.headers.get("location", "")) if r.status == 201 else None)
    await camera.goto(f"{hub.url}/cam/{key}")
    await camera.get_by_role("button", name="打开摄像头").click()
    await expect(camera.locator(".sign")).to_have_text("待命", timeout=30_000)
    await camera.evaluate("url => fetch(url, {method: 'DELETE'})", sessions[0])
    async with asyncio.timeout(20):
        while len(sessions) < 2:  # noqa: ASYNC110 - the page's own act
            await asyncio.sleep(0.05)
    await expect(camera.locator(".sign")).to_have_text("待命", timeout=20_000)


@pytest.mark.long
async def test_two_phones_with_one_link_do_not_fight(hub: HubProcess, filming: Browser) -> None:
    """The second asks before it takes over; the first stops, says so, and may take the feed back."""
    event = await asyncio.to_thread(hub.create_event)
    url = f"{hub.url}/cam/{event['venues'][0]['feeds'][0]['ingest']['stream_key']}"
    first, second = [await (await phone(filming)).new_page() for _ in range(2)]
    await first.goto(url)
    await first.get_by_role("button", name="打开摄像头").click()
    await expect(first.locator(".sign")).to_have_text("待命", timeout=30_000)
    await second.goto(url)
    await second.get_by_role("button", name="打开摄像头").click()
    await second.get_by_role("button", name="改用这台手机").click()
    await expect(second.locator(".sign")).to_have_text("待命", timeout=30_000)
    await expect(first.get_by_role("button", name="改用这台手机")).to_be_visible(timeout=20_000)
    await asyncio.sleep(5)  # nobody fights
    await expect(second.locator(".sign")).to_have_text("待命")
    await expect(first.locator(".sign")).to_have_text("未推流")
