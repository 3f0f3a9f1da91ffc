"""Video to H.264 without B-frames: x264, zero latency, key frames where the source has them. Blocking."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from fractions import Fraction
from typing import cast

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from streaming.codecs import h264
from streaming.media import VIDEO_TIMESCALE, VIDEO_TRACK, Codec, Format, Packet, Track

KEY_SECONDS = 2.0
"""A key frame at least this often, whatever the source does: WHIP publishers send one only when asked."""
PRESET = "superfast"
"""720p25 takes about a fifth of a core; `ultrafast` saves half of that and looks like it."""
BITS_PER_PIXEL = 2.7
"""The ceiling, bits a second a pixel: 2.5 Mbit/s at 720p."""
MAX_BITS = 6_000_000
MAX_IN_FLIGHT = 64
"""Frames inside decoder and encoder whose arrival is remembered; a decoder reorders by 16 at most."""
_GLOBAL_HEADER = 1 << 22
_DECODERS = {Codec.H264: "h264", Codec.HEVC: "hevc", Codec.AV1: "libdav1d", Codec.VP8: "vp8"}
_WRAP = 1 << 32


class VideoTranscoder:
    """One stream's picture. Gives a Format (its H.264 track alone) before the first packet and at a new size."""

    def __init__(self, source: Track) -> None:
        self._scale = source.timescale
        self._decoder = _decoder(source)
        self._encoder: VideoCodecContext | None = None
        self._arrivals: OrderedDict[int, float] = OrderedDict()
        self._last_in: int | None = None
        self._last_pts: int | None = None
        self._last_key = 0
        self._announced = False

    def feed(self, packets: Sequence[Packet]) -> list[Format | Packet]:
        """Raises av.FFmpegError for what is no picture of this codec."""
        items: list[Format | Packet] = []
        for packet in packets:
            pts = self._unrolled(packet.pts) * VIDEO_TIMESCALE // self._scale
            self._arrivals[pts] = packet.arrival
            if len(self._arrivals) > MAX_IN_FLIGHT:
                self._arrivals.popitem(last=False)
            sent = av.Packet(packet.payload)
            sent.pts = pts
            sent.time_base = Fraction(1, VIDEO_TIMESCALE)
            for frame in self._decoder.decode(sent):
                items += self._encode(frame)
        return items

    def _unrolled(self, stamp: int) -> int:
        """RTP counts in 32 bits: the stamp nearest to the last one."""
        if self._last_in is not None:
            stamp = self._last_in + (stamp - self._last_in + _WRAP // 2) % _WRAP - _WRAP // 2
        self._last_in = stamp
        return stamp

    def _encode(self, frame: av.VideoFrame) -> list[Format | Packet]:
        width, height = frame.width & ~1, frame.height & ~1
        items: list[Format | Packet] = []
        if frame.pts is None:
            return items
        if self._encoder is None or (self._encoder.width, self._encoder.height) != (width, height):
            self._encoder = _encoder(width, height)
            items.append(Format((_track(self._encoder),), self._announced, "reconfigured" if self._announced else ""))
            self._announced, self._last_key = True, frame.pts - VIDEO_TIMESCALE * 60
        if self._last_pts is not None and frame.pts <= self._last_pts:
            return items  # two frames of one moment
        self._last_pts = frame.pts
        picture = frame
        if frame.format.name not in ("yuv420p", "yuvj420p") or (frame.width, frame.height) != (width, height):
            picture = frame.reformat(width, height, "yuv420p")
            picture.pts = frame.pts
        picture.time_base = Fraction(1, VIDEO_TIMESCALE)
        key = bool(frame.key_frame) or frame.pts - self._last_key >= KEY_SECONDS * VIDEO_TIMESCALE
        picture.pict_type = PictureType.I if key else PictureType.NONE
        if key:
            self._last_key = frame.pts
        for encoded in self._encoder.encode(picture):
            pts = encoded.pts if encoded.pts is not None else frame.pts
            payload = h264.join(
                [unit for unit in h264.annexb_units(bytes(encoded)) if unit[0] & 31 not in (h264.SEI, h264.AUD)]
            )
            arrival = self._arrivals.pop(pts, None) or next(reversed(self._arrivals.values()), 0.0)
            items.append(Packet(VIDEO_TRACK, pts, pts, 0, bool(encoded.is_keyframe), payload, arrival))
        return items


def _decoder(track: Track) -> VideoCodecContext:
    decoder = cast(VideoCodecContext, av.CodecContext.create(_DECODERS[track.codec], "r"))
    if track.config and track.codec is not Codec.VP8:
        decoder.extradata = track.config
    decoder.thread_count = 1
    if track.codec is Codec.AV1:
        decoder.options = {"max_frame_delay": "1"}
    return decoder


def _encoder(width: int, height: int) -> VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, VIDEO_TIMESCALE), Fraction(30, 1)
    encoder.max_b_frames, encoder.gop_size = 0, 600
    encoder.thread_count = 1
    encoder.flags |= _GLOBAL_HEADER
    bits = min(round(width * height * BITS_PER_PIXEL), MAX_BITS)
    encoder.options = {
        "preset": PRESET,
        "tune": "zerolatency",
        "profile": "main",
        "crf": "24",
        "maxrate": str(bits),
        "bufsize": str(bits),
        "forced-idr": "1",
    }
    encoder.open()
    return encoder


def _track(encoder: VideoCodecContext) -> Track:
    found = h264.annexb_units(bytes(encoder.extradata or b""))
    sps = tuple(unit for unit in found if unit[0] & 31 == h264.SPS)
    pps = tuple(unit for unit in found if unit[0] & 31 == h264.PPS)
    config = h264.build_avcc(sps, pps)
    return Track(VIDEO_TRACK, Codec.H264, VIDEO_TIMESCALE, config, width=encoder.width, height=encoder.height)
