"""Glass to glass in Chromium: a picture that carries its own clock goes in by RTMP, and a page reads it back.

The source draws its UTC in milliseconds as a row of black and white squares. The page copies the squares of the frame
on screen to a canvas, decodes them and compares with the same machine's clock.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from statistics import median

import av
from playwright.async_api import Page, async_playwright

WIDTH, HEIGHT, RATE, GOP_SECONDS = 1280, 720, 30, 2
BITS, SQUARE = 32, 32
SETTLE_SECONDS = 10.0
SAMPLES = 40

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]

READ_CLOCK = """
([width, height, bits, square]) => {
  const video = document.querySelector("video");
  if (!video || video.readyState < 2) return null;
  const canvas = window.__canvas || (window.__canvas = document.createElement("canvas"));
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  const now = Date.now();
  let stamp = 0;
  for (let bit = 0; bit < bits; bit++) {
    const pixel = context.getImageData(bit * square + square / 2, square / 2, 1, 1).data;
    stamp = stamp * 2 + (pixel[0] > 128 ? 1 : 0);
  }
  return {now, stamp};
}
"""


@dataclass(frozen=True, slots=True)
class Delay:
    protocol: str
    p50_seconds: float
    worst_seconds: float
    first_picture_p50_seconds: float


def draw(stamp: int) -> av.VideoFrame:
    """A grey picture whose first row of squares is `stamp` (milliseconds modulo 2^32), most significant bit first."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    luma = frame.planes[0]
    row = b"".join(
        (b"\xeb" if stamp >> (BITS - 1 - bit) & 1 else b"\x10") * SQUARE for bit in range(BITS)
    ) + b"\x80" * (luma.line_size - BITS * SQUARE)
    luma.update(row * SQUARE + (b"\x80" * luma.line_size) * (luma.height - SQUARE))
    for plane in frame.planes[1:]:
        plane.update(b"\x80" * plane.buffer_size)
    return frame


def publish(url: str) -> None:
    """Push the clock picture until killed: zero-latency H.264, so that what is measured is the hub and the player."""
    with av.open(url, "w", format="flv") as output:
        stream = output.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = GOP_SECONDS * RATE
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0"}
        stream.time_base = Fraction(1, RATE)
        started = time.time()
        for index in range(10**9):
            time.sleep(max(0.0, started + index / RATE - time.time()))
            frame = draw(int(time.time() * 1000) & 0xFFFFFFFF)
            frame.pts = index
            frame.time_base = Fraction(1, RATE)
            for packet in stream.encode(frame):
                output.mux(packet)


async def measure(page_url: str, protocol: str) -> Delay:
    """Open the audience page several times for the first picture, then watch one page's delay."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        firsts = []
        for _ in range(5):
            context = await browser.new_context(viewport={"width": 360, "height": 740})
            page = await context.new_page()
            firsts.append(await first_picture(page, f"{page_url}?protocol={protocol}"))
            await context.close()
        page = await browser.new_page(viewport={"width": 360, "height": 740})
        await page.goto(f"{page_url}?protocol={protocol}")
        await asyncio.sleep(SETTLE_SECONDS)
        delays = []
        for _ in range(SAMPLES):
            read = await page.evaluate(READ_CLOCK, [WIDTH, HEIGHT, BITS, SQUARE])
            if read is not None:
                delays.append((((read["now"] & 0xFFFFFFFF) - read["stamp"]) & 0xFFFFFFFF) / 1000)
            await asyncio.sleep(0.25)
        await browser.close()
    return Delay(protocol, median(delays), max(delays), median(firsts))


async def first_picture(page: Page, url: str) -> float:
    """Seconds from navigation to the first video frame on screen, by the page's own clock."""
    await page.goto(url, wait_until="commit")
    shown = await page.evaluate(
        """() => new Promise((resolve) => {
          const look = () => {
            const video = document.querySelector("video");
            const shown = video && video.readyState >= 2 && video.getVideoPlaybackQuality().totalVideoFrames > 0;
            if (shown) resolve(performance.now());
            else requestAnimationFrame(look);
          };
          look();
        })"""
    )
    return float(shown) / 1000


def publisher(url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "bench.latency", url], stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    publish(sys.argv[1])
