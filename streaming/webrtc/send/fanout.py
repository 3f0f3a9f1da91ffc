"""WebRTC to many viewers: an access unit is packetised once, its packets are handed out in short slices of the loop.

Theory: a packet costs a viewer its header, SRTP and one `sendto`, about 8 µs; a key frame to hundreds of viewers is
tenths of a second. So no viewer is served inside `receive`: viewers with something to send stand in one queue, and
`_pump` serves them one after the other until its slice is over, then lets the loop do everybody else's work. A viewer
that may not send yet (its pace, a replayed GOP) is put back into the queue by a timer. There is no task per viewer.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable

import structlog

from config.clock import Clock
from streaming.codecs import h264
from streaming.codecs.errors import CodecError
from streaming.media import VIDEO_TIMESCALE, Codec, End, Format, Item, Packet, Track
from streaming.stream import Stream
from streaming.webrtc.rtcp import NTP_EPOCH
from streaming.webrtc.send.history import History
from streaming.webrtc.send.packetise import access_unit
from streaming.webrtc.send.viewer import Viewer

SLICE_SECONDS = 0.003
"""Nothing else on the loop waits longer for a key frame to all viewers than this and one viewer's share of it."""
PACE_SECONDS = 0.01
REPORT_SECONDS = 1.0
REPORTS_AT_ONCE = 20
"""Viewers whose sender reports leave together: a millisecond's work."""
FIRST_BYTES_PER_SECOND = 250_000.0
"""Until the first GOP has told the stream's rate."""
DRIFT = 0.01
"""Of the difference that a late frame moves the picture's UTC: encoders' clocks drift, networks jitter."""
STEP_SECONDS = 1.0
"""A difference beyond this is another source's clock: followed at once."""
_MASK = 0xFFFFFFFF

log = structlog.get_logger(__name__)


class WhepFanout:
    """All WHEP viewers of one Stream. Made by `sessions` for its first viewer; `close()` after the last."""

    def __init__(self, stream: Stream, clock: Clock, ended: Callable[[], None]) -> None:
        self.stream = stream
        self._clock, self._ended = clock, ended
        self._loop = asyncio.get_running_loop()
        self._viewers: dict[Viewer, None] = {}
        self._queue: deque[Viewer] = deque()
        self._behind: list[Viewer] = []
        self._pumping = False
        self._pacer: asyncio.TimerHandle | None = None
        self._reporter: asyncio.TimerHandle | None = None
        self._pictures, self._sound = History(), History()
        self._format: Format | None = None
        self._parameter_sets: tuple[bytes, ...] = ()
        self.profile = b""
        """Three bytes of the stream's SPS: profile, constraints, level; empty until known."""
        self._zeros = {True: secrets.randbits(32), False: secrets.randbits(32)}
        """RTP time of 0 in the stream, video and audio."""
        self._utc_of_zero: float | None = None
        """UTC at which the stream's time was 0: pictures carry their arrival by it."""
        self._gop_began = 0
        self._gop_bytes = 0
        self._last_pts = 0
        self._frame_ticks = VIDEO_TIMESCALE // 30
        self.bytes_per_second = FIRST_BYTES_PER_SECOND
        self.ready = asyncio.Event()
        """Set while a viewer that joins would see a picture at once."""
        self.closed = False
        stream.subscribe(self)

    @property
    def viewer_count(self) -> int:
        return len(self._viewers)

    @property
    def has_audio(self) -> bool:
        return self._format is not None and self._format.audio is not None

    def add(self, viewer: Viewer) -> None:
        """A viewer whose road is connected: it starts at the cached key frame."""
        viewer.start(self._pictures, self._sound, self._loop.time())
        self._viewers[viewer] = None
        self._report(viewer)
        self._serve(viewer)
        if self._reporter is None:
            self._reporter = self._loop.call_later(REPORT_SECONDS, self._reports, [])

    def remove(self, viewer: Viewer) -> None:
        """Removing one that is not there is allowed."""
        self._viewers.pop(viewer, None)

    def feedback(self, viewer: Viewer, datagram: bytes, arrival: float) -> None:
        """RTCP of a viewer that has been added."""
        viewer.feedback(datagram, self._pictures, arrival, self.bytes_per_second, self._frame_ticks, self._serve)

    def close(self) -> None:
        """Let go of the stream and of every viewer."""
        if self.closed:
            return
        self.closed = True
        self.stream.unsubscribe(self)
        for timer in (self._pacer, self._reporter):
            if timer is not None:
                timer.cancel()
        self._queue.clear()
        self.ready.set()
        for viewer in tuple(self._viewers):
            viewer.transport.close("the stream ended")
        self._viewers.clear()

    # items of the stream

    def receive(self, item: Item) -> None:
        match item:
            case Packet():
                self._receive_packet(item)
            case Format():
                self._receive_format(item)
            case End():
                self.close()
                self._ended()

    def _receive_format(self, item: Format) -> None:
        self._format = item
        self._pictures.close_gop()
        self.ready.clear()
        self._parameter_sets = ()
        video = item.video
        if video is not None and video.codec is Codec.H264:
            try:
                config = h264.parse_avcc(video.config)
            except CodecError as error:
                log.warning("no parameter sets for WebRTC", stream=self.stream.name, error=str(error))
                return
            self._parameter_sets = (*config.sps, *config.pps)
            self.profile = config.sps[0][1:4] if config.sps else b""

    def _receive_packet(self, packet: Packet) -> None:
        assert self._format is not None, "a Format comes before the first packet"
        track = self._format.track(packet.track_id)
        if track is None:
            return
        if track.is_video:
            if not self._parameter_sets:
                return
            self._picture(packet)
        elif track.codec is Codec.OPUS and packet.payload:
            self._sound.append(
                [packet.payload], self._zeros[False] + packet.pts & _MASK, keyframe=False, now=self._loop.time()
            )
        else:
            return
        self._follow_clock(track, packet)
        for viewer in self._viewers:
            if not viewer.queued:
                viewer.queued = True
                self._queue.append(viewer)
        self._start_pump()

    def _picture(self, packet: Packet) -> None:
        now = self._loop.time()
        sets = self._parameter_sets if packet.keyframe else ()
        payloads = access_unit(h264.units(packet.payload), sets)
        if not payloads:
            return
        step = packet.pts - self._last_pts
        if 0 < step < VIDEO_TIMESCALE:
            self._frame_ticks = step
        self._last_pts = packet.pts
        self._pictures.append(payloads, self._zeros[True] + packet.pts & _MASK, keyframe=packet.keyframe, now=now)
        if packet.keyframe:
            self._measure_gop(packet)
            self.ready.set()
            for viewer in self._viewers:
                viewer.key_frame_came(self._pictures)
        self._gop_bytes += len(packet.payload)

    def _measure_gop(self, packet: Packet) -> None:
        elapsed = (packet.dts - self._gop_began) / VIDEO_TIMESCALE
        if self._gop_bytes and 0.2 < elapsed < 60:
            self.bytes_per_second = self._gop_bytes / elapsed
        self._gop_began, self._gop_bytes = packet.dts, 0

    def _follow_clock(self, track: Track, packet: Packet) -> None:
        """Which UTC stands at the stream's zero: by the packets that came soonest."""
        zero = packet.arrival - packet.dts / track.timescale
        known = self._utc_of_zero
        if known is None or zero < known or zero - known > STEP_SECONDS:
            self._utc_of_zero = zero
        else:
            self._utc_of_zero = known + DRIFT * (zero - known)

    # service of viewers

    def _serve(self, viewer: Viewer) -> None:
        if not viewer.queued:
            viewer.queued = True
            self._queue.append(viewer)
        self._start_pump()

    def _start_pump(self) -> None:
        if not self._pumping and self._queue:
            self._pumping = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        now = self._loop.time()
        until = now + SLICE_SECONDS
        queue, viewers, pictures, sound = self._queue, self._viewers, self._pictures, self._sound
        rate = self.bytes_per_second
        while queue:
            viewer = queue.popleft()
            viewer.queued = False
            if viewer in viewers and viewer.serve(pictures, sound, now, rate):
                self._behind.append(viewer)
            now = self._loop.time()
            if now > until:
                break
        if queue:
            self._loop.call_soon(self._pump)
        else:
            self._pumping = False
        if self._behind and self._pacer is None:
            self._pacer = self._loop.call_later(PACE_SECONDS, self._pace)

    def _pace(self) -> None:
        self._pacer = None
        behind, self._behind = self._behind, []
        for viewer in behind:
            self._serve(viewer)

    # reports

    def _reports(self, waiting: list[Viewer]) -> None:
        """Sender reports to all viewers once a second, a few at a time."""
        if not waiting:
            waiting = list(self._viewers)
        for viewer in waiting[:REPORTS_AT_ONCE]:
            if viewer in self._viewers:
                self._report(viewer)
        rest = waiting[REPORTS_AT_ONCE:]
        rounds = 1 + len(self._viewers) // REPORTS_AT_ONCE
        self._reporter = self._loop.call_later(REPORT_SECONDS / rounds, self._reports, rest)

    def _report(self, viewer: Viewer) -> None:
        if self._utc_of_zero is None:
            return
        utc = self._clock.utc()
        seconds = utc - self._utc_of_zero
        ntp = int((utc + NTP_EPOCH) * (1 << 32))
        video_time = self._zeros[True] + int(seconds * VIDEO_TIMESCALE) & _MASK
        sound = self._format.audio if self._format is not None else None
        audio_time = None if sound is None else self._zeros[False] + int(seconds * sound.timescale) & _MASK
        viewer.report(ntp, video_time, audio_time, self._loop.time())
