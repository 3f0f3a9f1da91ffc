"""A short film on disk for tests that push it with ffmpeg: made once a session by the binary itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

from streaming.gateway.process import ffmpeg_binary


def make_short_film(path: Path, seconds: int = 4) -> Path:
    """H.264 (25 frames a second, GOP of one second, no B-frames) and AAC in Matroska."""
    command = [
        ffmpeg_binary(), "-v", "error", "-y",
        "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=25:duration={seconds}",
        "-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}",
        "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0", "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-ac", "2", str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)
    return path
