"""Synthetic cameras: ffmpeg children that push a moving picture with the venue's name, a running clock and a tone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import imageio_ffmpeg
import structlog
from PIL import ImageFont

from config.embedded.child import start_child, stop_child

BACKDROPS = Path(__file__).parent / "backdrops"
RESTART_SECONDS = 2.0
RATE = 25
GOP_SECONDS = 2
FONT, CLOCK = "digits.ttf", "clock.txt"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Camera:
    backdrop: str
    sky: tuple[str, str, str]
    """Three colours that drift behind the hills."""
    hertz: int


CAMERAS = (
    Camera("main", ("0xF2A65A", "0xD9576B", "0x5B4B8A"), 440),
    Camera("branch", ("0x7FC8E8", "0x3E7CB1", "0x9AD1B3"), 330),
)


@asynccontextmanager
async def cameras(directory: Path, push_urls: Sequence[str]) -> AsyncIterator[None]:
    """Push to each address while the context is open; a camera that ends is started again."""
    await asyncio.to_thread(_write_clock, directory)
    tasks = [
        asyncio.create_task(_push(camera_command(camera, directory, url), directory / f"{camera.backdrop}.log"))
        for camera, url in zip(CAMERAS, push_urls, strict=True)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def camera_command(camera: Camera, directory: Path, url: str) -> list[str]:
    """The ffmpeg command line: 720p, 25 frames a second, about 1.5 Mb/s, a key frame every 2 s."""
    colours = ":".join(f"c{index}={colour}" for index, colour in enumerate(camera.sky))
    font, text = _escaped(directory / FONT), _escaped(directory / CLOCK)
    clock = f"drawtext=fontfile={font}:textfile={text}:fontsize=54:fontcolor=white:x=40:y=40"
    sky = "[0:v]format=yuv420p,scale=1280:720:flags=fast_bilinear[sky]"
    graph = f"{sky};[sky][1:v]overlay=format=yuv420[scene];[scene]{clock},format=yuv420p[v]"
    gop = str(GOP_SECONDS * RATE)
    return [
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "warning", "-nostdin",
        "-re", "-f", "lavfi", "-i", f"gradients=size=320x180:rate={RATE}:speed=0.02:nb_colors=3:{colours}",
        "-i", str(BACKDROPS / f"{camera.backdrop}.png"),
        "-re", "-f", "lavfi", "-i", f"sine=frequency={camera.hertz}:sample_rate=48000,volume=0.2",
        "-filter_complex", graph, "-map", "[v]", "-map", "2:a",
        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1", "-b:v", "1500k",
        "-maxrate", "1800k", "-bufsize", "1500k", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0",
        "-c:a", "aac", "-b:a", "96k", "-ac", "2", "-f", "flv", "-flvflags", "no_duration_filesize", url,
    ]  # fmt: skip


async def _push(command: Sequence[str], output: Path) -> None:
    while True:
        await asyncio.to_thread(output.unlink, missing_ok=True)
        child = start_child(command, output)  # on the main thread: children die with the thread that made them
        try:
            await asyncio.to_thread(child.wait)
        finally:
            await asyncio.shield(asyncio.to_thread(stop_child, child, seconds=3))
        log.warning("demo camera ended, starting it again", log=str(output))
        await asyncio.sleep(RESTART_SECONDS)


def _write_clock(directory: Path) -> None:
    """What ffmpeg draws the time with. Pillow carries a small font; a fresh machine may have none."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / CLOCK).write_text("%{localtime:%X}")
    font = ImageFont.load_default(40)
    if not isinstance(font, ImageFont.FreeTypeFont) or not isinstance(font.path, BytesIO):
        raise RuntimeError("this Pillow was built without FreeType")
    (directory / FONT).write_bytes(font.path.getvalue())


def _escaped(path: Path) -> str:
    """A path as an option of a filter in a graph: two rounds of unescaping."""
    return str(path).replace("\\", r"\\\\").replace(":", r"\\:").replace("'", r"\\\'").replace(",", r"\,")
