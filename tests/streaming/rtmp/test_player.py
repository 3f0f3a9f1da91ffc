"""RTMP playback: addresses however players cut them, shared messages, real players."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import av
import pytest

from config.clock import SystemClock
from streaming.flv.fanout import FlvFanout
from streaming.flv.mux import packet_tag
from streaming.media import Format, Packet
from streaming.rtmp.chunk import ChunkReader
from streaming.rtmp.player import CHUNK_BYTES, Admission, OpenToAll, Players, PlayTarget, parse_target, tag_message
from streaming.rtmp.server import serve_rtmp
from streaming.stream import Stream
from tests.support.ingest import KeptIngest
from tests.support.media import aac, h264
from tests.support.waiting import eventually

SECONDS = 60.0


@pytest.mark.parametrize(
    ("app", "tc_url", "name"),
    [
        ("play/ev1", "rtmp://hub/play/ev1", "v1"),
        ("play", "rtmp://hub/play", "ev1/v1"),
        ("play/ev1", "rtmp://hub:1935/play/ev1", "v1"),
        ("play/ev1/", "rtmp://hub/play/ev1/", "v1"),
        ("", "rtmp://hub/play/ev1", "v1"),
    ],
)
def test_the_address_is_found_however_a_player_cuts_it(app: str, tc_url: str, name: str) -> None:
    assert parse_target(app, tc_url, name) == PlayTarget("ev1", "v1", None, {})


def test_tokens_are_found_wherever_they_stand() -> None:
    for target in (
        parse_target("play/ev1", "rtmp://hub/play/ev1", "v1?token=abc"),
        parse_target("play/ev1?token=abc", "rtmp://hub/play/ev1?token=abc", "v1"),
    ):
        assert target == PlayTarget("ev1", "v1", None, {"token": "abc"})
    assert parse_target("play/feed", "rtmp://hub/play/feed", "f1") == PlayTarget("", "", "f1", {})


@pytest.mark.parametrize("name", ["", "v1/v2", "x" * 3000, "../.."])
def test_what_is_no_address_plays_nothing(name: str) -> None:
    assert parse_target("play/ev1", "rtmp://hub/play/ev1", name) is None
    assert parse_target("live", "rtmp://hub/live", name) is None


@pytest.mark.parametrize("seconds", [0, 4 * 3600 + 39 * 60 + 37, 20 * 86_400])
def test_a_tag_becomes_one_message_at_any_time(seconds: int) -> None:
    track, packets = h264(0.2, size=(640, 360), noise=True)
    reader = ChunkReader()
    reader.chunk_size = CHUNK_BYTES
    moved = [packet.at(packet.dts + seconds * 90_000, packet.pts + seconds * 90_000, 3600) for packet in packets]
    read = reader.feed(b"".join(tag_message(packet_tag(track, packet)) for packet in moved))
    assert [one.timestamp for one in read] == [packet.dts // 90 for packet in moved]
    assert max(len(one.payload) for one in read) > CHUNK_BYTES, "continuation chunks are tried too"
    assert [one.payload[5:] for one in read] == [packet.payload for packet in moved]


class Sources:
    """One program, found or not."""

    def __init__(self) -> None:
        self.stream = Stream("program")
        self.fanout: FlvFanout | None = None

    def open(self) -> None:
        self.fanout = FlvFanout(self.stream, asyncio.get_running_loop(), tag_message)

    def rtmp(self, event_id: str, venue_id: str) -> FlvFanout | None:
        return self.fanout if (event_id, venue_id) == ("ev1", "main") else None

    def feed_rtmp(self, feed_id: str) -> FlvFanout | None:
        return self.fanout


@asynccontextmanager
async def served(sources: Sources, admission: Admission, *, wait_seconds: float = 60) -> AsyncIterator[str]:
    players = Players(sources, admission, wait_seconds=wait_seconds)
    async with serve_rtmp(KeptIngest(), SystemClock(), "127.0.0.1", 0, players=players) as server:
        try:
            yield f"rtmp://127.0.0.1:{server.port}/play/ev1/main"
        finally:
            if sources.fanout is not None:
                sources.fanout.close()
            await eventually(lambda: not server.playing, SECONDS)
            assert players.count == 0


async def keep_writing(stream: Stream) -> None:
    """Real media in real time, round after round."""
    (video, pictures), (audio, sounds) = h264(2.0, gop=25), aac(2.0, tone=True)
    stream.write(Format((video, audio)))
    both = sorted([*pictures, *sounds], key=lambda packet: packet.dts / scale(packet))
    began, offset = time.monotonic(), 0.0
    while True:
        for packet in both:
            at = packet.dts / scale(packet) + offset
            await asyncio.sleep(max(at - (time.monotonic() - began), 0))
            moved = packet.at(
                packet.dts + round(offset * scale(packet)), packet.pts + round(offset * scale(packet)), packet.duration
            )
            stream.write(replace(moved, arrival=time.time()))
        offset += 2.0


def scale(packet: Packet) -> int:
    return 90_000 if packet.track_id == 0 else 48_000


def watch(url: str, frames: int) -> tuple[list[float], int]:
    """Times of the first so many decoded pictures and the number of sounds meanwhile, as PyAV (ffmpeg) plays it."""
    times, sounds = [], 0
    with av.open(url, timeout=SECONDS) as player:
        for frame in player.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                times.append(float(frame.time or 0))
            else:
                sounds += 1
            if len(times) >= frames:
                break
    return times, sounds


async def test_pyav_plays_a_program_from_its_last_key_frame() -> None:
    sources = Sources()
    sources.open()
    async with served(sources, OpenToAll()) as url:
        writing = asyncio.create_task(keep_writing(sources.stream))
        times, sounds = await asyncio.to_thread(watch, url, 40)
        assert len(times) == 40
        assert times == sorted(times)
        assert sounds > 40
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_a_player_that_comes_first_waits_for_the_program() -> None:
    sources = Sources()
    async with served(sources, OpenToAll()) as url:
        watching = asyncio.create_task(asyncio.to_thread(watch, url, 5))
        await asyncio.sleep(0.3)
        assert not watching.done()
        sources.open()
        writing = asyncio.create_task(keep_writing(sources.stream))
        times, _ = await watching
        assert len(times) == 5
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


class NoToken:
    async def admit(self, event_id: str, venue_id: str, protocol: str, query: Mapping[str, str]) -> bool:
        return query.get("token") == "right"

    async def admit_feed(self, feed_id: str, protocol: str, query: Mapping[str, str]) -> bool:
        return False


@pytest.mark.parametrize("query", ["", "?token=wrong"])
async def test_without_the_token_nothing_is_played(query: str) -> None:
    sources = Sources()
    sources.open()
    async with served(sources, NoToken()) as url:
        with pytest.raises(av.FFmpegError):
            await asyncio.to_thread(watch, url + query, 1)


@pytest.mark.long
async def test_with_the_token_it_is() -> None:
    sources = Sources()
    sources.open()
    async with served(sources, NoToken()) as url:
        writing = asyncio.create_task(keep_writing(sources.stream))
        times, _ = await asyncio.to_thread(watch, url + "?token=right", 5)
        assert len(times) == 5
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_what_never_comes_is_refused_in_the_end() -> None:
    async with served(Sources(), OpenToAll(), wait_seconds=0.6) as url:
        with pytest.raises(av.FFmpegError):
            await asyncio.to_thread(watch, url, 1)


@pytest.mark.long
async def test_hundreds_of_half_open_players_are_let_go() -> None:
    sources = Sources()
    async with served(sources, OpenToAll()) as url:
        port = int(url.split(":")[2].split("/")[0])
        writers = []
        for _ in range(300):
            with contextlib.suppress(OSError):
                writers.append((await asyncio.open_connection("127.0.0.1", port))[1])
        for writer in writers:
            writer.close()
        sources.open()
        writing = asyncio.create_task(keep_writing(sources.stream))
        for left in range(20, 0, -1):
            try:
                times, _ = await asyncio.to_thread(watch, url, 5)
                break
            except av.FFmpegError:  # as long as the places of those that left are not free yet
                assert left > 1, "the places never became free"
                await asyncio.sleep(0.5)
        assert len(times) == 5
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


@pytest.mark.long
@pytest.mark.parametrize("element", ["rtmp2src", "rtmpsrc"])
async def test_gstreamer_plays_a_program(element: str) -> None:
    """Debian's GStreamer, with both of its RTMP elements (rtmpsrc is librtmp), decodes 30 pictures and some sound."""
    sources = Sources()
    sources.open()
    async with served(sources, OpenToAll()) as url:
        writing = asyncio.create_task(keep_writing(sources.stream))
        pipeline = (
            f"{element} location={url} ! flvdemux name=d d.video ! queue ! h264parse ! avdec_h264 "
            "! fakesink num-buffers=30 d.audio ! queue ! aacparse ! avdec_aac ! fakesink num-buffers=30"
        )
        process = await asyncio.create_subprocess_exec(
            "gst-launch-1.0", "-q", *pipeline.split(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
        assert process.returncode == 0, said.decode()
        assert b"ERROR" not in said
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
