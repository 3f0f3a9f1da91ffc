"""The program of one venue: follows one feed, or shows a slate, and its own clock never stops or goes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

import av
import structlog

from config.clock import Clock
from streaming.media import End, Format, Item, Packet
from streaming.program.slate import Card, Clip, Shape, Slates
from streaming.stream import Stream

LOST_SECONDS = 2.0
"""A feed on air that is silent for this long has lost its signal; with the slate ready viewers see it within 3 s."""
SOON_SECONDS = 3.0
"""A program without any feed shows its first slate after this, so that players have something to open."""
CHECK_SECONDS = 0.25

log = structlog.get_logger(__name__)

Mode = Literal["empty", "feed", "slate", "cut"]


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    feed_id: str | None
    """On air; None while a slate is."""
    chosen: bool
    slate: bool
    pending_feed_id: str | None


class _Tap:
    """The program's ear at one feed."""

    def __init__(self, program: Program, feed_id: str, source: Stream) -> None:
        self.program, self.feed_id, self.source = program, feed_id, source
        self.format: Format | None = None

    def receive(self, item: Item) -> None:
        if isinstance(item, Format):
            self.format = item
        self.program.hear(self, item)


class Program(Stream):
    """Made by the hub for a venue of a live event; `close()` ends it and all that subscribe.

    `choose`, `show_slate`, `cut` and `resume` are the director's; what the feeds do is heard through taps.
    """

    def __init__(self, name: str, clock: Clock, slates: Slates) -> None:
        super().__init__(name)
        self._clock = clock
        self._slates = slates
        self._loop = asyncio.get_running_loop()
        self._taps: dict[str, _Tap] = {}
        self._mode: Mode = "empty"
        self._on_air: str | None = None
        self._wanted: str | None = None
        self._slate_wanted = False
        self._shape = Shape()
        self._kinds_fixed = False
        self._shift = 0.0
        self._last_dts: dict[int, int] = {}
        self._end = 0.0
        self._end_utc: float | None = None
        self._heard_at = clock.monotonic()
        self._clip: Clip | None = None
        self._clip_started = 0.0
        self._clip_next = 0
        self._slate_timer: asyncio.TimerHandle | None = None
        self._preparing: set[asyncio.Task[None]] = set()
        self._closed = False
        self._checker = self._loop.call_later(CHECK_SECONDS, self._check)
        self._prepare(Card.SOON, Card.CUT, Card.LOST)

    @property
    def status(self) -> ProgramStatus:
        on_air = self._on_air if self._mode == "feed" else None
        pending = self._wanted if self._wanted is not None and self._wanted != on_air else None
        return ProgramStatus(
            on_air, self._wanted is not None or self._slate_wanted, self._mode in ("slate", "cut"), pending
        )

    @property
    def is_cut(self) -> bool:
        return self._mode == "cut"

    def add_feed(self, feed_id: str, source: Stream) -> None:
        """Listen to a feed of the venue; its cached GOP is heard at once."""
        if feed_id in self._taps or self._closed:
            return
        tap = self._taps[feed_id] = _Tap(self, feed_id, source)
        source.subscribe(tap)

    def remove_feed(self, feed_id: str) -> None:
        """The feed is gone from the venue."""
        tap = self._taps.pop(feed_id, None)
        if tap is not None:
            tap.source.unsubscribe(tap)
        if self._wanted == feed_id:
            self._wanted = None
        if self._mode == "feed" and self._on_air == feed_id:
            self._show(Card.LOST, "slate")

    def keep_only(self, feed_ids: set[str]) -> None:
        """Let go of every feed that is not among these."""
        for feed_id in self._taps.keys() - feed_ids:
            self.remove_feed(feed_id)

    def choose(self, feed_id: str) -> None:
        """Put a feed on air at its next key frame. KeyError when the venue has no such feed that ever delivered."""
        if feed_id not in self._taps:
            raise KeyError(feed_id)
        self._wanted, self._slate_wanted = feed_id, False

    def show_slate(self) -> None:
        """Put the slate on air now, until a feed is chosen."""
        self._wanted, self._slate_wanted = None, True
        if self._mode != "cut":
            self._show(Card.LOST, "slate")

    def cut(self) -> None:
        """The red key: the cut card now, whatever else happens, until `resume`."""
        if self._mode != "cut":
            self._show(Card.CUT, "cut")

    def resume(self) -> None:
        """Back from a cut: the feed that was on air, or the chosen one, at its next key frame."""
        if self._mode == "cut":
            self._mode = "slate"

    def close(self) -> None:
        """End the program: nothing follows for its subscribers."""
        if self._closed:
            return
        self._closed = True
        for tap in self._taps.values():
            tap.source.unsubscribe(tap)
        self._taps.clear()
        self._checker.cancel()
        self._stop_slate()
        for task in self._preparing:
            task.cancel()
        self.write(End())

    def hear(self, tap: _Tap, item: Item) -> None:
        """An item of a feed: passed on if it is on air, a reason to switch if it is wanted, else nothing."""
        if self._closed or isinstance(item, End):
            return
        on_air = self._mode == "feed" and tap.feed_id == self._on_air
        if isinstance(item, Format):
            if on_air:
                self._announce(item, item.reason)
            return
        if self._starts(tap, item) and self._should_switch(tap):
            self._switch_to(tap, item)
            on_air = True
        if on_air:
            self._heard_at = self._clock.monotonic()
            self._pass(item)

    def _starts(self, tap: _Tap, packet: Packet) -> bool:
        """A cut lands on a video key frame; audio's key flags say nothing (case 42)."""
        if tap.format is None or not packet.keyframe:
            return False
        return packet.track_id == 0 or tap.format.video is None

    def _should_switch(self, tap: _Tap) -> bool:
        if self._mode == "cut" or self._slate_wanted or not self._fits(tap):
            return False
        if self._wanted is not None:
            return tap.feed_id == self._wanted and not (self._mode == "feed" and self._on_air == tap.feed_id)
        return self._mode != "feed"

    def _fits(self, tap: _Tap) -> bool:
        """The codec kinds of a program never change: old webviews cannot follow. AAC and Opus count as one: every
        output takes a form of the program that has its own (`streaming.transcode`)."""
        assert tap.format is not None
        if not self._kinds_fixed:
            return True
        shape = Shape.of(tap.format)
        sound = shape.audio is None or self._shape.audio is not None
        return sound and shape.video in (self._shape.video, None)

    def _switch_to(self, tap: _Tap, packet: Packet) -> None:
        assert tap.format is not None
        self._stop_slate()
        self._mode, self._on_air = "feed", tap.feed_id
        self._kinds_fixed = True
        self._begin(packet, tap.format)
        self._announce(tap.format, "switch")

    def _announce(self, stream_format: Format, reason: str) -> None:
        self.write(Format(stream_format.tracks, self._end_utc is not None, reason))
        shape = Shape.of(stream_format)
        if shape != self._shape:
            self._shape = shape
            self._prepare(Card.LOST, Card.CUT)

    def _begin(self, packet: Packet, stream_format: Format) -> None:
        """Shift what follows so that `packet` comes behind what was sent, by the time that has passed."""
        track = stream_format.track(packet.track_id)
        assert track is not None
        wanted = 1.0
        if self._end_utc is not None:
            wanted = self._end + max(packet.arrival - self._end_utc, 0.04)
        self._shift = wanted - packet.dts / track.timescale

    def _pass(self, packet: Packet) -> None:
        assert self.format is not None
        track = self.format.track(packet.track_id)
        if track is None:
            return
        shift = round(self._shift * track.timescale)
        dts, pts = packet.dts + shift, packet.pts + shift
        key = packet.track_id
        last = self._last_dts.get(key)
        floor = -1 if last is None else last
        if dts <= floor:
            if not track.is_video:
                return  # audio from before the picture's first frame belongs to what was cut away
            pts, dts = pts + floor + 1 - dts, floor + 1
        self._last_dts[key] = dts
        at = dts / track.timescale
        if at >= self._end:
            self._end, self._end_utc = at, packet.arrival
        self.write(packet.at(dts, pts, packet.duration))

    def write(self, item: Item) -> None:
        if isinstance(item, Format):
            # a new timescale counts the same seconds: what was last sent is remembered as time, not ticks
            old = self.format
            if old is not None:
                for track in item.tracks:
                    before = old.track(track.id)
                    if before is not None and track.id in self._last_dts:
                        self._last_dts[track.id] = self._last_dts[track.id] * track.timescale // before.timescale
        super().write(item)

    def _prepare(self, *cards: Card) -> None:
        """Have these slates encoded beside the loop before they are needed."""

        async def prepare(shape: Shape) -> None:
            for card in cards:
                try:
                    await self._slates.clip(card, shape)
                except (av.FFmpegError, OSError, ValueError) as error:
                    log.warning("no slate", program=self.name, card=card, shape=str(shape), error=str(error))

        task = self._loop.create_task(prepare(self._shape))
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)

    def _check(self) -> None:
        self._checker = self._loop.call_later(CHECK_SECONDS, self._check)
        quiet = self._clock.monotonic() - self._heard_at
        if self._mode == "feed" and quiet >= LOST_SECONDS:
            log.info("program lost its feed", program=self.name, feed=self._on_air)
            self._show(Card.LOST, "slate")
        elif self._mode == "empty" and quiet >= SOON_SECONDS:
            self._show(Card.SOON, "slate")

    def _show(self, card: Card, mode: Literal["slate", "cut"]) -> None:
        """Put a card on air. One that is not encoded yet comes when it is; nothing of a feed is shown meanwhile."""
        self._mode = mode
        self._stop_slate()
        clip = self._slates.ready(card, self._shape)
        if clip is not None:
            self._start_clip(clip)
            return

        async def show_later(shape: Shape) -> None:
            try:
                late = await self._slates.clip(card, shape)
            except (av.FFmpegError, OSError, ValueError) as error:
                log.warning("no slate", program=self.name, card=card, error=str(error))
                return
            if self._mode == mode and self._clip is None and not self._closed:
                self._start_clip(late)

        task = self._loop.create_task(show_later(self._shape))
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)

    def _start_clip(self, clip: Clip) -> None:
        self._clip, self._clip_next = clip, 0
        self._clip_started = self._clock.monotonic()
        first = replace(clip.packets[0], arrival=self._clock.utc())
        self._begin(first, clip.format)
        self.write(Format(clip.format.tracks, self._end_utc is not None, "slate"))
        self._send_clip()

    def _send_clip(self) -> None:
        """Send what of the loop is due, and come back for the next."""
        clip = self._clip
        assert clip is not None
        elapsed = self._clock.monotonic() - self._clip_started
        utc = self._clock.utc()
        while True:
            round_, index = divmod(self._clip_next, len(clip.packets))
            packet = clip.packets[index]
            track = clip.format.track(packet.track_id)
            assert track is not None
            due = round_ * clip.seconds + packet.dts / track.timescale
            if due > elapsed:
                break
            offset = round(round_ * clip.seconds * track.timescale)
            self._pass(replace(packet, dts=packet.dts + offset, pts=packet.pts + offset, arrival=utc - elapsed + due))
            self._clip_next += 1
        self._slate_timer = self._loop.call_later(max(due - elapsed, 0.005), self._send_clip)

    def _stop_slate(self) -> None:
        self._clip = None
        if self._slate_timer is not None:
            self._slate_timer.cancel()
            self._slate_timer = None
