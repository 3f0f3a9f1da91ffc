"""The hub's socket layer alone, ten comments to a batch on a 50 ms tick: a room itself shows 40 a second."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime

import socketio
import uvloop
from aiohttp import web

from web.realtime.broadcast import NAMESPACE, RoomBroadcast, make_server

COMMENTS = [{"type": "comment", "id": "c", "text": "x" * 150} for _ in range(10)]


class Namespace(socketio.AsyncNamespace):  # type: ignore[misc]
    def __init__(self, broadcast: RoomBroadcast) -> None:
        super().__init__(NAMESPACE)
        self._broadcast = broadcast

    async def on_connect(self, sid: str, environ: object, auth: object) -> None:
        asyncio.get_running_loop().call_soon(self._welcome, sid)

    def _welcome(self, sid: str) -> None:
        self._broadcast.join("event", sid, sid)
        self._broadcast.to_one("event", sid, "snapshot", {"epoch": 1, "seq": 0})


async def serve() -> None:
    app = web.Application()
    server = make_server(cors_allowed_origins="*", async_handlers=False)
    broadcast = RoomBroadcast(server)
    server.register_namespace(Namespace(broadcast))
    server.attach(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        began = time.perf_counter()
        due, seq = began, 0
        while due < began + order["seconds"]:
            seq += 1
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            broadcast.to_room(
                "event", "batch", {"epoch": 1, "seq": seq, "at": at, "items": COMMENTS[: order["items"]], "hidden": 0}
            )
            due += order["tick"]
            await asyncio.sleep(max(0, due - time.perf_counter()))


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(serve())
