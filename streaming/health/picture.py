"""Key frames and sound as numbers: what a worker thread decodes for the meter."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import av

from streaming.media import Codec, Packet, Track

THUMBNAIL = (32, 18)
BLACK_LUMA = 24
"""Limited-range black is 16; noise and a station's faint logo stay above."""
SAME_LUMA = 0.35
"""Mean luma steps between two key frames of one frozen picture: only the encoder's own noise."""
SILENT_DBFS = -65.0
"""Quieter than any open microphone; a muted mixer gives digital zero."""

_DECODERS = {Codec.H264: "h264", Codec.HEVC: "hevc", Codec.AV1: "libdav1d", Codec.AAC: "aac", Codec.OPUS: "opus"}


@dataclass(frozen=True, slots=True)
class Picture:
    luma: bytes
    """A THUMBNAIL of the picture, one byte of luma a pixel."""

    @property
    def black(self) -> bool:
        ordered = sorted(self.luma)
        return ordered[len(ordered) * 97 // 100] <= BLACK_LUMA

    def same_as(self, other: Picture) -> bool:
        difference = sum(abs(a - b) for a, b in zip(self.luma, other.luma, strict=True))
        return difference / len(self.luma) <= SAME_LUMA


def decode_picture(track: Track, packet: Packet) -> Picture | None:
    """A key frame's thumbnail; None when it does not decode. Blocking: for a worker thread."""
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(_DECODERS[track.codec], "r"))
    decoder.extradata = track.config
    decoder.thread_count = 1
    try:
        frames = [*decoder.decode(av.Packet(packet.payload)), *decoder.decode(None)]
    except av.FFmpegError:
        return None
    if not frames:
        return None
    width, height = THUMBNAIL
    plane = frames[0].reformat(width, height, "gray", interpolation="AREA").planes[0]
    rows = bytes(plane)
    return Picture(b"".join(rows[row * plane.line_size : row * plane.line_size + width] for row in range(height)))


class SoundMeter:
    """Decodes audio in order and tells for each stretch whether it was silent. Used by one thread at a time."""

    def __init__(self, track: Track) -> None:
        self._decoder = cast(av.AudioCodecContext, av.CodecContext.create(_DECODERS[track.codec], "r"))
        if track.codec is Codec.OPUS:
            self._decoder.extradata = b"OpusHead" + track.config
        else:
            self._decoder.extradata = track.config

    def level(self, packets: Sequence[Packet]) -> float | None:
        """Loudness of the packets together in dBFS (-120 for digital silence); None when nothing decodes."""
        total, count = 0.0, 0
        resampler = av.AudioResampler(format="flt", layout="mono", rate=8000)
        for packet in packets:
            try:
                decoded = self._decoder.decode(av.Packet(packet.payload))
            except av.FFmpegError:
                continue
            for frame in decoded:
                for small in resampler.resample(frame):
                    samples = array("f", bytes(small.planes[0])[: small.samples * 4])
                    total += sum(sample * sample for sample in samples)
                    count += len(samples)
        if count == 0:
            return None
        return max(-120.0, 10 * math.log10(total / count + 1e-12))
