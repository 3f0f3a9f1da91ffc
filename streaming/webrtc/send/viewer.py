"""One viewer: what waits for it, sent within its pace; its wishes for packets and pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from streaming.webrtc import rtcp
from streaming.webrtc.send.history import History
from streaming.webrtc.send.lane import Lane
from streaming.webrtc.send.pacing import Pace, again, joining
from streaming.webrtc.send.reports import Link

BEHIND_SECONDS = 1.0
"""Who is further behind than this when a new key frame comes goes on from there."""
KEY_SECONDS = 1.0
"""A key frame is repeated to one viewer no oftener, however often it asks."""
MAX_RESENT = 400.0
"""Packets that may be asked for again at once..."""
RESENT_PER_SECOND = 400.0
"""...and per second: a fifth of 20 Mb/s. What is lost beyond that is no loss but a link that is too narrow."""
AUDIO_BACKLOG = 50
"""A second of sound; older is left out."""
MAX_NACK = 64
"""Of one report's numbers; browsers ask again for what did not come."""


class ViewerTransport(Protocol):
    """The part of `streaming.webrtc.session.Transport` that a viewer needs."""

    def send_parts(self, header: bytes, payload: bytes) -> bool: ...

    def send_rtcp(self, datagram: bytes) -> bool: ...

    def close(self, reason: str) -> None: ...


class Viewer:
    """Joined to a fan-out while its road is connected."""

    __slots__ = (
        "_gap",
        "_key_at",
        "_key_frame",
        "_resendable",
        "_resent_at",
        "audio",
        "extension",
        "key_frames_again",
        "link",
        "lost_for_good",
        "pace",
        "queued",
        "resent",
        "skipped_frames",
        "started",
        "transport",
        "video",
    )

    def __init__(self, transport: ViewerTransport, video: Lane, audio: Lane | None, extension: bytes) -> None:
        self.transport, self.video, self.audio = transport, video, audio
        self.extension = extension
        """Of a key frame's first packet, as header and body; may be empty."""
        self.link = Link()
        self.pace = Pace(0.0)
        self.started = False
        self.queued = False
        """In the fan-out's queue already."""
        self.resent = self.skipped_frames = self.key_frames_again = self.lost_for_good = 0
        self._key_at = 0.0
        self._key_frame = -1
        """The last one that was opened to it."""
        self._gap = False
        """Frames were left out: nothing but a key frame makes sense to it."""
        self._resendable = MAX_RESENT
        self._resent_at = 0.0

    def start(self, pictures: History, sound: History, now: float) -> None:
        """Begin at the cached key frame, or wait for the first."""
        self.pace = Pace(now)
        self._resent_at = now
        self.started = False
        if pictures.key is not None:
            self._begin(pictures, pictures.key)
        if self.audio is not None:
            self.audio.jump(sound.end)

    def _begin(self, pictures: History, key: int) -> None:
        self.started = True
        first = pictures.frame - pictures.frames_since_key + 1
        self.video.jump(key, joining(first, pictures.frame, pictures.timestamp))

    def key_frame_came(self, pictures: History) -> None:
        """A new key frame stands in the history: the first chance for a joiner, and for whoever fell behind."""
        assert pictures.key is not None
        if not self.started:
            self._begin(pictures, pictures.key)
            return
        waiting = pictures.key - self.video.cursor
        if waiting <= 0:
            return
        late = self.link.thin
        if not late:
            behind = pictures.at(self.video.cursor)
            age = 0.0 if behind is None else (pictures.timestamp - behind.timestamp & 0xFFFFFFFF) / 90_000
            late = behind is None or BEHIND_SECONDS < age < 1 << 14
        if late:
            self.skipped_frames += 1
            self.video.jump(pictures.key)

    def serve(self, pictures: History, sound: History, now: float, bytes_per_second: float) -> bool:
        """Send what waits, as far as the pace allows; True when something is left for later."""
        if self.audio is not None and self.audio.cursor != sound.end:
            self._serve_sound(sound)
        if not self.started:
            return False
        lane = self.video
        position = lane.cursor - pictures.start
        if position < 0:  # it fell out of what is kept
            if pictures.key is None:
                self.started = False
                return False
            self.skipped_frames += 1
            lane.jump(pictures.key)
            position = lane.cursor - pictures.start
        payloads = pictures.payloads
        end = len(payloads)
        if position >= end:
            return False
        pace = self.pace
        pace.fill(now, bytes_per_second)
        tokens = pace.tokens
        send, header, replay = self.transport.send_parts, lane.header, lane.replay
        number = lane.cursor + lane.shift
        thin = self.link.thin
        only_key = thin or self._gap
        octets = 0
        begun = position
        while position < end and tokens > 0:
            payload = payloads[position]
            if payload.opens:
                self._key_at, self._key_frame = now, payload.frame
                self._gap, only_key = False, thin
            elif only_key and payload.frame != self._key_frame:
                break
            timestamp = payload.timestamp if replay is None else replay.timestamp(payload.frame, payload.timestamp)
            data = payload.data
            send(header(payload, number, timestamp, self.extension if payload.opens else b""), data)
            size = len(data)
            tokens -= size
            octets += size
            number += 1
            position += 1
        if position != begun:
            lane.timestamp = timestamp
        pace.tokens = tokens
        lane.cursor = pictures.start + position
        lane.packets += position - begun
        lane.octets += octets
        if only_key and position < end and payload.frame != self._key_frame:
            self._gap = True  # what follows cannot be decoded before the next key frame
            self.skipped_frames += 1
            lane.jump(pictures.start + end)
            return False
        return position < end

    def _serve_sound(self, sound: History) -> None:
        lane = self.audio
        assert lane is not None
        if sound.end - lane.cursor > AUDIO_BACKLOG or lane.cursor < sound.start:
            lane.jump(max(sound.start, sound.end - AUDIO_BACKLOG))
        for index in range(lane.cursor, sound.end):
            payload = sound.payloads[index - sound.start]
            self.transport.send_parts(lane.header(payload, index + lane.shift, payload.timestamp), payload.data)
            lane.packets += 1
            lane.octets += len(payload.data)
        lane.cursor = sound.end

    def feedback(
        self,
        datagram: bytes,
        pictures: History,
        now: float,
        bytes_per_second: float,
        frame_ticks: int,
        serve: Callable[[Viewer], None],
    ) -> None:
        """A compound RTCP packet of this viewer. `serve`: have it served soon."""
        for message in rtcp.parse_rtcp(datagram):
            match message:
                case rtcp.Nack(ssrc, sequences) if ssrc == self.video.ssrc:
                    self._resend(sequences[:MAX_NACK], pictures, now)
                case rtcp.KeyframeRequest(ssrc) if ssrc == self.video.ssrc:
                    if self._repeat_gop(pictures, now, frame_ticks):
                        serve(self)
                case rtcp.Remb(bits_per_second):
                    self.link.estimate = bits_per_second
                case rtcp.ReceiverReport(_, blocks) | rtcp.SenderReport(blocks=blocks):
                    for block in blocks:
                        if block.ssrc == self.video.ssrc:
                            self.link.received(block, bytes_per_second * 8, now)

    def _resend(self, sequences: tuple[int, ...], pictures: History, now: float) -> None:
        self._resendable = min(self._resendable + (now - self._resent_at) * RESENT_PER_SECOND, MAX_RESENT)
        self._resent_at = now
        for sequence in sequences:
            if self._resendable < 1:
                return
            packet = self.video.again(sequence, pictures, self.extension)
            if packet is None:
                self.lost_for_good += 1
                continue
            self._resendable -= 1
            self.resent += 1
            self.transport.send_parts(*packet)

    def _repeat_gop(self, pictures: History, now: float, frame_ticks: int) -> bool:
        """The cached key frame and all since, with times after those it has; True when it has to be served."""
        if not self.started or pictures.key is None or now - self._key_at < KEY_SECONDS:
            return False
        if self.video.cursor <= pictures.key:
            return False
        self._key_at = now
        self.key_frames_again += 1
        first = pictures.frame - pictures.frames_since_key + 1
        self.video.jump(pictures.key, again(first, pictures.frame, self.video.timestamp, frame_ticks))
        return True

    def report(self, ntp: int, video_time: int, audio_time: int | None, now: float) -> None:
        """Sender reports: at `ntp` the media stood at these RTP times."""
        lane = self.video
        compound = rtcp.sender_report(rtcp.SenderReport(lane.ssrc, ntp, video_time, lane.packets, lane.octets, ()))
        self.transport.send_rtcp(compound + rtcp.cname(lane.ssrc, "venuecast"))
        self.link.report_sent(ntp, now)
        sound = self.audio
        if sound is not None and audio_time is not None:
            compound = rtcp.sender_report(
                rtcp.SenderReport(sound.ssrc, ntp, audio_time, sound.packets, sound.octets, ())
            )
            self.transport.send_rtcp(compound + rtcp.cname(sound.ssrc, "venuecast"))
