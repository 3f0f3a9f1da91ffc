"""A card as a short loop of compressed media in the program's own codecs, encoded once in a worker thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

from streaming.codecs import h264
from streaming.media import AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK, Codec, Format, Packet, Track

CARDS = Path(__file__).parent / "cards"
RATE = 15
"""Frames a second: parts of a third of a second are five whole frames; the repeats cost a few bytes each."""
SECONDS = 2
"""One loop is one GOP: a joiner waits at most this long."""
MAX_SIZE = (1920, 1080)
DEFAULT_SIZE = (1280, 720)
DEFAULT_SOUND = (48_000, 2)
MAX_CLIPS = 64
"""Kept clips; one is about 100 kB."""
_GLOBAL_HEADER = 1 << 22


class Card(StrEnum):
    LOST = "lost"
    CUT = "cut"
    SOON = "soon"


@dataclass(frozen=True, slots=True)
class Clip:
    """A loop: packets in the order of sending, from dts 0, and how long one round is."""

    format: Format
    packets: tuple[Packet, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Shape:
    """What a clip has to look like to go into a program without a change of codec kind."""

    video: Codec | None = Codec.H264
    size: tuple[int, int] = DEFAULT_SIZE
    audio: Codec | None = Codec.AAC
    sample_rate: int = DEFAULT_SOUND[0]
    channels: int = DEFAULT_SOUND[1]

    @classmethod
    def of(cls, stream_format: Format) -> Shape:
        video, audio = stream_format.video, stream_format.audio
        return cls(
            video.codec if video else None,
            _bounded(video.width, video.height) if video else DEFAULT_SIZE,
            audio.codec if audio else None,
            audio.sample_rate if audio else DEFAULT_SOUND[0],
            min(audio.channels, 2) if audio else DEFAULT_SOUND[1],
        )


def _bounded(width: int, height: int) -> tuple[int, int]:
    """Even, and no larger than the card."""
    if width < 16 or height < 16:
        return DEFAULT_SIZE
    factor = min(1.0, MAX_SIZE[0] / width, MAX_SIZE[1] / height)
    return round(width * factor) & ~1, round(height * factor) & ~1


class Slates:
    """All clips of a hub, made on first use. The executor is the seam to the encoder; one clip is in work at a time."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._clips: dict[tuple[Card, Shape], asyncio.Task[Clip]] = {}

    async def clip(self, card: Card, shape: Shape) -> Clip:
        """The card in that shape. Raises av.FFmpegError where there is no encoder for it."""
        key = (card, shape)
        task = self._clips.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            if len(self._clips) >= MAX_CLIPS:
                self._clips.pop(next(iter(self._clips)))
            loop = asyncio.get_running_loop()

            async def make() -> Clip:
                return await loop.run_in_executor(self._executor, encode_clip, CARDS / f"{card}.png", shape)

            task = self._clips[key] = loop.create_task(make())
        return await asyncio.shield(task)

    def ready(self, card: Card, shape: Shape) -> Clip | None:
        """The clip if it is there already."""
        task = self._clips.get((card, shape))
        done = task is not None and task.done() and not task.cancelled() and task.exception() is None
        return task.result() if task is not None and done else None

    async def close(self) -> None:
        tasks = list(self._clips.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def encode_clip(card: Path, shape: Shape) -> Clip:
    """Encode one loop. Blocking: for a worker thread. Raises av.FFmpegError, OSError."""
    tracks: list[Track] = []
    packets: list[Packet] = []
    if shape.video is not None:
        video_track, video_packets = _encode_picture(card, shape)
        tracks.append(video_track)
        packets += video_packets
    if shape.audio is not None:
        audio_track, audio_packets = _encode_silence(shape)
        tracks.append(audio_track)
        packets += audio_packets
    scales = {track.id: track.timescale for track in tracks}
    packets.sort(key=lambda packet: (packet.dts / scales[packet.track_id], packet.track_id))
    return Clip(Format(tuple(tracks), True, "slate"), tuple(packets), float(SECONDS))


def _encode_picture(card: Path, shape: Shape) -> tuple[Track, list[Packet]]:
    width, height = shape.size
    with Image.open(card) as picture:
        rgb = picture.convert("RGB")
        factor = max(width / rgb.width, height / rgb.height)
        scaled = rgb.resize((max(width, round(rgb.width * factor)), max(height, round(rgb.height * factor))))
        left, top = (scaled.width - width) // 2, (scaled.height - height) // 2
        cropped = scaled.crop((left, top, left + width, top + height))
    encoder = av.CodecContext.create("libx265" if shape.video is Codec.HEVC else "libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE, 1)
    encoder.gop_size, encoder.max_b_frames = RATE * SECONDS, 0
    encoder.thread_count = 1
    encoder.flags |= _GLOBAL_HEADER
    encoder.options = {"preset": "veryfast", "crf": "24"}
    if shape.video is Codec.HEVC:
        encoder.options |= {"x265-params": "log-level=none"}
    frame = av.VideoFrame(width, height, "rgb24")
    plane, raw, row = frame.planes[0], cropped.tobytes(), width * 3
    padding = bytes(plane.line_size - row)
    plane.update(b"".join(raw[line * row : (line + 1) * row] + padding for line in range(height)))
    still = frame.reformat(format="yuv420p")
    ticks = VIDEO_TIMESCALE // RATE
    packets: list[Packet] = []
    for index in range(RATE * SECONDS + 1):
        if index < RATE * SECONDS:
            still.pts = index
            encoded = encoder.encode(still)
        else:
            encoded = encoder.encode(None)
        for packet in encoded:
            payload = h264.join(h264.annexb_units(bytes(packet)))
            dts = len(packets) * ticks
            packets.append(Packet(VIDEO_TRACK, dts, dts, ticks, bool(packet.is_keyframe), payload, 0.0))
    config = _video_config(shape.video, bytes(encoder.extradata or b""))
    assert shape.video is not None
    return Track(VIDEO_TRACK, shape.video, VIDEO_TIMESCALE, config, width=width, height=height), packets


def _video_config(codec: Codec | None, extradata: bytes) -> bytes:
    if codec is not Codec.H264 or extradata[:1] == b"\x01":
        return extradata
    units = h264.annexb_units(extradata)
    sps = tuple(unit for unit in units if unit[0] & 31 == h264.SPS)
    pps = tuple(unit for unit in units if unit[0] & 31 == h264.PPS)
    return h264.build_avcc(sps, pps)


def _encode_silence(shape: Shape) -> tuple[Track, list[Packet]]:
    opus = shape.audio is Codec.OPUS
    encoder = av.CodecContext.create("libopus" if opus else "aac", "w")
    encoder.sample_rate = shape.sample_rate
    encoder.layout = "mono" if shape.channels == 1 else "stereo"
    encoder.format = "flt" if opus else "fltp"
    encoder.bit_rate = 64_000
    encoder.flags |= _GLOBAL_HEADER
    encoder.open()
    samples = encoder.frame_size or 1024
    rounds = round(SECONDS * shape.sample_rate / samples)
    packets: list[Packet] = []
    for index in range(rounds + 4):
        frame = av.AudioFrame(encoder.format.name, encoder.layout.name, samples)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts = shape.sample_rate, index * samples
        for packet in encoder.encode(frame):
            if len(packets) < rounds:
                dts = len(packets) * samples
                packets.append(Packet(AUDIO_TRACK, dts, dts, samples, True, bytes(packet), 0.0))
    config = bytes(encoder.extradata or b"").removeprefix(b"OpusHead")
    assert shape.audio is not None
    track = Track(
        AUDIO_TRACK, shape.audio, shape.sample_rate, config, sample_rate=shape.sample_rate, channels=shape.channels
    )
    return track, packets
