"""The forms of a Stream: what passes, what is made anew, when they start and stop, and what they say in trouble."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import pytest

from config.clock import SystemClock
from streaming.codecs import h264
from streaming.media import Codec, End, Format, Item, Packet, Track
from streaming.stream import Stream
from streaming.transcode import Transcoders, TroubleCode
from streaming.transcode import derived as derived_module
from streaming.transcode.lane import Lane
from tests.support.ingest import KeptPublication
from tests.support.media import START_UTC, aac
from tests.support.media import h264 as h264_media
from tests.support.opus import opus
from tests.support.waiting import eventually

SECONDS = 30.0


class Kept:
    def __init__(self) -> None:
        self.items: list[Item] = []

    def receive(self, item: Item) -> None:
        self.items.append(item)

    @property
    def formats(self) -> list[Format]:
        return [item for item in self.items if isinstance(item, Format)]

    def packets(self, track_id: int) -> list[Packet]:
        return [item for item in self.items if isinstance(item, Packet) and item.track_id == track_id]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def forms(pool: ThreadPoolExecutor, **more: Any) -> Transcoders:
    return Transcoders(pool, SystemClock(), **more)


def push(stream: Stream, tracks: Sequence[Track], *lists: Sequence[Packet]) -> None:
    scales = {track.id: track.timescale for track in tracks}
    stream.write(Format(tuple(tracks)))
    for packet in sorted((p for some in lists for p in some), key=lambda p: p.dts / scales[p.track_id]):
        stream.write(packet)


async def test_what_fits_passes_through_at_once_and_untouched(pool: ThreadPoolExecutor) -> None:
    stream, kept = Stream("feed"), Kept()
    form = forms(pool).broadcast(stream)
    form.subscribe(kept)
    (video, pictures), (audio, sounds) = h264_media(1.0), aac(1.0)
    push(stream, [video, audio], pictures, sounds)
    assert kept.formats == [Format((video, audio))]
    assert [p.payload for p in kept.packets(0)] == [p.payload for p in pictures]
    assert not form.encoding
    assert form.trouble is None


async def test_opus_becomes_aac_and_the_format_says_so_before_any_sound(pool: ThreadPoolExecutor) -> None:
    stream, kept = Stream("feed"), Kept()
    form = forms(pool).broadcast(stream)
    form.subscribe(kept)
    (video, pictures), (audio, sounds) = h264_media(2.0), opus(2.0)
    push(stream, [video, audio], pictures, sounds)
    (announced,) = kept.formats
    assert announced.audio is not None
    assert announced.audio.codec is Codec.AAC
    assert isinstance(kept.items[0], Format)
    await eventually(lambda: len(kept.packets(1)) >= 85, SECONDS)
    assert {b.dts - a.dts for a, b in pairwise(kept.packets(1))} == {1024}
    assert len(kept.packets(0)) == len(pictures)


async def test_one_form_serves_all_and_rests_without_them(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derived_module, "LINGER_SECONDS", 0.01)
    stream, first, second = Stream("feed"), Kept(), Kept()
    made = forms(pool)
    form = made.browser(stream)
    assert made.browser(stream) is form
    assert stream.subscriber_count == 0
    form.subscribe(first)
    form.subscribe(second)
    assert stream.subscriber_count == 1
    form.unsubscribe(first)
    assert form.running
    form.unsubscribe(second)
    await eventually(lambda: not form.running, SECONDS)
    assert stream.subscriber_count == 0
    form.subscribe(first)
    assert form.running, "and again"


async def test_case_36_b_frames_are_encoded_away_for_browsers(pool: ThreadPoolExecutor) -> None:
    stream, kept = Stream("feed"), Kept()
    video, pictures = h264_media(2.0, b_frames=2)
    assert any(h264.has_b_slice(picture.payload) for picture in pictures)
    form = forms(pool).browser(stream)
    form.subscribe(kept)
    push(stream, [video], pictures)
    await eventually(lambda: len(kept.packets(0)) >= 45 and form.encoding, SECONDS)
    made = kept.items[kept.items.index(kept.formats[-1]) :]
    track = made[0].video if isinstance(made[0], Format) else None
    packets = [item for item in made if isinstance(item, Packet)]
    assert packets[0].keyframe
    assert all(packet.dts == packet.pts and not h264.has_b_slice(packet.payload) for packet in packets)
    assert {b.dts - a.dts for a, b in pairwise(packets)} == {3600}
    assert all(abs(packet.arrival - START_UTC) < 10 for packet in packets)
    assert track is not None
    assert frames(track, packets) >= 45


async def test_case_36_b_frames_are_refused_with_the_reason_where_that_is_set(pool: ThreadPoolExecutor) -> None:
    stream, kept = Stream("feed"), Kept()
    video, pictures = h264_media(1.0, b_frames=2)
    push(stream, [video], pictures)
    form = forms(pool, reencode_for_browsers=False).browser(stream)
    assert form.trouble is not None, "known before anybody joins"
    form.subscribe(kept)
    assert form.trouble.code is TroubleCode.B_FRAMES
    assert "B 帧" in form.trouble.zh
    assert kept.items == []


async def test_a_change_of_feed_changes_the_way_and_time_goes_on(pool: ThreadPoolExecutor) -> None:
    stream, kept = Stream("program"), Kept()
    form = forms(pool).broadcast(stream)
    form.subscribe(kept)
    sound, sounds = opus(1.0)
    stream.write(Format((sound,)))
    for packet in sounds:
        stream.write(packet)
    await eventually(lambda: len(kept.packets(1)) > 40, SECONDS)
    track, packets = aac(1.0, rate=44_100)
    stream.write(Format((track,), True, "switch"))
    for packet in packets:
        stream.write(packet.at(packet.dts + 44_100 * 2, packet.pts + 44_100 * 2, 1024))
    assert [f.audio.sample_rate for f in kept.formats if f.audio] == [48_000, 44_100]
    assert kept.formats[-1].discontinuity
    assert len(kept.packets(1)) > 80


async def test_a_form_ends_with_its_source(pool: ThreadPoolExecutor) -> None:
    stream, kept = Stream("feed"), Kept()
    made = forms(pool)
    made.broadcast(stream).subscribe(kept)
    stream.write(End())
    assert kept.items == [End()]
    other, later = Stream("feed"), Kept()
    made.broadcast(other).subscribe(later)
    made.release(other)
    assert later.items == [End()]
    assert other.subscriber_count == 0


async def test_vp8_becomes_h264_before_it_reaches_the_feed(pool: ThreadPoolExecutor) -> None:
    inner = KeptPublication("key", None, lambda reason: None)  # type: ignore[arg-type]
    publication = forms(pool).publication(inner)
    track, packets = vp8(2.0)
    sound, sounds = opus(0.5)
    publication.write(Format((track, sound)))
    for packet in packets:
        publication.write(packet)
    await eventually(lambda: len(inner.packets) >= 45, SECONDS)
    for packet in sounds:
        publication.write(packet)
    (announced,) = inner.formats
    assert announced.video is not None
    assert announced.video.codec is Codec.H264
    assert announced.audio == sound
    pictures = [packet for packet in inner.packets if packet.track_id == 0]
    assert pictures[0].keyframe
    assert frames(announced.video, pictures) >= 45
    assert [packet for packet in inner.packets if packet.track_id == 1] == sounds
    publication.close("gone")
    assert inner.closed == "gone"


class Slow:
    """Work that waits to be let go."""

    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate

    def feed(self, packets: Sequence[Packet]) -> list[Format | Packet]:
        assert self.gate.wait(SECONDS)
        return list(packets)


async def test_a_machine_that_is_too_slow_drops_up_to_the_next_key_frame(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.transcode.lane.MAX_WAITING", 60)
    gate, delivered = threading.Event(), list[Any]()
    lane = Lane(pool, lambda: Slow(gate), delivered.extend, video=True)
    _, pictures = h264_media(6.0, gop=50)
    for picture in pictures:
        lane.put(picture)
    assert lane.strained
    gate.set()
    await eventually(lambda: len(delivered) + lane.dropped == len(pictures), SECONDS)
    assert delivered == [pictures[0], *pictures[100:]]
    lane.close()


async def test_damage_is_counted_and_said_and_the_next_key_frame_heals(pool: ThreadPoolExecutor) -> None:
    class Bad:
        def feed(self, packets: Sequence[Packet]) -> list[Format | Packet]:
            if broken:
                raise av.InvalidDataError(1, "damaged")
            return list(packets)

    broken, delivered = True, list[Any]()
    lane = Lane(pool, Bad, delivered.extend, video=False)
    _, sounds = opus(1.0)
    for sound in sounds[:30]:
        lane.put(sound)
        await asyncio.sleep(0)
    await eventually(lambda: lane.dropped == 30, SECONDS)
    for sound in sounds[30:36]:
        seen = lane.dropped
        lane.put(sound)
        await eventually(lambda seen=seen: lane.dropped > seen, SECONDS)  # type: ignore[misc]
    assert lane.broken
    broken = False
    lane.put(sounds[40])
    await eventually(lambda: delivered == [sounds[40]], SECONDS)
    assert not lane.broken


def vp8(seconds: float) -> tuple[Track, list[Packet]]:
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 90, "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    packets = []
    for index in range(round(seconds * 25)):
        frame = av.VideoFrame(160, 90, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([index * 4 % 200 + 16]) * plane.buffer_size)
        frame.pts = index
        for packet in encoder.encode(frame):
            at = index * 3600
            packets.append(Packet(0, at, at, 3600, bool(packet.is_keyframe), bytes(packet), START_UTC + index / 25))
    return Track(0, Codec.VP8, 90_000, b""), packets


def frames(track: Track, packets: Sequence[Packet]) -> int:
    """Pictures that a decoder makes of them."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = track.config
    count = sum(len(decoder.decode(av.Packet(packet.payload))) for packet in packets)
    return count + len(decoder.decode(None))
