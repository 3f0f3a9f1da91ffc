"""The last key frame of a Stream as a small JPEG, made in a worker thread when asked for."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

import av
from PIL import Image

from streaming.media import VIDEO_TRACK, Format, Item, Packet, Track
from streaming.stream import Stream

MAX_STILL_BYTES = 20_000
"""What a hotspot can carry for each of a dozen tiles every 2 s (80 kbit/s a tile)."""
STILL_WIDTH = 384
_QUALITIES = (75, 60, 45, 30, 20, 10)
_DECODERS = {"h264": "h264", "hevc": "hevc", "av1": "libdav1d"}


@dataclass(frozen=True, slots=True)
class Still:
    jpeg: bytes
    etag: str
    taken_at: float
    """UTC of the picture, Unix seconds."""


class StillSource:
    """Remembers the last key frame of a Stream; decodes it once, and only when somebody asks.

    The executor is the seam to PyAV: its threads are bounded by whoever made it, and one source has at most one
    picture in work.
    """

    def __init__(self, stream: Stream, executor: ThreadPoolExecutor) -> None:
        self._stream = stream
        self._executor = executor
        self._track: Track | None = None
        self._key_frame: Packet | None = None
        self._still: Still | None = None
        self._still_of: Packet | None = None
        self._lock = asyncio.Lock()
        stream.subscribe(self)

    def close(self) -> None:
        self._stream.unsubscribe(self)

    def receive(self, item: Item) -> None:
        match item:
            case Format():
                self._track = item.video
            case Packet(track_id=track_id, keyframe=True) if track_id == VIDEO_TRACK:
                self._key_frame = item

    async def still(self) -> Still | None:
        """The newest still, or None before the first picture. A picture that cannot be decoded keeps the old one."""
        async with self._lock:
            packet, track = self._key_frame, self._track
            if packet is None or track is None or packet is self._still_of:
                return self._still
            loop = asyncio.get_running_loop()
            try:
                jpeg = await loop.run_in_executor(self._executor, decode_jpeg, track, packet)
            except av.FFmpegError:
                jpeg = None
            self._still_of = packet
            if jpeg is not None:
                self._still = Still(jpeg, f'"{track.id}-{packet.dts:x}-{len(jpeg):x}"', packet.arrival)
            return self._still


def decode_jpeg(track: Track, packet: Packet, width: int = STILL_WIDTH) -> bytes | None:
    """A key frame as JPEG of at most MAX_STILL_BYTES; None when it holds no picture. Blocking: for a worker thread."""
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(_DECODERS[track.codec], "r"))
    decoder.extradata = track.config
    decoder.thread_count = 1
    frames = decoder.decode(av.Packet(packet.payload))
    frames += decoder.decode(None)
    if not frames:
        return None
    frame = frames[0]
    width = min(width, frame.width) & ~1
    height = max(2, round(frame.height * width / frame.width) & ~1)
    plane = frame.reformat(width, height, "rgb24").planes[0]
    image = Image.frombuffer("RGB", (width, height), bytes(plane), "raw", "RGB", plane.line_size, 1)
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= MAX_STILL_BYTES:
            break
    return buffer.getvalue()
