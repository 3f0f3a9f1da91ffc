"""What the console is told of a feed: measured values, typed, without words."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from streaming.health.rules import Finding
from streaming.link import LinkStatus
from streaming.media import Format, Item, Packet

WINDOW_SECONDS = 5.0
"""Rates are means over this: steady enough to read, quick enough to act on."""


@dataclass(frozen=True, slots=True)
class VideoStatus:
    codec: str
    width: int
    height: int
    frames_per_second: float
    bits_per_second: float
    gop_seconds: float


@dataclass(frozen=True, slots=True)
class AudioStatus:
    codec: str
    sample_rate: int
    channels: int
    bits_per_second: float


@dataclass(frozen=True, slots=True)
class ContestStatus:
    current_address: str
    current_encoder: str
    refused_address: str
    refused_encoder: str
    until: float
    """UTC, Unix seconds."""


@dataclass(frozen=True, slots=True)
class FeedStatus:
    state: Literal["idle", "live", "lost"] = "idle"
    since: float | None = None
    address: str | None = None
    encoder: str | None = None
    video: VideoStatus | None = None
    audio: AudioStatus | None = None
    health: tuple[Finding, ...] = ()
    contest: ContestStatus | None = None
    protocol: str | None = None
    link: LinkStatus | None = None


IDLE = FeedStatus()


class RateMeter:
    """Subscriber that counts frames and bytes over the last seconds."""

    def __init__(self) -> None:
        self.format: Format | None = None
        self.gop_seconds = 0.0
        self._last_key: float | None = None
        self._recent: deque[tuple[float, int, int]] = deque()

    def receive(self, item: Item) -> None:
        match item:
            case Format():
                self.format = item
                self._recent.clear()
                self._last_key = None
            case Packet():
                self._recent.append((item.arrival, item.track_id, len(item.payload)))
                while self._recent and item.arrival - self._recent[0][0] > WINDOW_SECONDS:
                    self._recent.popleft()
                if item.track_id == 0 and item.keyframe:
                    at = item.dts / 90_000
                    if self._last_key is not None:
                        self.gop_seconds = at - self._last_key
                    self._last_key = at

    def video(self) -> VideoStatus | None:
        track = self.format.video if self.format else None
        if track is None:
            return None
        frames, bits = self._rates(0)
        return VideoStatus(track.codec.value, track.width, track.height, frames, bits, round(self.gop_seconds, 2))

    def audio(self) -> AudioStatus | None:
        track = self.format.audio if self.format else None
        if track is None:
            return None
        return AudioStatus(track.codec.value, track.sample_rate, track.channels, self._rates(1)[1])

    def _rates(self, track_id: int) -> tuple[float, float]:
        """Packets and bits a second of one track."""
        sizes = [size for _, track, size in self._recent if track == track_id]
        if len(sizes) < 2:
            return 0.0, 0.0
        span = max(self._recent[-1][0] - self._recent[0][0], 0.5)
        return round(len(sizes) / span, 1), round(sum(sizes) * 8 / span)
