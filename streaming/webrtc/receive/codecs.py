"""The video codecs that a publisher may send, each with what reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streaming.codecs import av1, h264
from streaming.codecs.errors import CodecError
from streaming.media import Codec
from streaming.webrtc.receive.av1 import Av1Assembler
from streaming.webrtc.receive.frame import Assembler, Picture
from streaming.webrtc.receive.h264 import H264Assembler
from streaming.webrtc.receive.vp8 import Vp8Assembler, frame_size


@dataclass(frozen=True, slots=True)
class VideoCodec:
    codec: Codec
    assembler: Callable[[tuple[bytes, ...]], Assembler]
    """Makes one from the parameter sets of the offer (H.264's; others take none)."""
    passes: bool
    """Goes into a feed as it is; otherwise it needs transcoding before."""


def _h264(parameter_sets: tuple[bytes, ...]) -> Assembler:
    assembler = H264Assembler()
    assembler.learn(list(parameter_sets))
    return assembler


VIDEO_CODECS: dict[str, VideoCodec] = {
    "H264": VideoCodec(Codec.H264, _h264, passes=True),
    "VP8": VideoCodec(Codec.VP8, lambda _: Vp8Assembler(), passes=False),
    "AV1": VideoCodec(Codec.AV1, lambda _: Av1Assembler(), passes=False),
}
"""By encoding name of `a=rtpmap`, the one to prefer first: what costs nothing, then what is cheap to decode."""


def picture_size(codec: Codec, picture: Picture) -> tuple[int, int]:
    """Width and height of a key frame. Raises CodecError."""
    match codec:
        case Codec.H264:
            info = h264.parse_sps(h264.parse_avcc(picture.config or b"").sps[0])
            return info.width, info.height
        case Codec.AV1:
            return av1.parse_av1c(picture.config or b"")
        case _:
            size = frame_size(picture.payload)
            if size is None:
                raise CodecError("a VP8 key frame without its header")
            return size
