"""Streams with one fault each, and a clean one, through the real decoders; time is moved by hand."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from streaming.health.meter import HealthMeter
from streaming.media import AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK, Format, Packet, Track
from streaming.stream import Stream
from tests.support.media import aac, h264

Fault = Callable[[Packet, float], Packet | None]
"""A packet and its second of media, to what the encoder with that fault would have sent."""


class HandClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> float:
        return self.now


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


class Feed:
    """Ten seconds of real media, looped for as long as a test runs, second by second."""

    def __init__(self, meter_executor: ThreadPoolExecutor, *, video: tuple[Track, list[Packet]] | None = None) -> None:
        self.clock = HandClock()
        self.stream = Stream("feed")
        self.meter = HealthMeter(self.stream, self.clock, meter_executor)
        self.video_track, self.video = video or h264(10, rate=10, gop=20, noise=True, size=(64, 36))
        self.audio_track, self.audio = aac(10.0267, tone=True)
        self._jitter = random.Random(1)

    async def run(self, seconds: int, fault: Fault | None = None, *, audio: bool = True) -> set[str]:
        """Feed so many seconds; every code that was raised at any moment."""
        raised: set[str] = set()
        tracks = (self.video_track, self.audio_track) if audio else (self.video_track,)
        self.stream.write(Format(tracks, reason="start"))
        start = self.clock.now
        for second in range(seconds):
            for packet in self._second(second, audio=audio):
                media_second = packet.dts / (VIDEO_TIMESCALE if packet.track_id == VIDEO_TRACK else 48_000)
                arrived = replace(packet, arrival=start + media_second + self._jitter.random() * 0.02)
                sent = arrived if fault is None else fault(arrived, media_second)
                if sent is not None:
                    self.stream.write(sent)
            self.clock.now = start + second + 1
            await self.meter.second()
            raised |= {finding.code for finding in self.meter.findings}
        return raised

    def _second(self, second: int, *, audio: bool) -> list[Packet]:
        loop, within = divmod(second, 10)
        packets = [
            replace(packet, dts=packet.dts + loop * 10 * VIDEO_TIMESCALE, pts=packet.pts + loop * 10 * VIDEO_TIMESCALE)
            for packet in self.video
            if within <= packet.dts / VIDEO_TIMESCALE < within + 1
        ]
        if audio:
            length = len(self.audio) * 1024
            packets += [
                replace(packet, dts=packet.dts + loop * length, pts=packet.pts + loop * length)
                for packet in self.audio
                if within <= packet.dts / 48_000 < within + 1
            ]
        return sorted(packets, key=lambda packet: packet.dts / (90_000 if packet.track_id == 0 else 48_000))


@pytest.fixture
async def feed(executor: ThreadPoolExecutor) -> AsyncIterator[Feed]:
    made = Feed(executor)
    yield made
    made.meter.close()


async def test_a_clean_feed_raises_nothing(feed: Feed) -> None:
    assert await feed.run(150) == set()


async def test_gop_of_12_seconds(feed: Feed) -> None:
    def only_each_twelfth(packet: Packet, second: float) -> Packet:
        if packet.track_id == VIDEO_TRACK and packet.keyframe and round(second, 3) % 12:
            return replace(packet, keyframe=False)
        return packet

    assert await feed.run(40, only_each_twelfth) == {"gop_long"}


async def test_no_audio_track(feed: Feed) -> None:
    assert await feed.run(20, audio=False) == {"no_audio"}


async def test_audio_that_stops(feed: Feed) -> None:
    def stops(packet: Packet, second: float) -> Packet | None:
        return None if packet.track_id == AUDIO_TRACK and second > 10 else packet

    assert await feed.run(30, stops) == {"no_audio"}


async def test_a_second_of_silence_in_five(feed: Feed) -> None:
    _, silent = aac(1)

    def gaps(packet: Packet, second: float) -> Packet:
        if packet.track_id == AUDIO_TRACK and second % 5 >= 3.9:
            return replace(packet, payload=silent[20].payload)
        return packet

    assert await feed.run(40, gaps) == {"silence"}


async def test_bitrate_that_swings_by_60_percent(feed: Feed) -> None:
    def swings(packet: Packet, second: float) -> Packet:
        if packet.track_id == VIDEO_TRACK and not packet.keyframe:
            factor = 1.6 if second % 20 < 10 else 0.4
            return replace(packet, payload=(packet.payload * 2)[: int(len(packet.payload) * factor)])
        return packet

    assert await feed.run(60, swings) == {"bitrate_swing"}


async def test_clock_200_ppm_fast(feed: Feed) -> None:
    def fast(packet: Packet, second: float) -> Packet:
        return replace(packet, arrival=packet.arrival - second * 200e-6)

    assert await feed.run(240, fast) == {"clock_drift"}


async def test_a_network_that_begins_to_queue_is_no_drift(feed: Feed) -> None:
    def queued(packet: Packet, second: float) -> Packet:
        return replace(packet, arrival=packet.arrival + (0.04 if second > 80 else 0.0))

    assert await feed.run(240, queued) == set()


async def test_an_encoder_that_catches_up_after_its_start_is_no_drift(feed: Feed) -> None:
    def late(packet: Packet, second: float) -> Packet:
        return replace(packet, arrival=packet.arrival + max(0.4 - second * 0.02, 0))

    assert await feed.run(240, late) == set()


async def test_frozen_picture(executor: ThreadPoolExecutor) -> None:
    feed = Feed(executor, video=h264(10, rate=10, gop=20, luma=120))
    assert await feed.run(40) == {"frozen"}
    feed.meter.close()


async def test_black_picture(executor: ThreadPoolExecutor) -> None:
    feed = Feed(executor, video=h264(10, rate=10, gop=20, luma=16))
    assert await feed.run(20) == {"black"}
    feed.meter.close()


async def test_a_lost_feed_keeps_no_old_findings_after_it_returns(feed: Feed) -> None:
    assert await feed.run(20, audio=False) == {"no_audio"}
    feed.stream.write(Format((feed.video_track, feed.audio_track), discontinuity=True, reason="takeover"))
    assert feed.meter.findings == ()
