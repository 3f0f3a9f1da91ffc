"""Why a derived stream carries less than it should, as codes with plain words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TroubleCode(StrEnum):
    TOO_SLOW = "transcode_too_slow"
    """The machine cannot keep up; media is being dropped up to the next key frame."""
    B_FRAMES = "b_frames_refused"
    """The feed has B-frames and re-encoding is switched off."""
    CODEC = "codec_refused"
    """The feed's video codec is not carried and re-encoding is switched off."""
    BROKEN = "transcode_failed"
    """The decoder or encoder gave up on what came."""


_WORDS = {
    TroubleCode.TOO_SLOW: (
        "这台机器来不及转码，正在丢帧；请降低分辨率，或让编码器直接推 H.264 和 AAC",
        "This machine cannot transcode fast enough and drops frames; lower the size, or push H.264 and AAC",
    ),
    TroubleCode.B_FRAMES: (
        "画面含 B 帧，超低延迟播放无法使用；请在编码器里把 B 帧设为 0",
        "The picture has B-frames, which ultra-low delay cannot carry; set B-frames to 0 in the encoder",
    ),
    TroubleCode.CODEC: (
        "画面不是 H.264，超低延迟播放无法使用；请在编码器里选 H.264",
        "The picture is not H.264, which ultra-low delay needs; set the encoder to H.264",
    ),
    TroubleCode.BROKEN: (
        "音视频无法转码，请检查编码器设置",
        "Sound or picture could not be transcoded; check the encoder",
    ),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    code: TroubleCode
    since: float
    """UTC, Unix seconds."""

    @property
    def zh(self) -> str:
        return _WORDS[self.code][0]

    @property
    def en(self) -> str:
        return _WORDS[self.code][1]
