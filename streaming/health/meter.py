"""Measures one feed's Stream for the health rules, once a second, decoding beside the loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from config.clock import Clock
from streaming.health.picture import SILENT_DBFS, Picture, SoundMeter, decode_picture
from streaming.health.rules import Finding, Measures, Watch
from streaming.media import End, Format, Item, Packet, Track
from streaming.stream import Stream

PICTURE_SECONDS = 2.0
"""A key frame is looked at this often at most: decoding 1080p costs about 10 ms."""
SILENCE_WINDOW = 15
"""Seconds; long enough for three silences of 'a second in five'."""
BITRATE_BIN = 5.0
BITRATE_BINS = 6
"""Half a minute of five-second means: key frames average out."""
DRIFT_BIN = 5.0
DRIFT_BINS = range(30, 73)
"""From 150 s on the least delay of each bin tells a drift of 120 ppm from network jitter; 6 minutes are kept."""
START_SECONDS = 20.0
"""An encoder that has just started catches up with its own camera; that is no drift."""
GOPS_KEPT = 3
QUIET_SECONDS = 3.0
"""A feed that sent nothing for this long is lost; its own state says so, and old measures say nothing."""


class HealthMeter:
    """Subscriber of a feed's Stream; `findings` says what is wrong now. `close()` ends it.

    The executor is the seam to the decoders: at most one job of this meter is in it at a time, and what arrives
    meanwhile is the next job's, bounded by a second of sound and one key frame.
    """

    def __init__(self, stream: Stream, clock: Clock, executor: ThreadPoolExecutor) -> None:
        self._stream = stream
        self._clock = clock
        self._executor = executor
        self._watch = Watch()
        self._loop = asyncio.get_running_loop()
        self._job: asyncio.Task[None] | None = None
        self.reset()
        stream.subscribe(self)
        self._timer = self._loop.call_later(1.0, self._tick)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self._watch.findings

    def close(self) -> None:
        self._timer.cancel()
        self._stream.unsubscribe(self)
        if self._job is not None:
            self._job.cancel()

    def reset(self) -> None:
        """A new publisher, or none: measure from the start."""
        self._watch.clear()
        self._video: Track | None = None
        self._audio: Track | None = None
        self._first_at: float | None = None
        self._last_at = 0.0
        self._last_audio_at = 0.0
        self._key_dts: int | None = None
        self._video_dts = 0
        self._gops: deque[float] = deque(maxlen=GOPS_KEPT)
        self._key_frame: Packet | None = None
        self._picture_at = 0.0
        self._picture: Picture | None = None
        self._same_since: float | None = None
        self._black_since: float | None = None
        self._sound: SoundMeter | None = None
        self._sound_packets: list[Packet] = []
        self._silent: deque[bool] = deque(maxlen=SILENCE_WINDOW)
        self._bins: deque[int] = deque(maxlen=BITRATE_BINS)
        self._bin_bytes = 0
        self._bin_started = 0.0
        self._delays: deque[tuple[float, float]] = deque(maxlen=DRIFT_BINS.stop - 1)
        self._delay_bin: tuple[float, float] | None = None

    def receive(self, item: Item) -> None:
        match item:
            case Packet():
                self._receive_packet(item)
            case Format():
                if item.discontinuity or (item.video, item.audio) != (self._video, self._audio):
                    self.reset()
                self._video, self._audio = item.video, item.audio
                self._sound = SoundMeter(item.audio) if item.audio else None
            case End():
                self.reset()

    def _receive_packet(self, packet: Packet) -> None:
        arrival = packet.arrival
        if self._first_at is None:
            self._first_at = self._bin_started = arrival
            self._last_audio_at = arrival
        self._last_at = arrival
        self._count_bytes(packet)
        if packet.track_id == 0 and self._video is not None:
            self._video_dts = packet.dts
            if packet.keyframe:
                if self._key_dts is not None:
                    self._gops.append((packet.dts - self._key_dts) / self._video.timescale)
                self._key_dts = packet.dts
                self._key_frame = packet
            self._measure_delay(arrival, arrival - packet.dts / self._video.timescale)
        elif self._audio is not None:
            self._last_audio_at = arrival
            self._sound_packets.append(packet)
            if self._video is None:
                self._measure_delay(arrival, arrival - packet.dts / self._audio.timescale)

    def _count_bytes(self, packet: Packet) -> None:
        if packet.arrival - self._bin_started >= BITRATE_BIN:
            self._bins.append(self._bin_bytes)
            self._bin_bytes, self._bin_started = 0, packet.arrival
        self._bin_bytes += len(packet.payload)

    def _measure_delay(self, arrival: float, delay: float) -> None:
        if self._first_at is None or arrival - self._first_at < START_SECONDS:
            return
        if self._delay_bin is None:
            self._delay_bin = (arrival, delay)
        elif arrival - self._delay_bin[0] >= DRIFT_BIN:
            self._delays.append(self._delay_bin)
            self._delay_bin = (arrival, delay)
        else:
            self._delay_bin = (self._delay_bin[0], min(delay, self._delay_bin[1]))

    def _tick(self) -> None:
        self._timer = self._loop.call_later(1.0, self._tick)
        if self._job is None or self._job.done():
            self._job = self._loop.create_task(self.second())

    async def second(self) -> None:
        """Decode what came since the last one, measure, and apply the rules. Once a second, by the meter itself."""
        now = self._clock.utc()
        if self._first_at is None or now - self._last_at > QUIET_SECONDS:
            return
        await self._listen()
        await self._watch_picture()
        self._watch.look(self.measures(now), now)

    async def _listen(self) -> None:
        sound, packets, self._sound_packets = self._sound, self._sound_packets, []
        if sound is None or not packets:
            return
        level = await self._loop.run_in_executor(self._executor, sound.level, packets)
        if level is not None and sound is self._sound:
            self._silent.append(level <= SILENT_DBFS)

    async def _watch_picture(self) -> None:
        packet, track = self._key_frame, self._video
        if packet is None or track is None or packet.arrival - self._picture_at < PICTURE_SECONDS:
            return
        self._key_frame, self._picture_at = None, packet.arrival
        picture = await self._loop.run_in_executor(self._executor, decode_picture, track, packet)
        if picture is not None and track is self._video:
            self._compare(picture, packet.arrival)

    def _compare(self, picture: Picture, arrival: float) -> None:
        if self._picture is None or not picture.same_as(self._picture):
            self._picture, self._same_since = picture, arrival
        if not picture.black:
            self._black_since = None
        elif self._black_since is None:
            self._black_since = arrival

    def measures(self, now: float) -> Measures:
        """The feed as it stands, at UTC `now`."""
        running_gop = 0.0
        if self._video is not None and self._key_dts is not None:
            running_gop = (self._video_dts - self._key_dts) / self._video.timescale
        return Measures(
            age_seconds=now - (self._first_at if self._first_at is not None else now),
            has_video=self._video is not None,
            has_audio=self._audio is not None,
            gop_seconds=max(running_gop, *self._gops, 0.0),
            audio_gap_seconds=self._last_at - self._last_audio_at,
            silent_share=sum(self._silent) / SILENCE_WINDOW if len(self._silent) == SILENCE_WINDOW else None,
            bitrate_swing=_swing(self._bins),
            clock_ppm=_drift_ppm(tuple(self._delays)),
            frozen_seconds=self._picture_at - self._same_since if self._same_since is not None else 0.0,
            black_seconds=self._picture_at - self._black_since if self._black_since is not None else 0.0,
        )


def _swing(bins: deque[int]) -> float | None:
    if len(bins) < BITRATE_BINS or not sum(bins):
        return None
    return (max(bins) - min(bins)) / (max(bins) + min(bins))


def _drift_ppm(delays: Sequence[tuple[float, float]]) -> float | None:
    """What both halves of the time show alike, by the slopes of their least delays; 0 when they disagree.

    A clock drifts evenly. A network that begins to queue, or an encoder short of processor, shows in one half only.
    An encoder whose clock runs fast sends ever earlier by its own stamps: positive.
    """
    if len(delays) not in DRIFT_BINS:
        return None
    middle = len(delays) // 2
    first, second = _slope(delays[:middle]), _slope(delays[middle:])
    even = min(first, second, key=abs) if first * second > 0 else 0.0
    return -even * 1e6


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """By least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
