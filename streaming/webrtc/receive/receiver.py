"""One publisher: its datagrams in, items of a feed out; its reports and requests back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from config.clock import Clock
from streaming.codecs import opus
from streaming.codecs.errors import CodecError
from streaming.ingest import Publication
from streaming.media import AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK, Codec, Format, Packet, Track
from streaming.webrtc import rtcp
from streaming.webrtc.receive.clock import MediaClock
from streaming.webrtc.receive.codecs import VideoCodec, picture_size
from streaming.webrtc.receive.decode_order import DecodeOrder
from streaming.webrtc.receive.feedback import TransportWide
from streaming.webrtc.receive.frame import Assembler, Picture
from streaming.webrtc.receive.jitter import Gap
from streaming.webrtc.receive.keyframes import KeyframeRequests
from streaming.webrtc.receive.source import Source
from streaming.webrtc.rtp import RtpError, RtpPacket, parse_rtp
from streaming.webrtc.session import Transport

TICK_SECONDS = 0.02
REPORT_SECONDS = 1.0
SECOND_TRACK_SECONDS = 2.0
"""How long the first track waits for the second before it goes alone (case 24)."""
MAX_HELD_PACKETS = 400
NO_RESEND_PATIENCE = 0.1
"""For peers that never resend: only reordering is waited for."""
PATIENCE = 0.6
AUDIO_PATIENCE = 0.12
"""A hole in sound is shorter than what waiting for it would delay."""
NEW_SOURCE_SECONDS = 1.0
"""Another SSRC of the same kind takes over once the old one has been silent for this."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What offer and answer agreed to: payload types, and what each of them is."""

    video: dict[int, VideoCodec]
    audio: frozenset[int]
    """Payload types of Opus."""
    resend: dict[int, int]
    """Payload type of RFC 4588 (rtx) to the one it repeats."""
    nack: bool
    transport_cc: int | None
    """Header extension identifier."""
    parameter_sets: tuple[bytes, ...] = ()
    """H.264's, where the offer carries them."""


@dataclass(slots=True)
class ReceiveStatus:
    """What the console and the camera page are told of the link."""

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    """For good."""
    recovered: int = 0
    frozen: bool = True
    """Waiting for a key frame."""
    freezes: int = 0
    damaged_frames: int = 0
    keyframe_requests: int = 0
    round_trip: float = 0.0
    """Seconds, as resent packets tell it; 0 while none was."""
    fraction_lost: float = 0.0
    """Of the last second, before resending."""


class Receiver:
    """Takes RTP from the moment that the hub has given it the feed; ended with its session."""

    def __init__(self, transport: Transport, publication: Publication, agreed: Agreed, clock: Clock) -> None:
        self._transport, self._publication, self._agreed, self._clock = transport, publication, agreed, clock
        self._loop = asyncio.get_running_loop()
        self._ssrc = secrets.randbits(32)
        self._sources: dict[int, Source] = {}
        """By track id."""
        self._heard: dict[int, float] = {}
        self._assembler: Assembler | None = None
        self._codec: VideoCodec | None = None
        self._media_clock = MediaClock()
        self._order = DecodeOrder()
        self._wide = TransportWide()
        self._keyframes = KeyframeRequests()
        self._tracks: dict[int, Track] = {}
        self._announced: tuple[Track, ...] = ()
        self._held: list[Packet] = []
        self._first_at: float | None = None
        self._reported_at = 0.0
        self.status = ReceiveStatus()
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(TICK_SECONDS, self._tick)
        self._ask_for_keyframe(self._loop.time())

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # what comes in

    def rtp(self, datagram: bytes, arrival: float) -> None:
        try:
            packet = parse_rtp(datagram)
        except RtpError:
            return
        agreed = self._agreed
        if agreed.transport_cc is not None:
            number = packet.header_extension(agreed.transport_cc)
            if number is not None and len(number) == 2:
                self._wide.arrived(int.from_bytes(number, "big"), arrival)
        self.status.packets += 1
        self.status.bytes += len(datagram)
        repeated = agreed.resend.get(packet.payload_type)
        if repeated is not None:
            unwrapped = self._unwrap(packet, repeated)
            if unwrapped is None:
                return
            packet = unwrapped
        track_id = AUDIO_TRACK if packet.payload_type in agreed.audio else VIDEO_TRACK
        if track_id == VIDEO_TRACK and packet.payload_type not in agreed.video:
            return
        source = self._source(track_id, packet, arrival)
        if source is None:
            return
        self._heard[track_id] = arrival
        self._deliver(track_id, source.push(packet, arrival), arrival)

    def rtcp(self, datagram: bytes, arrival: float) -> None:
        for report in rtcp.parse_rtcp(datagram):
            if isinstance(report, rtcp.SenderReport):
                for track_id, source in self._sources.items():
                    if source.ssrc == report.ssrc:
                        source.sender_report(report, arrival)
                        self._media_clock.report(track_id, report)

    def _unwrap(self, packet: RtpPacket, repeated: int) -> RtpPacket | None:
        """A resent packet as it was first (RFC 4588, 4): its number stands before the payload."""
        track_id = AUDIO_TRACK if repeated in self._agreed.audio else VIDEO_TRACK
        source = self._sources.get(track_id)
        if source is None or len(packet.payload) < 3:
            return None  # a probe for bandwidth, mostly
        original = int.from_bytes(packet.payload[:2], "big")
        return replace(packet, payload_type=repeated, sequence=original, ssrc=source.ssrc, payload=packet.payload[2:])

    def _source(self, track_id: int, packet: RtpPacket, now: float) -> Source | None:
        source = self._sources.get(track_id)
        if source is not None and source.ssrc == packet.ssrc:
            return source
        if source is not None:
            if now - self._heard.get(track_id, 0.0) < NEW_SOURCE_SECONDS:
                return None
            self._media_clock.forget(track_id)
            if track_id == VIDEO_TRACK:
                self._freeze()
        if track_id == AUDIO_TRACK:
            source = Source(packet.ssrc, opus.RATE, AUDIO_PATIENCE if self._agreed.nack else NO_RESEND_PATIENCE)
        else:
            source = Source(packet.ssrc, VIDEO_TIMESCALE, PATIENCE if self._agreed.nack else NO_RESEND_PATIENCE)
            self._assembler = None
        self._sources[track_id] = source
        return source

    # what goes on

    def _deliver(self, track_id: int, items: list[RtpPacket | Gap], now: float) -> None:
        for item in items:
            if track_id == AUDIO_TRACK:
                if isinstance(item, RtpPacket) and item.payload:
                    self._take_audio(item, now)
            elif isinstance(item, Gap):
                if self._assembler is not None:
                    self._assembler.gap()
                self._freeze()
            else:
                self._take_video(item, now)

    def _take_audio(self, packet: RtpPacket, now: float) -> None:
        if AUDIO_TRACK not in self._tracks:
            self._tracks[AUDIO_TRACK] = Track(
                AUDIO_TRACK, Codec.OPUS, opus.RATE, opus.DEFAULT_CONFIG, sample_rate=opus.RATE, channels=2
            )
        at = self._media_clock.place(AUDIO_TRACK, packet.timestamp, opus.RATE, now)
        self._write(Packet(AUDIO_TRACK, at, at, 0, True, packet.payload, self._clock.utc()), now)

    def _take_video(self, packet: RtpPacket, now: float) -> None:
        codec = self._agreed.video[packet.payload_type]
        if self._assembler is None or codec is not self._codec:
            self._codec = codec
            self._assembler = codec.assembler(self._agreed.parameter_sets)
        damaged = self._assembler.damaged
        pictures = self._assembler.push(packet)
        if self._assembler.damaged != damaged:
            self.status.damaged_frames += 1
            self._freeze()
        for picture in pictures:
            self._show(picture, codec, now)

    def _show(self, picture: Picture, codec: VideoCodec, now: float) -> None:
        if picture.keyframe:
            self._keyframes.came(now)
            if not self._configure(picture, codec):
                return
            self.status.frozen = False
        elif self.status.frozen:
            return  # it refers to what was lost: never shown
        at = self._media_clock.place(VIDEO_TRACK, picture.timestamp, VIDEO_TIMESCALE, now)
        dts, pts = self._order.place(at)
        self._write(Packet(VIDEO_TRACK, dts, pts, 0, picture.keyframe, picture.payload, self._clock.utc()), now)

    def _configure(self, picture: Picture, codec: VideoCodec) -> bool:
        known = self._tracks.get(VIDEO_TRACK)
        if known is not None and known.codec is codec.codec and known.config == (picture.config or b""):
            return True
        try:
            width, height = picture_size(codec.codec, picture)
        except CodecError:
            self.status.damaged_frames += 1
            return False
        self._tracks[VIDEO_TRACK] = Track(
            VIDEO_TRACK, codec.codec, VIDEO_TIMESCALE, picture.config or b"", width, height
        )
        return True

    def _write(self, packet: Packet, now: float) -> None:
        """Formats before packets; the first one waits a little for the second track."""
        if self._first_at is None:
            self._first_at = now
        tracks = tuple(track for _, track in sorted(self._tracks.items()))
        expected = bool(self._agreed.video) + bool(self._agreed.audio)
        if not self._announced and len(tracks) < expected:
            self._held.append(packet)
            if now - self._first_at < SECOND_TRACK_SECONDS and len(self._held) < MAX_HELD_PACKETS:
                return
            packets, self._held = self._held, []
        else:
            packets, self._held = [*self._held, packet], []
        if tracks != self._announced:
            reason = "reconfigured" if self._announced else "start"
            self._publication.write(Format(tracks, discontinuity=bool(self._announced), reason=reason))
            self._announced = tracks
        for held in packets:
            self._publication.write(held)

    def _freeze(self) -> None:
        if not self.status.frozen:
            self.status.freezes += 1
        self.status.frozen = True
        self._keyframes.need()
        self._ask_for_keyframe(self._loop.time())

    # what goes back

    def _tick(self) -> None:
        now = self._loop.time()
        requests = b""
        for track_id, source in tuple(self._sources.items()):
            self._deliver(track_id, source.buffer.expire(now), now)
            if self._agreed.nack and track_id == VIDEO_TRACK:
                wanted = source.buffer.wanted(now)
                if wanted:
                    requests += rtcp.nack(self._ssrc, source.ssrc, wanted)
        if requests:
            self._transport.send_rtcp(requests)
        self._ask_for_keyframe(now)
        feedback = self._wide.due(self._ssrc, next((s.ssrc for s in self._sources.values()), 0), now)
        if feedback is not None:
            self._transport.send_rtcp(feedback)
        if now - self._reported_at >= REPORT_SECONDS and self._sources:
            self._report(now)
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)

    def _report(self, now: float) -> None:
        self._reported_at = now
        blocks = [source.block(now) for source in self._sources.values()]
        self._transport.send_rtcp(rtcp.receiver_report(self._ssrc, blocks) + rtcp.cname(self._ssrc, "venuecast"))
        self.status.fraction_lost = max(block.fraction_lost for block in blocks) / 256
        self.status.lost = sum(source.buffer.lost for source in self._sources.values())
        self.status.round_trip = max(source.buffer.round_trip for source in self._sources.values())
        self.status.recovered = sum(source.buffer.recovered for source in self._sources.values())

    def _ask_for_keyframe(self, now: float) -> None:
        source = self._sources.get(VIDEO_TRACK)
        if source is not None and self._keyframes.due(now):
            self.status.keyframe_requests += 1
            self._transport.send_rtcp(rtcp.keyframe_request(self._ssrc, source.ssrc))


ReceiverFactory = Callable[[Transport, Publication], Receiver]
