"""Push a picture that says whether it is whole: `python -m tests.support.pattern_push RTMP_URL`, until killed.

Bands lie one below the other; each begins with the same row of black and white squares, a mark and the frame's number,
over noise that makes every frame several packets long. A picture of which a part is missing, old or damaged shows two
numbers; one without the mark is the hub's slate, not ours.
"""

from __future__ import annotations

import random
import sys
import time
from fractions import Fraction

import av

WIDTH, HEIGHT, RATE, GOP = 640, 360, 25, 50
BANDS, BITS, SQUARE = 9, 20, 32
BAND = HEIGHT // BANDS
GUARD = 0b10
"""The first two squares of each row."""
MARK = 16
"""Height of a row of squares: one macroblock."""

READ = """
([width, height, bands, bits, square, mark]) => {
  const video = document.querySelector("video");
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const seen = window.__seen = {frames: 0, torn: 0, others: 0, longest: 0, numbers: []};
  let before = performance.now();
  const look = () => {
    const now = performance.now();
    seen.longest = Math.max(seen.longest, now - before);
    before = now;
    context.drawImage(video, 0, 0, width, height);
    const numbers = [];
    for (let band = 0; band < bands; band++) {
      const y = Math.floor(band * height / bands) + mark / 2;
      const row = context.getImageData(0, y, width, 1).data;
      let number = 0;
      for (let bit = 0; bit < bits; bit++) number = number * 2 + (row[4 * (bit * square + square / 2)] > 128 ? 1 : 0);
      numbers.push(number);
    }
    seen.frames++;
    if (numbers.every((number) => number >> (bits - 2) !== 2)) seen.others++;
    else if (numbers.some((number) => number !== numbers[0])) seen.torn++;
    else seen.numbers.push(numbers[0]);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}
"""
"""Watches every shown frame of the page's video into `window.__seen`."""
READ_ARGUMENTS = [WIDTH, HEIGHT, BANDS, BITS, SQUARE, MARK]


def draw(number: int, noise: bytes) -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    luma = frame.planes[0]
    number |= GUARD << BITS - 2
    bits = [b"\xeb" if number >> BITS - 1 - bit & 1 else b"\x10" for bit in range(BITS)]
    marks = (b"".join(bit * SQUARE for bit in bits) + bytes(luma.line_size - WIDTH)) * MARK
    size = luma.line_size * (BAND - MARK)
    picture = b"".join(
        marks + noise[start : start + size]
        for start in ((number * 7_919 + band * 104_729) % 250_000 for band in range(BANDS))
    )
    luma.update(picture)
    for plane in frame.planes[1:]:
        plane.update(b"\x80" * plane.buffer_size)
    return frame


def push(url: str) -> None:
    noise = bytes(90 + value % 48 for value in random.Random(4).randbytes(300_000))
    with av.open(url, "w", format="flv") as output:
        stream = output.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 1_500_000
        stream.codec_context.gop_size = GOP
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0"}
        stream.time_base = Fraction(1, RATE)
        started = time.time()
        for index in range(10**9):
            time.sleep(max(0.0, started + index / RATE - time.time()))
            frame = draw(index, noise)
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            for packet in stream.encode(frame):
                output.mux(packet)


if __name__ == "__main__":
    push(sys.argv[1])
