"""aiortc as it comes: a peer connection per viewer, each with an encoder of its own. `python -m ... FILE PORT`."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRelay


async def serve(path: str, port: int) -> None:
    player = MediaPlayer(path, loop=True)
    assert player.video is not None
    video, relay = player.video, MediaRelay()
    connections: list[RTCPeerConnection] = []

    async def play(request: web.Request) -> web.Response:
        connection = RTCPeerConnection()
        connections.append(connection)
        await connection.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        connection.addTrack(relay.subscribe(video))
        await connection.setLocalDescription(await connection.createAnswer())
        return web.Response(status=201, text=connection.localDescription.sdp, content_type="application/sdp")

    app = web.Application()
    app.router.add_post("/play", play)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
