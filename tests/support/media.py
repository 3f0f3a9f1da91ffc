"""Small real media for tests: H.264 and AAC packets made by PyAV, as a Stream carries them."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import av

from streaming.media import AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK, Codec, Packet, Track

START_UTC = 1_800_000_000.0


def h264(
    seconds: float = 2.0,
    *,
    size: tuple[int, int] = (320, 180),
    rate: int = 25,
    gop: int = 50,
    b_frames: int = 0,
    luma: int | None = None,
    noise: bool = False,
) -> tuple[Track, list[Packet]]:
    """A moving grey ramp as AVCC packets at 90 kHz in decode order; or one `luma`; or noise, which compresses badly."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, rate)
    encoder.framerate = Fraction(rate, 1)
    encoder.gop_size = gop
    encoder.max_b_frames = b_frames
    encoder.options = {"preset": "ultrafast", "x264-params": f"scenecut=0:bframes={b_frames}:annexb=0:repeat-headers=0"}
    encoder.flags |= 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER: parameter sets in extradata
    ticks = VIDEO_TIMESCALE // rate
    packets: list[Packet] = []
    frames = round(seconds * rate)

    def keep(encoded: Iterable[av.Packet[Any]]) -> None:
        for packet in encoded:
            assert packet.dts is not None and packet.pts is not None
            packets.append(
                Packet(
                    VIDEO_TRACK,
                    packet.dts * ticks,
                    packet.pts * ticks,
                    ticks,
                    bool(packet.is_keyframe),
                    bytes(packet),
                    START_UTC + len(packets) / rate,
                )
            )

    for index in range(frames):
        frame = av.VideoFrame(*size, "yuv420p")
        for number, plane in enumerate(frame.planes):
            value = (luma if luma is not None else (index * 5) % 200 + 16) if number == 0 else 128
            plane_bytes = plane.buffer_size
            plane.update(random.Random(index).randbytes(plane_bytes) if noise else bytes([value]) * plane_bytes)
        frame.pts = index
        keep(encoder.encode(frame))
    keep(encoder.encode(None))
    config = bytes(encoder.extradata or b"")
    return Track(VIDEO_TRACK, Codec.H264, VIDEO_TIMESCALE, avcc(config), width=size[0], height=size[1]), packets


def avcc(extradata: bytes) -> bytes:
    """libx264's Annex B parameter sets as an avcC body."""
    if extradata[:1] == b"\x01":
        return extradata
    units = [unit for unit in extradata.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
    sps = next(unit for unit in units if unit[0] & 31 == 7)
    pps = next(unit for unit in units if unit[0] & 31 == 8)
    return (
        bytes([1, sps[1], sps[2], sps[3], 0xFF, 0xE1])
        + len(sps).to_bytes(2, "big")
        + sps
        + b"\x01"
        + len(pps).to_bytes(2, "big")
        + pps
    )


def aac(seconds: float = 2.0, *, rate: int = 48_000, tone: bool = False) -> tuple[Track, list[Packet]]:
    """A stereo AAC-LC track at its sample rate: silent, or a tone of 440 Hz."""
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate = rate
    encoder.layout = "stereo"
    encoder.format = "fltp"
    encoder.bit_rate = 64_000
    encoder.flags |= 1 << 22
    packets: list[Packet] = []
    for index in range(round(seconds * rate / 1024)):
        frame = av.AudioFrame("fltp", "stereo", 1024)
        for plane in frame.planes:
            samples = [0.3 * math.sin((index * 1024 + n) * 880 * math.pi / rate) for n in range(1024)] if tone else None
            plane.update(array("f", samples).tobytes() if samples else bytes(plane.buffer_size))
        frame.pts = index * 1024
        frame.sample_rate = rate
        for packet in encoder.encode(frame):
            dts = len(packets) * 1024
            packets.append(Packet(AUDIO_TRACK, dts, dts, 1024, True, bytes(packet), START_UTC + dts / rate))
    track = Track(AUDIO_TRACK, Codec.AAC, rate, bytes(encoder.extradata or b""), sample_rate=rate, channels=2)
    return track, packets
