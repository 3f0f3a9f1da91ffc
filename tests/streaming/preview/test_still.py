"""Key-frame stills: real frames decoded, small enough for a hotspot, and no work while nobody looks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from PIL import Image

from streaming.media import Format
from streaming.preview.still import MAX_STILL_BYTES, STILL_WIDTH, StillSource
from streaming.stream import Stream
from tests.support.media import h264


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def test_still_shows_the_last_key_frame(executor: ThreadPoolExecutor) -> None:
    track, packets = h264(1, size=(640, 360), luma=200)
    stream = Stream("s")
    source = StillSource(stream, executor)
    assert await source.still() is None
    stream.write(Format((track,)))
    for packet in packets:
        stream.write(packet)
    still = await source.still()
    assert still is not None and len(still.jpeg) <= MAX_STILL_BYTES
    image = Image.open(io.BytesIO(still.jpeg))
    assert image.size == (STILL_WIDTH, 216)
    red, green, blue = image.getpixel((100, 100))  # type: ignore[misc]
    assert min(red, green, blue) > 190  # luma 200 in limited range is a light grey
    assert await source.still() is still
    source.close()


async def test_a_broken_key_frame_keeps_the_old_still(executor: ThreadPoolExecutor) -> None:
    track, packets = h264(0.2)
    stream = Stream("s")
    source = StillSource(stream, executor)
    stream.write(Format((track,)))
    stream.write(packets[0])
    good = await source.still()
    stream.write(replace(packets[0], dts=9000, pts=9000, payload=b"\x00\x00\x00\x04\x65\xff\xff\xff"))
    assert good is not None
    assert (await source.still()) == good
    source.close()


async def test_a_noisy_large_picture_still_fits_the_hotspot(executor: ThreadPoolExecutor) -> None:
    track, packets = h264(0.04, size=(1920, 1080), noise=True)
    stream = Stream("s")
    source = StillSource(stream, executor)
    stream.write(Format((track,)))
    stream.write(packets[0])
    still = await source.still()
    assert still is not None and len(still.jpeg) <= MAX_STILL_BYTES
    source.close()
