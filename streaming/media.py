"""The currency of the hub: tracks and packets of compressed media, and the items a Stream carries."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Codec(StrEnum):
    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"
    VP8 = "vp8"
    """Only before a feed: WHIP publishers send it, `streaming.transcode` makes H.264 of it. No Stream carries it."""
    AAC = "aac"
    OPUS = "opus"

    @property
    def is_video(self) -> bool:
        return self in (Codec.H264, Codec.HEVC, Codec.AV1, Codec.VP8)


@dataclass(frozen=True, slots=True)
class Track:
    """One elementary stream. A change of any field is a new Track, announced by a new `Format`."""

    id: int
    """0 for video, 1 for audio: a Stream carries at most one of each."""
    codec: Codec
    timescale: int
    """Ticks per second of this track's dts, pts and duration. Behind a Stream: 90,000 for video, the
    sample rate for audio (48,000 for Opus). From a protocol machine: as the protocol counts (RTMP: 1,000)."""
    config: bytes
    """Decoder configuration as the MP4 sample entry wants it: the body of avcC, hvcC or av1C, the
    AudioSpecificConfig, or the OpusHead without its magic (the body of dOps follows from it)."""
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    """Output rate in Hz (HE-AAC: after SBR), from `config`, never from container flags."""
    channels: int = 0

    @property
    def is_video(self) -> bool:
        return self.codec.is_video


VIDEO_TRACK = 0
AUDIO_TRACK = 1
VIDEO_TIMESCALE = 90_000


@dataclass(frozen=True, slots=True)
class Packet:
    """One access unit (video) or one frame (audio)."""

    track_id: int
    dts: int
    """Decode time in the track's timescale."""
    pts: int
    """Presentation time in the track's timescale."""
    duration: int
    """In the track's timescale; 0 when not known yet."""
    keyframe: bool
    """Video: a decoder can start here. Audio: always True, and never a place to start a GOP or a cut."""
    payload: bytes
    """H.264 and HEVC length-prefixed with four bytes (AVCC), AV1 as low-overhead OBUs without temporal
    delimiters, AAC and Opus raw."""
    arrival: float
    """UTC of arrival at the hub, Unix seconds. The picture's UTC on every output."""

    def at(self, dts: int, pts: int, duration: int) -> Packet:
        """The same access unit at another time. (`dataclasses.replace` costs three times as much, on each packet.)"""
        return Packet(self.track_id, dts, pts, duration, self.keyframe, self.payload, self.arrival)


@dataclass(frozen=True, slots=True)
class Format:
    """The tracks that the following packets belong to. The first item of every Stream."""

    tracks: tuple[Track, ...]
    discontinuity: bool = False
    """True where timestamps or codec configuration do not follow from what came before."""
    reason: str = ""
    """For logs and the console: ``start``, ``reconfigured``, ``takeover``, ``jump``, ``switch``, ``slate``."""

    def track(self, track_id: int) -> Track | None:
        for track in self.tracks:  # asked for several times a packet: a plain loop costs a third of a generator
            if track.id == track_id:
                return track
        return None

    @property
    def video(self) -> Track | None:
        return self.track(VIDEO_TRACK)

    @property
    def audio(self) -> Track | None:
        return self.track(AUDIO_TRACK)


@dataclass(frozen=True, slots=True)
class End:
    """The Stream has ended for good: nothing follows."""


Item = Format | Packet | End
