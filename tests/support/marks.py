"""A film with a white flash and a beep at every full second, and a judge that reads both back from any output."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

RATE, SOUND_RATE = 25, 48_000
SIZE = (640, 360)
FLASH_FRAMES = 3
BEEP_SECONDS = 0.12


def make_film(path: Path, seconds: int, *, b_frames: int = 2) -> Path:
    """An FLV of H.264 with B-frames and AAC; each second starts white and beeping."""
    with av.open(str(path), "w", format="flv") as output:
        video = output.add_stream("libx264", rate=RATE)
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        video.codec_context.gop_size = 2 * RATE
        video.options = {"preset": "ultrafast", "x264-params": f"scenecut=0:bframes={b_frames}"}
        audio = output.add_stream("aac", rate=SOUND_RATE)
        audio.layout = "stereo"
        sounded = 0
        for index in range(seconds * RATE):
            frame = av.VideoFrame(*SIZE, "yuv420p")
            white = index % RATE < FLASH_FRAMES
            for number, plane in enumerate(frame.planes):
                plane.update(
                    (b"\xeb" if white else b"\x30") * plane.buffer_size if number == 0 else b"\x80" * plane.buffer_size
                )
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            output.mux(video.encode(frame))
            while sounded < (index + 1) * SOUND_RATE // RATE:
                output.mux(audio.encode(_sound(sounded)))
                sounded += 1024
        output.mux(video.encode(None))
        output.mux(audio.encode(None))
    return path


def _sound(first: int) -> av.AudioFrame:
    samples = array("f")
    for number in range(first, first + 1024):
        beeping = (number % SOUND_RATE) / SOUND_RATE < BEEP_SECONDS
        samples.append(0.5 * math.sin(number * 2 * math.pi * 1000 / SOUND_RATE) if beeping else 0.0)
    frame = av.AudioFrame("fltp", "stereo", 1024)
    for plane in frame.planes:
        plane.update(samples.tobytes())
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, first, Fraction(1, SOUND_RATE)
    return frame


@dataclass(frozen=True, slots=True)
class Verdict:
    flashes: list[float]
    beeps: list[float]
    backward: int
    """Packets whose DTS is not beyond the one before, per track."""
    undecodable: int

    @property
    def distances(self) -> list[float]:
        """For each flash, how much later the nearest beep comes, in seconds."""
        return [min((beep - flash for beep in self.beeps), key=abs) for flash in self.flashes]


def judge(source: str | Path, *, seconds: float | None = None) -> Verdict:
    """Decode an output from first to last (or so many seconds of it) and find its marks."""
    flashes: list[float] = []
    beeps: list[float] = []
    backward = undecodable = 0
    last_dts: dict[int, int] = {}
    bright = loud = False
    first: float | None = None
    with av.open(str(source)) as container:
        streams = [stream for stream in container.streams if stream.type in ("video", "audio")]
        for packet in container.demux(streams):
            if packet.dts is None:
                continue
            if packet.dts <= last_dts.get(packet.stream_index, packet.dts - 1):
                backward += 1
            last_dts[packet.stream_index] = packet.dts
            try:
                frames = packet.decode()
            except av.FFmpegError:
                undecodable += 1
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    assert frame.time is not None
                    first = frame.time if first is None else first
                    was, bright = bright, bytes(frame.planes[0])[SIZE[0] * 10 + 100] > 150
                    if bright and not was:
                        flashes.append(frame.time)
                elif isinstance(frame, av.AudioFrame):
                    loud = _find_beep(frame, loud, beeps)
            marks = flashes[-1:] + beeps[-1:]
            if seconds is not None and first is not None and marks and max(marks) - first > seconds:
                break
    return Verdict(flashes, beeps, backward, undecodable)


def _find_beep(frame: av.AudioFrame, loud: bool, beeps: list[float]) -> bool:
    assert frame.time is not None
    samples = array("f", bytes(frame.planes[0])[: frame.samples * 4])
    window = 64  # 1.3 ms at 48 kHz
    for start in range(0, len(samples) - window, window):
        level = max(abs(sample) for sample in samples[start : start + window])
        if level > 0.2 and not loud:
            beeps.append(frame.time + start / frame.sample_rate)
            loud = True
        elif level < 0.05:
            loud = False
    return loud
