"""FLV viewers that note the longest pause between two deliveries: `python -m bench.webrtc.flv_waits URL N`.

Prints `ready` once all of them play; then for each line on stdin the longest pause since the line before, in ms.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import uvloop

from bench.viewers import FlvViewer


class Watching(FlvViewer):
    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        self.longest = 0.0
        self._at = 0.0

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if self._at:
            self.longest = max(self.longest, now - self._at)
        self._at = now
        super().data_received(data)

    def begin(self) -> None:
        self.longest = 0.0


async def watch(url: str, count: int) -> None:
    loop, parts = asyncio.get_running_loop(), urlsplit(url)
    viewers: list[Watching] = []
    for _ in range(count):
        _, viewer = await loop.create_connection(
            lambda: Watching(parts.netloc, parts.path), parts.hostname or "", parts.port or 80
        )
        viewers.append(viewer)
    while any(viewer.first_key_frame is None for viewer in viewers):  # noqa: ASYNC110 - viewers have no event
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    for viewer in viewers:
        viewer.begin()
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps({"longest_ms": max(viewer.longest for viewer in viewers) * 1000}), flush=True)
        for viewer in viewers:
            viewer.begin()


if __name__ == "__main__":
    uvloop.run(watch(sys.argv[1], int(sys.argv[2])))
