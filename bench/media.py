"""The streams that every peer gets: made once per run, with the encoder the tests use."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

BITS_PER_SECOND = 2_000_000
SECONDS = 60


def make_flv(directory: Path) -> Path:
    """720p30, H.264 of 1.9 Mbit/s with a GOP of 2 s, AAC of 96 kbit/s: 60 s as FLV, to be looped."""
    path = directory / "720p30.flv"
    if path.exists():
        return path
    video = f"testsrc2=size=1280x720:rate=30:duration={SECONDS},noise=alls=8:allf=t"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y",
            "-f", "lavfi", "-i", video,
            "-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={SECONDS}",
            "-c:v", "libx264", "-preset", "veryfast", "-b:v", "1900k", "-maxrate", "1900k", "-bufsize", "1900k",
            "-x264-params", "nal-hrd=cbr:keyint=60:min-keyint=60:scenecut=0", "-pix_fmt", "yuv420p",
            "-c:a", "aac", "-b:a", "96k", "-f", "flv", str(path),
        ],
        check=True,
    )  # fmt: skip
    return path


def push(flv: Path, url: str) -> subprocess.Popen[bytes]:
    """Push the file in real time, over and over, without encoding."""
    return subprocess.Popen(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-re", "-stream_loop", "-1", "-i", str(flv),
            "-c", "copy", "-f", "flv", "-flvflags", "no_duration_filesize", url,
        ],
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
