"""The video codecs that a publisher may send, each with what reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streaming.codecs import h264
from streaming.media import Codec
from streaming.webrtc.receive.frame import Assembler, Picture
from streaming.webrtc.receive.h264 import H264Assembler


@dataclass(frozen=True, slots=True)
class VideoCodec:
    codec: Codec
    assembler: Callable[[tuple[bytes, ...]], Assembler]
    """Makes one from the parameter sets of the offer (H.264's; others take none)."""


def _h264(parameter_sets: tuple[bytes, ...]) -> Assembler:
    assembler = H264Assembler()
    assembler.learn(list(parameter_sets))
    return assembler


VIDEO_CODECS: dict[str, VideoCodec] = {"H264": VideoCodec(Codec.H264, _h264)}
"""By encoding name of `a=rtpmap`, the one to prefer first."""


def picture_size(codec: Codec, picture: Picture) -> tuple[int, int]:
    """Width and height of a key frame. Raises CodecError."""
    assert codec is Codec.H264
    info = h264.parse_sps(h264.parse_avcc(picture.config or b"").sps[0])
    return info.width, info.height
