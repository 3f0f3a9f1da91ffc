"""Glass to glass over WebRTC: a clock drawn as squares goes in by RTMP or WHIP; the audience page plays it by WHEP."""

from __future__ import annotations

import asyncio
import subprocess
import time
from statistics import median

from playwright.async_api import Browser, async_playwright

from bench import latency
from tests.support.hub_process import HubProcess

SETTLE_SECONDS = 6.0
SAMPLES = 40
WHIP_CLOCK = """
async ([url, width, height, bits, square]) => {
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  document.body.append(canvas);
  const context = canvas.getContext("2d");
  const draw = () => {
    const stamp = Date.now() % 2 ** 32;
    context.fillStyle = "#808080";
    context.fillRect(0, 0, width, height);
    for (let bit = 0; bit < bits; bit++) {
      context.fillStyle = Math.floor(stamp / 2 ** (bits - 1 - bit)) % 2 ? "#fff" : "#000";
      context.fillRect(bit * square, 0, square, square);
    }
  };
  draw();
  setInterval(draw, 33);
  const connection = window.__publisher = new RTCPeerConnection();
  const [track] = canvas.captureStream(30).getVideoTracks();
  const sender = connection.addTransceiver(track, {direction: "sendonly"});
  const codecs = RTCRtpSender.getCapabilities("video").codecs;
  const h264 = codecs.filter((codec) => codec.mimeType === "video/H264");
  sender.setCodecPreferences(h264.length ? h264 : codecs);
  await connection.setLocalDescription(await connection.createOffer());
  const response = await fetch(url, {
    method: "POST", headers: {"Content-Type": "application/sdp"}, body: connection.localDescription.sdp,
  });
  if (response.status !== 201) throw new Error(await response.text());
  await connection.setRemoteDescription({type: "answer", sdp: await response.text()});
}
"""


async def watched(browser: Browser, url: str) -> float:
    """Seconds from drawing to showing, p50."""
    page = await browser.new_page(viewport={"width": 360, "height": 740})
    await page.goto(f"{url}?protocol=whep")
    await page.wait_for_function("() => !!document.querySelector('video')?.srcObject", timeout=30_000)
    await asyncio.sleep(SETTLE_SECONDS)
    delays: list[float] = []
    for _ in range(SAMPLES):
        read = await page.evaluate(latency.READ_CLOCK, [latency.WIDTH, latency.HEIGHT, latency.BITS, latency.SQUARE])
        if read is not None:
            delays.append((((read["now"] & 0xFFFFFFFF) - read["stamp"]) & 0xFFFFFFFF) / 1000)
        await asyncio.sleep(0.2)
    await page.close()
    return median(delays)


async def _whip_to_whep(page_url: str, whip_url: str) -> float:
    async with async_playwright() as playwright:
        flags = [*latency.FLAGS, "--disable-background-timer-throttling", "--disable-renderer-backgrounding"]
        browser = await playwright.chromium.launch(executable_path=latency.CHROMIUM, args=flags)
        publisher = await browser.new_page()
        await publisher.goto(page_url)  # the hub's own origin
        await publisher.evaluate(WHIP_CLOCK, [whip_url, latency.WIDTH, latency.HEIGHT, latency.BITS, latency.SQUARE])
        await asyncio.sleep(SETTLE_SECONDS)
        delay = await watched(browser, page_url)
        await browser.close()
        return delay


async def _rtmp_to_whep(page_url: str) -> float:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=latency.CHROMIUM, args=latency.FLAGS)
        delay = await watched(browser, page_url)
        await browser.close()
        return delay


def rtmp_to_whep(hub: HubProcess) -> float:
    """Seconds, p50."""
    event = hub.create_event()
    hub.start_event(event["id"])
    source: subprocess.Popen[bytes] = latency.publisher(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"])
    try:
        time.sleep(SETTLE_SECONDS)
        return asyncio.run(_rtmp_to_whep(f"{hub.url}/e/{event['id']}"))
    finally:
        source.kill()
        source.wait()


def whip_to_whep(hub: HubProcess) -> float:
    """Seconds, p50; Chromium publishes what it draws."""
    event = hub.create_event()
    hub.start_event(event["id"])
    key = event["venues"][0]["feeds"][0]["ingest"]["stream_key"]
    return asyncio.run(_whip_to_whep(f"{hub.url}/e/{event['id']}", f"{hub.url}/whip/{key}"))
