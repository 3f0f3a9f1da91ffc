"""The hub with a real encoder: takeover, fights over a key, a lost signal and its slate, the red key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import av
import pytest

from config.clock import SystemClock
from streaming.events.model import Event, EventState, Feed, FeedAddress, Rules, Venue
from streaming.hls.writer import open_writer
from streaming.hub import Hub
from streaming.ingest import Peer, Refused
from streaming.media import Format, Item, Packet, Track
from streaming.outputs import Outputs
from streaming.program.slate import CARDS, Card, Shape, Slates, encode_clip
from streaming.transcode import Transcoders
from tests.support.media import aac, h264

KEY = "0123456789abcdefghjkmnpq"
FEED = Feed("feed1", "机位1", KEY)
VENUE = Venue("venue1", "主会场", True, (FEED,))
EVENT = Event("event1", "center1", "灯会", "", EventState.LIVE, Rules(), (VENUE,), 0.0)


class Directory:
    async def find_by_key(self, key: str) -> FeedAddress | None:
        if key != KEY:
            return None
        return FeedAddress("center1", "event1", "venue1", "feed1", "机位1", "主会场", EventState.LIVE)


class Watcher:
    def __init__(self) -> None:
        self.items: list[Item] = []

    def receive(self, item: Item) -> None:
        self.items.append(item)

    @property
    def formats(self) -> list[str]:
        return [item.reason for item in self.items if isinstance(item, Format)]

    def assert_monotonic(self) -> None:
        last: dict[int, float] = {}
        for item in self.items:
            if isinstance(item, Packet):
                scale = 90_000 if item.track_id == 0 else 48_000
                assert item.dts / scale > last.get(item.track_id, -1)
                last[item.track_id] = item.dts / scale


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    clock = SystemClock()
    with ThreadPoolExecutor(2) as pool:
        async with open_writer() as writer:
            slates = Slates(pool)
            outputs = Outputs(tmp_path, writer, clock, pool, Transcoders(pool, clock))
            made = Hub(Directory(), clock, slates, outputs, grace_seconds=60)
            yield made
            await made.close()
            await slates.close()


class Encoder:
    """Two seconds of real media, looped in real time through a publication, as RTMP would deliver it."""

    def __init__(self, hub: Hub, port: int, *, name: str = "OBS", start_ms: int = 0) -> None:
        self.hub, self.peer = hub, Peer("10.0.0.1", port, "rtmp", name)
        self.start_ms = start_ms
        self.evicted: str | None = None
        video_track, video = h264(2, size=(320, 180), rate=25, gop=25)
        audio_track, audio = aac(2)
        self._media = sorted(
            [(packet.dts / 90_000, video_track, packet) for packet in video]
            + [(packet.dts / 48_000, audio_track, packet) for packet in audio],
            key=lambda entry: entry[0],
        )
        self._format = Format((raw(video_track), raw(audio_track)), reason="start")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        def evict(reason: str) -> None:
            self.evicted = reason

        self._publication = await self.hub.admit(KEY, self.peer, evict)
        self._publication.write(self._format)
        self._task = asyncio.create_task(self._push())

    async def _push(self) -> None:
        loop = asyncio.get_running_loop()
        started, round_ = loop.time(), 0
        while True:
            for at, track, packet in self._media:
                due = round_ * 2 + at
                await asyncio.sleep(max(0.0, started + due - loop.time()))
                stamp = (self.start_ms + round(due * 1000)) % 2**32
                self._publication.write(
                    Packet(track.id, stamp, stamp, 0, packet.keyframe, packet.payload, self.hub.clock.utc())
                )
            round_ += 1

    async def stop(self, *, close: bool = True) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if close:
            self._publication.close("stopped")


def raw(track: Track) -> Track:
    return replace(track, timescale=1000)


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> float:
    """Seconds until the condition holds; AssertionError when it never does."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    for _ in range(round(seconds / 0.02)):
        if condition():
            return loop.time() - started
        await asyncio.sleep(0.02)
    raise AssertionError(f"did not come true within {seconds} s")


@pytest.mark.parametrize(
    ("lost", "back"), [(30.0, 30.0), pytest.param(3.0, 1.5, marks=pytest.mark.long)], ids=["in the end", "at once"]
)
async def test_lost_signal_shows_the_slate_and_the_picture_returns(hub: Hub, lost: float, back: float) -> None:
    await hub.event_changed(EVENT)
    program = hub.program("event1", "venue1")
    assert program is not None
    watcher = Watcher()
    program.subscribe(watcher)
    encoder = Encoder(hub, 1)
    await encoder.start()
    await until(lambda: program.status.feed_id == "feed1")
    await asyncio.sleep(1.5)
    await encoder.stop()
    assert hub.feed_status("feed1").state == "lost"
    assert await until(lambda: watcher.formats[-1:] == ["slate"]) < lost
    slate_from = len(watcher.items)
    await until(
        lambda: sum(isinstance(item, Packet) and item.track_id == 0 for item in watcher.items[slate_from:]) >= 5
    )
    again = Encoder(hub, 2)
    await again.start()
    assert await until(lambda: program.status.feed_id == "feed1") < back
    await until(lambda: watcher.formats == ["switch", "slate", "switch"])
    await again.stop()
    watcher.assert_monotonic()


async def test_case_16_the_same_key_takes_over_at_once_and_viewers_stay(hub: Hub) -> None:
    await hub.event_changed(EVENT)
    program = hub.program("event1", "venue1")
    assert program is not None
    watcher = Watcher()
    program.subscribe(watcher)
    first, second = Encoder(hub, 1, start_ms=2**32 - 1500), Encoder(hub, 2)
    await first.start()
    await until(lambda: program.status.feed_id == "feed1")
    await second.start()
    assert first.evicted is not None
    await first.stop()
    await until(lambda: "takeover" in watcher.formats)
    await asyncio.sleep(1.5)
    await second.stop()
    assert "slate" not in watcher.formats
    watcher.assert_monotonic()


async def test_case_16_two_encoders_that_fight_are_told_apart(hub: Hub) -> None:
    await hub.event_changed(EVENT)
    encoders = [Encoder(hub, port, name=f"OBS {port}") for port in range(1, 6)]
    for encoder in encoders[:4]:
        await encoder.start()
        await asyncio.sleep(0.05)
    with pytest.raises(Refused) as refusal:
        await encoders[4].start()
    assert refusal.value.code == "contested"
    status = hub.feed_status("feed1")
    assert status.state == "live" and status.contest is not None
    assert (status.contest.current_encoder, status.contest.refused_encoder) == ("OBS 4", "OBS 5")
    for encoder in encoders[:4]:
        await encoder.stop()


async def test_a_wrong_key_and_an_ended_event_are_refused(hub: Hub) -> None:
    with pytest.raises(Refused) as refusal:
        await hub.admit("wrong", Peer("10.0.0.1", 1, "rtmp"), lambda reason: None)
    assert refusal.value.code == "unknown_key"


@pytest.mark.parametrize("seconds", [30.0, pytest.param(1.0, marks=pytest.mark.long)])
async def test_the_red_key_shows_its_card_at_once_and_has_a_way_back(hub: Hub, seconds: float) -> None:
    await hub.event_changed(EVENT)
    program = hub.program("event1", "venue1")
    assert program is not None
    encoder = Encoder(hub, 1)
    await encoder.start()
    await until(lambda: program.status.feed_id == "feed1")
    await asyncio.sleep(1.5)
    watcher = Watcher()
    program.subscribe(watcher)
    hub.cut("event1")
    assert await until(lambda: watcher.formats[-1:] == ["slate"]) < seconds
    await asyncio.sleep(1.2)
    assert program.status.slate and watcher.formats[-1] == "slate"
    hub.resume("event1")
    await until(lambda: program.status.feed_id == "feed1")
    await encoder.stop()
    watcher.assert_monotonic()


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (1920, 1080), (540, 960)])
def test_a_slate_decodes_from_its_first_packet(size: tuple[int, int]) -> None:
    clip = encode_clip(CARDS / f"{Card.LOST}.png", Shape(size=size))
    video = clip.format.video
    assert video is not None and (video.width, video.height) == size
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = video.config
    packets = [packet for packet in clip.packets if packet.track_id == 0]
    assert packets[0].keyframe and [packet.keyframe for packet in packets].count(True) == 1
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet.payload))]
    frames += decoder.decode(None)
    assert len(frames) == len(packets) == 30
    assert (frames[0].width, frames[0].height) == size
