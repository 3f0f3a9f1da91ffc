"""Real sources are pulled: a film in a loop, HTTP-FLV; unreachable ones are said in words and tried again."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from config.clock import SystemClock
from streaming.events.model import Event, EventState, Feed, Rules, Source, Venue
from streaming.ingest import Peer, Publication
from streaming.media import Codec
from streaming.pull.address import Networks
from streaming.pull.puller import Puller, PullRules
from streaming.pull.pullers import Pullers, open_pullers
from tests.support.ingest import KeptIngest
from tests.support.waiting import eventually

SECONDS = 60.0


def event(source: Source | None, state: EventState = EventState.LIVE) -> Event:
    feed = Feed("feed-1", "西湖", "the_key_1", source)
    return Event("event-1", "c", "慢直播", "", state, Rules(), (Venue("v", "主会场", True, (feed,)),), 0.0)


@asynccontextmanager
async def pulling(ingest: KeptIngest, folder: Path) -> AsyncIterator[Pullers]:
    async with open_pullers(ingest, SystemClock(), PullRules(folder, Networks.ANY)) as pullers:
        yield pullers


def children() -> set[int]:
    """Process ids of ours that have a parent in this process."""
    found = set()
    for entry in Path("/proc").iterdir():
        name = entry.name
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == os.getpid() and "ffmpeg" in stat:
                found.add(int(name))
    return found


async def test_a_playlist_of_films_runs_in_a_loop_while_the_event_is_live(film: Path) -> None:
    ingest = KeptIngest()
    async with pulling(ingest, film.parent) as pullers:
        live = event(Source("file:film.mp4,film.mkv"))
        pullers.event_changed(live)
        await asyncio.wait_for(ingest.published.wait(), SECONDS)
        publication = ingest.publications[0]
        await eventually(lambda: len(publication.packets) > 40, SECONDS)
        assert publication.peer.protocol == "pull-file"
        assert {track.codec for track in publication.formats[0].tracks} == {Codec.H264, Codec.AAC}
        status = pullers.status("feed-1")
        assert status is not None
        assert status.state == "live"
        pullers.event_changed(replace(live, state=EventState.ENDED))
        await eventually(lambda: publication.closed is not None and not children(), SECONDS)
        assert pullers.status("feed-1") is None


async def test_http_flv_is_pulled_and_a_changed_source_is_another(film: Path) -> None:
    ingest = KeptIngest()
    async with flv_server(film) as url, pulling(ingest, film.parent) as pullers:
        pullers.event_changed(event(Source(url)))
        await eventually(lambda: bool(ingest.publications) and len(ingest.publications[0].packets) > 20, SECONDS)
        pullers.event_changed(event(None))
        await eventually(lambda: ingest.publications[0].closed is not None, SECONDS)
        assert pullers.count == 0


async def test_an_unreachable_source_is_said_in_words_and_never_takes_the_feed(tmp_path: Path) -> None:
    ingest, pauses = KeptIngest(), list[float]()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            await asyncio.Event().wait()

    rules = PullRules(tmp_path, Networks.ANY)
    puller = Puller(Source(f"rtsp://127.0.0.1:{port}/1"), "the_key_1", ingest, SystemClock(), rules, pause=pause)
    task = asyncio.create_task(puller.run())
    await eventually(lambda: len(pauses) == 3, SECONDS)
    assert pauses == [1, 2, 4]
    assert (puller.status.state, puller.status.reason) == ("waiting", "connection_refused")
    assert ingest.publications == []
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("url", "networks", "reason"),
    [
        ("http://127.0.0.1:1/a.flv", Networks.PRIVATE, "source_network"),
        ("file:none.mp4", Networks.PRIVATE, "source_file"),
        ("http://no-such-host.invalid/a.flv", Networks.PRIVATE, "unknown_host"),
    ],
)
async def test_what_may_not_be_pulled_starts_no_process(
    tmp_path: Path, url: str, networks: Networks, reason: str
) -> None:
    paused = asyncio.Event()

    async def pause(seconds: float) -> None:
        paused.set()
        await asyncio.Event().wait()

    puller = Puller(Source(url), "key", KeptIngest(), SystemClock(), PullRules(tmp_path, networks), pause=pause)
    task = asyncio.create_task(puller.run())
    await asyncio.wait_for(paused.wait(), SECONDS)
    assert puller.status.reason == reason
    assert not children()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_camera_that_sends_nothing_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.gateway.intake.START_SECONDS", 1.0)
    connected = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    paused = asyncio.Event()

    async def pause(seconds: float) -> None:
        paused.set()
        await asyncio.Event().wait()

    rules = PullRules(tmp_path, Networks.ANY)
    puller = Puller(Source(f"http://127.0.0.1:{port}/a.flv"), "k", KeptIngest(), SystemClock(), rules, pause=pause)
    puller._intake._start_seconds = 1.5
    task = asyncio.create_task(puller.run())
    await asyncio.wait_for(paused.wait(), SECONDS)
    assert puller.status.reason == "no_media"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    server.close()


@pytest.mark.long
async def test_an_encoder_that_takes_the_feed_over_is_not_fought(film: Path) -> None:
    class Evicting(KeptIngest):
        async def admit(self, key: str, peer: Peer, evict):  # type: ignore[no-untyped-def]
            publication: Publication = await super().admit(key, peer, evict)
            asyncio.get_running_loop().call_later(1.0, evict, "another came")
            return publication

    ingest, pauses = Evicting(), list[float]()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.Event().wait()

    rules = PullRules(film.parent, Networks.ANY)
    puller = Puller(Source("file:film.mp4"), "key_of_one", ingest, SystemClock(), rules, pause=pause)
    task = asyncio.create_task(puller.run())
    await eventually(lambda: pauses == [60.0], SECONDS)
    assert puller.status.reason == "evicted"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def flv_server(film: Path) -> AsyncIterator[str]:
    """The film as HTTP-FLV, in real time, to whoever asks."""
    from streaming.gateway.process import ffmpeg_binary

    async def play(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "video/x-flv"})
        await response.prepare(request)
        command = [ffmpeg_binary(), "-v", "error", "-re", "-stream_loop", "-1", "-i", str(film), "-c", "copy"]
        process = await asyncio.create_subprocess_exec(*command, "-f", "flv", "pipe:1", stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        try:
            while data := await process.stdout.read(65536):
                await response.write(data)
        except ConnectionError:
            pass
        finally:
            process.kill()
            await process.wait()
        return response

    app = web.Application()
    app.router.add_get("/live.flv", play)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/live.flv"
    finally:
        await runner.cleanup()
