"""`venuecast …` as an operator runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 90


def venuecast(
    *arguments: str, data_dir: Path, text: str | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end on a data directory; `text` is what is typed into it."""
    return subprocess.run(
        [sys.executable, "-m", "web.main", *arguments],
        env=environment(data_dir, **settings),
        input=text,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """This process's environment with a data directory, free ports, and no other settings than those given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VENUECAST_")}
    ports = {"VENUECAST_HTTP_PORT": "0", "VENUECAST_RTMP_PORT": "0", "VENUECAST_DATA_DIR": str(data_dir)}
    return inherited | ports | settings
