"""Clocks that start just below a wrap play through: 2^24, 2^31 and 2^32 milliseconds, end to end."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import imageio_ffmpeg
import pytest

from streaming.rtmp.pusher import Pusher, flv_tags
from tests.support.hub_process import HubProcess, hub_process
from tests.support.marks import judge, make_film

pytestmark = [pytest.mark.service, pytest.mark.timeout(180)]

SECONDS = 14
BEFORE_WRAP_MS = 5000
STARTS = {"2^24": 2**24 - BEFORE_WRAP_MS, "2^31": 2**31 - BEFORE_WRAP_MS, "2^32": 2**32 - BEFORE_WRAP_MS}


async def push(url: str, tags: list[tuple[int, int, bytes]], offset: int) -> None:
    """Push FLV tags in real time with every time moved by `offset`, modulo 2^32."""
    address = urlsplit(url)
    app, _, key = address.path.strip("/").partition("/")
    pusher = Pusher(f"rtmp://{address.netloc}/{app}", app, key)
    reader, writer = await asyncio.open_connection(address.hostname, address.port or 1935)
    try:
        while not pusher.accepted:
            assert pusher.refusal is None, pusher.refusal
            writer.write(pusher.data_to_send())
            await writer.drain()
            if not pusher.accepted:
                pusher.receive_data(await reader.read(65536))
        loop = asyncio.get_running_loop()
        began = loop.time()
        for type_id, time, body in tags:
            await asyncio.sleep(max(0.0, began + time / 1000 - loop.time()))
            pusher.send_tag(type_id, (time + offset) % 2**32, body)
            writer.write(pusher.data_to_send())
            await writer.drain()
        pusher.finish()
        writer.write(pusher.data_to_send())
        await writer.drain()
    finally:
        writer.close()


async def record(url: str, path: Path, seconds: float) -> str:
    """Copy an output with ffmpeg for some seconds; what it complained of."""
    process = await asyncio.create_subprocess_exec(
        *(
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "warning",
            "-y",
            "-i",
            url,
            "-t",
            str(seconds),
            "-c",
            "copy",
            str(path),
        ),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, complaints = await process.communicate()
    return complaints.decode()


async def one(hub: HubProcess, film: list[tuple[int, int, bytes]], offset: int, directory: Path) -> None:
    event = await asyncio.to_thread(hub.create_event)
    await asyncio.to_thread(hub.start_event, event["id"])
    venue = event["venues"][0]
    base = f"{hub.url}/live/{event['id']}/{venue['id']}"
    pushing = asyncio.create_task(push(venue["feeds"][0]["ingest"]["rtmp_url"], film, offset))
    await asyncio.sleep(3)
    outputs = {"hls": (f"{base}/index.m3u8", directory / "hls.mp4"), "flv": (f"{base}.flv", directory / "flv.flv")}
    complaints = await asyncio.gather(*(record(url, path, SECONDS - 5) for url, path in outputs.values()))
    await pushing
    for (name, (_, path)), complaint in zip(outputs.items(), complaints, strict=True):
        assert "non-monoton" not in complaint.lower() and "error" not in complaint.lower(), f"{name}: {complaint}"
        verdict = await asyncio.to_thread(judge, path)
        assert (verdict.undecodable, verdict.backward) == (0, 0), name
        assert len(verdict.flashes) >= 6, name
        steps = [later - earlier for earlier, later in zip(verdict.flashes, verdict.flashes[1:], strict=False)]
        assert all(abs(step - 1) < 0.045 for step in steps), f"{name}: {steps}"
        # a flash at either end may have lost its beep
        assert all(abs(distance) < 0.05 for distance in verdict.distances[1:-1]), name


async def test_case_02_and_04_wraps_play_through(tmp_path: Path) -> None:
    film = [tag for tag in flv_tags(make_film(tmp_path / "film.flv", SECONDS).read_bytes()) if tag[0] in (8, 9)]
    with hub_process(tmp_path / "data") as hub:
        for name in STARTS:
            (tmp_path / name).mkdir()
        await asyncio.gather(*(one(hub, film, start, tmp_path / name) for name, start in STARTS.items()))
