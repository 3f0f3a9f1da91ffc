"""A Stream made from another: what is right passes through, the rest goes through a lane; alive while it is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import Enum, auto

import structlog

from config.clock import Clock
from streaming.codecs import h264
from streaming.media import Codec, End, Format, Item, Packet, Track
from streaming.stream import Stream, Subscriber
from streaming.transcode.audio import AudioTranscoder, derived_track
from streaming.transcode.lane import Lane
from streaming.transcode.trouble import Trouble, TroubleCode
from streaming.transcode.video import VideoTranscoder

LINGER_SECONDS = 5.0
"""A reloaded page finds the form still running: no new decoder, no new first picture."""
MAX_KNOWN_B_FRAMES = 16
"""Configurations remembered as having B-frames; a feed has one or two."""

log = structlog.get_logger(__name__)


class Way(Enum):
    """What becomes of a track."""

    PASS = auto()
    ENCODE = auto()
    REFUSE = auto()


@dataclass(frozen=True, slots=True)
class Form:
    """What a derived stream carries."""

    name: str
    audio: Codec
    any_video: bool
    """False: H.264 without B-frames only."""
    reencode: bool = True
    """Whether video that does not fit is encoded again; False: refused, with the reason."""


class DerivedStream(Stream):
    """One form of one source. Made by `Transcoders`; ends with its source or by `close`."""

    def __init__(self, source: Stream, form: Form, executor: Executor, clock: Clock) -> None:
        super().__init__(f"{source.name} ({form.name})")
        self._source, self._form, self._executor, self._clock = source, form, executor, clock
        self._ear = _Ear(self)
        self._running = False
        self._linger: asyncio.TimerHandle | None = None
        self._generation = 0
        self._video_way = self._audio_way = Way.PASS
        self._video_lane: Lane | None = None
        self._audio_lane: Lane | None = None
        self._announced = False
        """Whether this Format of the source has been passed on."""
        self._ever_announced = False
        self._incoming: Format | None = None
        self._ends: dict[int, float] = {}
        """Seconds up to which each track has been sent."""
        self._b_frames: dict[bytes, None] = {}
        self._refusal: Trouble | None = None
        self._troubled: Trouble | None = None
        self._packets_dropped = 0

    @property
    def source(self) -> Stream:
        return self._source

    @property
    def running(self) -> bool:
        """Whether it listens to its source now."""
        return self._running

    @property
    def encoding(self) -> bool:
        """Whether it keeps a codec busy."""
        return self._running and Way.ENCODE in (self._video_way, self._audio_way)

    @property
    def dropped(self) -> int:
        """Packets lost for want of time or to damage, in all."""
        return self._packets_dropped + sum(lane.dropped for lane in self._lanes())

    @property
    def lag(self) -> float:
        """Seconds that the slower lane is behind."""
        return max((lane.lag for lane in self._lanes()), default=0.0)

    @property
    def trouble(self) -> Trouble | None:
        """Known before anybody subscribes, as far as the source's cached GOP tells."""
        if not self._running:
            return self._foreseen()
        if self._refusal is not None:
            return self._refusal
        if any(lane.broken for lane in self._lanes()):
            return self._tell(TroubleCode.BROKEN)
        if any(lane.strained for lane in self._lanes()):
            return self._tell(TroubleCode.TOO_SLOW)
        self._troubled = None
        return None

    def subscribe(self, subscriber: Subscriber) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if not self._running and not self.ended:
            self._running = True
            self._source.subscribe(self._ear)
        super().subscribe(subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        super().unsubscribe(subscriber)
        if self._running and not self.subscriber_count and self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._stop)

    def close(self) -> None:
        """Let go of the source and end."""
        self._stop()
        if not self.ended:
            self.write(End())

    def _stop(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._running:
            self._running = False
            self._source.unsubscribe(self._ear)
            self._close_lanes()
            self.format, self._incoming, self._announced = None, None, False
            self._clear_gop()

    def hear(self, item: Item) -> None:
        """An item of the source."""
        match item:
            case Packet():
                self._packet(item)
            case Format():
                self._begin(item)
            case End():
                self._running = False
                self._close_lanes()
                if not self.ended:
                    self.write(item)

    def _begin(self, item: Format) -> None:
        """A Format of the source: decide for each track, and pass it on as soon as all of it is known."""
        self._close_lanes()
        self._generation += 1
        self._incoming, self._announced, self._refusal = item, False, None
        self._video_way, self._audio_way = self._way_of_video(item.video), Way.PASS
        if self._video_way is Way.REFUSE:
            assert item.video is not None
            self._refuse(TroubleCode.B_FRAMES if item.video.codec is Codec.H264 else TroubleCode.CODEC)
            return
        if item.video is not None and self._video_way is Way.ENCODE:
            self._video_lane = self._lane(lambda track=item.video: VideoTranscoder(track), video=True)  # type: ignore[misc]
        if item.audio is not None and item.audio.codec is not self._form.audio:
            self._audio_way = Way.ENCODE
            codec = self._form.audio
            self._audio_lane = self._lane(lambda track=item.audio: AudioTranscoder(track, codec), video=False)  # type: ignore[misc]
        if self._video_way is Way.PASS:
            self._announce(item.video, item.discontinuity, item.reason)

    def _way_of_video(self, track: Track | None) -> Way:
        if track is None or self._form.any_video:
            return Way.PASS
        fits = track.codec is Codec.H264 and track.config not in self._b_frames
        if fits and any(
            packet.track_id == track.id and h264.has_b_slice(packet.payload) for packet in self._source.gop
        ):
            self._remember_b_frames(track)
            fits = False
        return Way.PASS if fits else Way.ENCODE if self._form.reencode else Way.REFUSE

    def _remember_b_frames(self, track: Track) -> None:
        self._b_frames[track.config] = None
        while len(self._b_frames) > MAX_KNOWN_B_FRAMES:
            del self._b_frames[next(iter(self._b_frames))]

    def _announce(self, video: Track | None, discontinuity: bool, reason: str) -> None:
        assert self._incoming is not None
        audio = self._incoming.audio
        tracks = tuple(track for track in (video, derived_track(audio, self._form.audio) if audio else None) if track)
        self._announced = True
        self.write(Format(tracks, discontinuity or self._ever_announced, reason))
        self._ever_announced = True

    def _packet(self, packet: Packet) -> None:
        if self._incoming is None or self._refusal is not None:
            return
        track = self._incoming.track(packet.track_id)
        if track is None:
            return
        if not track.is_video:
            if self._audio_lane is not None:
                self._audio_lane.put(packet)
            else:
                self._send(packet)
        elif self._video_lane is not None:
            self._video_lane.put(packet)
        elif not self._form.any_video and not packet.keyframe and h264.has_b_slice(packet.payload):
            self._b_frames_appear(track, packet)
        else:
            self._send(packet)

    def _b_frames_appear(self, track: Track, packet: Packet) -> None:
        """The first B-frame of a feed that looked as if it had none: begin anew from the last key frame."""
        self._remember_b_frames(track)
        assert self._incoming is not None
        self._begin(Format(self._incoming.tracks, True, "reconfigured"))
        for earlier in self._source.gop:
            if earlier.track_id == track.id:
                self._packet(earlier)
            if earlier is packet:
                break

    def _lane(self, make: Callable[[], VideoTranscoder | AudioTranscoder], *, video: bool) -> Lane:
        generation = self._generation

        def deliver(items: list[Format | Packet]) -> None:
            if generation == self._generation:
                for item in items:
                    self._deliver(item)

        return Lane(self._executor, make, deliver, video=video)

    def _deliver(self, item: Format | Packet) -> None:
        if isinstance(item, Format):
            assert self._incoming is not None
            first = not self._announced
            reason = self._incoming.reason if first else item.reason
            self._announce(item.video, self._incoming.discontinuity if first else True, reason)
        else:
            self._send(item)

    def _send(self, packet: Packet) -> None:
        """Pass a packet on, if its Format has been and it does not go back."""
        if not self._announced or self.format is None or self.ended:
            return
        track = self.format.track(packet.track_id)
        if track is None:
            return
        at = packet.dts / track.timescale
        if at <= self._ends.get(packet.track_id, -1.0):
            self._packets_dropped += 1
            return
        self._ends[packet.track_id] = at
        self.write(packet)

    def _refuse(self, code: TroubleCode) -> None:
        self._refusal = Trouble(code, self._clock.utc())
        log.info("a form is refused", stream=self.name, reason=code.value)

    def _foreseen(self) -> Trouble | None:
        source = self._source.format
        track = source.video if source is not None else None
        if self._way_of_video(track) is not Way.REFUSE:
            return None
        assert track is not None
        return Trouble(TroubleCode.B_FRAMES if track.codec is Codec.H264 else TroubleCode.CODEC, self._clock.utc())

    def _tell(self, code: TroubleCode) -> Trouble:
        if self._troubled is None or self._troubled.code is not code:
            self._troubled = Trouble(code, self._clock.utc())
            log.warning("transcoding is in trouble", stream=self.name, reason=code.value)
        return self._troubled

    def _lanes(self) -> list[Lane]:
        return [lane for lane in (self._video_lane, self._audio_lane) if lane is not None]

    def _close_lanes(self) -> None:
        for lane in self._lanes():
            self._packets_dropped += lane.dropped
            lane.close()
        self._video_lane = self._audio_lane = None


class _Ear:
    """What subscribes to the source (the derived stream's own `receive` would make it a subscriber to outsiders)."""

    def __init__(self, derived: DerivedStream) -> None:
        self._derived = derived

    def receive(self, item: Item) -> None:
        self._derived.hear(item)
