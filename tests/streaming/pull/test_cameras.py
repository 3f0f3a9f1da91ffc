"""A camera of Debian's GStreamer RTSP server is pulled over TCP and UDP; a stream that is not there is said so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from config.clock import SystemClock
from streaming.events.model import Source
from streaming.media import Codec
from streaming.pull.address import Networks
from streaming.pull.puller import Puller, PullRules
from tests.support.ingest import KeptIngest
from tests.support.waiting import eventually

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).parents[2] / "support" / "rtsp_server.py"
SECONDS = 60.0


pytestmark = pytest.mark.long


@asynccontextmanager
async def camera() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(SYSTEM_PYTHON, str(SERVER), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), SECONDS))
        yield f"rtsp://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def pulled(source: Source, ingest: KeptIngest, folder: Path) -> AsyncIterator[Puller]:
    async def soon(seconds: float) -> None:
        await asyncio.sleep(0.2)

    puller = Puller(source, "the_key_1", ingest, SystemClock(), PullRules(folder, Networks.ANY), pause=soon)
    task = asyncio.create_task(puller.run())
    try:
        yield puller
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_a_camera_is_pulled_and_its_g711_becomes_aac(transport: str, tmp_path: Path) -> None:
    ingest = KeptIngest()
    async with camera() as url, pulled(Source(f"{url}/cam", transport), ingest, tmp_path) as puller:
        await eventually(lambda: bool(ingest.publications) and len(ingest.publications[-1].packets) > 100, SECONDS)
        publication = ingest.publications[-1]
        assert {track.codec for track in publication.formats[-1].tracks} == {Codec.H264, Codec.AAC}
        assert puller.status.state == "live"
        assert publication.packets[-1].arrival > publication.packets[0].arrival


async def test_a_path_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    async with camera() as url, pulled(Source(f"{url}/other"), KeptIngest(), tmp_path) as puller:
        await eventually(lambda: puller.status.reason == "not_found", SECONDS)


async def test_a_camera_that_is_switched_off_is_noticed(tmp_path: Path) -> None:
    ingest = KeptIngest()
    async with AsyncExitStack() as switch:
        url = await switch.enter_async_context(camera())
        async with pulled(Source(f"{url}/cam", "tcp"), ingest, tmp_path) as puller:
            await eventually(lambda: bool(ingest.publications) and bool(ingest.publications[-1].packets), SECONDS)
            await switch.aclose()
            await eventually(lambda: ingest.publications[-1].closed is not None, SECONDS)
            await eventually(lambda: puller.status.reason == "connection_refused", SECONDS)
