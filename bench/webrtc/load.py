"""N viewers in one process, as `python -m bench.webrtc.load whep|janus|aiortc URL N PER_SECOND SECONDS AUDIO`.

Joins them at a steady pace, prints `ready`, and for each line on stdin measures one window and prints it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from typing import Any

import aiohttp
import uvloop

from bench.webrtc.viewer import Viewer
from streaming.webrtc.candidates import host_addresses
from streaming.webrtc.door import Certificate

FIRST_SECONDS = 12.0
"""How long after the last join its key frame is waited for; peers without a cached GOP need one GOP."""


async def join_by_offer(session: aiohttp.ClientSession, viewer: Viewer, url: str, *, audio: bool) -> None:
    """WHEP, and the aiortc server, which speaks its first half."""
    headers = {"Content-Type": "application/sdp"}
    async with session.post(url, data=viewer.offer(audio=audio), headers=headers) as response:
        answer = await response.text()
        if response.status != 201:
            raise RuntimeError(f"{response.status}: {answer[:200]}")
    viewer.begin(answer)


async def join_janus(session: aiohttp.ClientSession, viewer: Viewer, url: str) -> None:
    """Janus's streaming plugin makes the offer."""

    async def ask(path: str, **body: Any) -> dict[str, Any]:
        async with session.post(url + path, json={"transaction": "t", **body}) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
            return answer

    async def event(path: str, want: str) -> dict[str, Any]:
        while True:
            async with session.get(f"{url}{path}?maxev=1") as response:
                told = await response.json(content_type=None)
            for one in told if isinstance(told, list) else [told]:
                if want in one or one.get("janus") == want:
                    return dict(one)

    number = (await ask("", janus="create"))["data"]["id"]
    handle = (await ask(f"/{number}", janus="attach", plugin="janus.plugin.streaming"))["data"]["id"]
    await ask(f"/{number}/{handle}", janus="message", body={"request": "watch", "id": 1})
    offer = (await event(f"/{number}", "jsep"))["jsep"]["sdp"]
    mid = next(line[6:] for line in offer.splitlines() if line.startswith("a=mid:"))
    answer = {"type": "answer", "sdp": viewer.answer(mid)}
    viewer.begin(offer)
    await ask(f"/{number}/{handle}", janus="message", body={"request": "start"}, jsep=answer)


async def watch(kind: str, url: str, count: int, per_second: float, seconds: float, audio: bool) -> None:
    loop = asyncio.get_running_loop()
    # Janus leaves loopback out of its candidates
    host = host_addresses("0.0.0.0")[0] if kind == "janus" else "127.0.0.1"
    certificate = Certificate()
    viewers: list[Viewer] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        joins = []
        started = time.perf_counter()
        for index in range(count):
            viewer = Viewer(certificate, host)
            viewers.append(viewer)
            join = (
                join_janus(session, viewer, url)
                if kind == "janus"
                else join_by_offer(session, viewer, url, audio=audio)
            )
            joins.append(asyncio.create_task(join))
            await asyncio.sleep(max(0.0, started + (index + 1) / per_second - time.perf_counter()))
        await asyncio.gather(*joins)
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                await asyncio.gather(*(viewer.done.wait() for viewer in viewers))
        except TimeoutError:
            pass
        joined = time.perf_counter() - started
        await asyncio.sleep(1.5)  # let the joiners catch up
        print("ready", flush=True)
        while await loop.run_in_executor(None, sys.stdin.readline):
            before = [(viewer.datagrams, viewer.received, viewer.lost) for viewer in viewers]
            at = time.perf_counter()
            await asyncio.sleep(seconds)
            elapsed = time.perf_counter() - at
            after = [(viewer.datagrams, viewer.received, viewer.lost) for viewer in viewers]
            deltas = [[b - a for a, b in zip(x, y, strict=True)] for x, y in zip(before, after, strict=True)]
            firsts = sorted(v.first_key_frame * 1000 for v in viewers if v.first_key_frame is not None)
            report = {
                "viewers": count,
                "seconds": elapsed,
                "join_seconds": joined,
                "packets": sum(delta[0] for delta in deltas),
                "bytes": sum(delta[1] for delta in deltas),
                "lost": sum(after_[2] for after_ in after),
                "starved": sum(delta[0] == 0 for delta in deltas),
                "first_key_frame_ms": [round(value, 1) for value in firsts],
            }
            print(json.dumps(report), flush=True)
        for viewer in viewers:
            viewer.close()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kind, url, count, per_second, seconds, audio = sys.argv[1:7]
    uvloop.run(watch(kind, url, int(count), float(per_second), float(seconds), audio == "1"))


if __name__ == "__main__":
    main()
