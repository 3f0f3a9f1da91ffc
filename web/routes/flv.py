"""HTTP-FLV: the program of a live venue for viewers, a single feed for its crew."""

from __future__ import annotations

import asyncio
from typing import Protocol

from aiohttp import HttpVersion11, web

from streaming.flv.fanout import FlvFanout
from web.problems import problem
from web.routing import Access, Endpoint

FIRST_PICTURE_SECONDS = 10.0
"""How long a player waits for the first picture before it is told that there is none."""

_HEADERS = {
    "Content-Type": "video/x-flv",
    "Cache-Control": "no-store",
    "Access-Control-Allow-Origin": "*",
    "X-Accel-Buffering": "no",  # nginx would hold the stream back
}


class FlvOutputs(Protocol):
    def flv(self, event_id: str, venue_id: str) -> FlvFanout | None:
        """The FLV output of a live venue (`main` names the main one); None when it is not live."""


def flv_endpoints(outputs: FlvOutputs) -> list[Endpoint]:
    async def play(request: web.Request) -> web.StreamResponse:
        fanout = outputs.flv(request.match_info["event_id"], request.match_info["venue_id"])
        return await stream_flv(request, fanout)

    return [
        Endpoint(
            "GET",
            "/live/{event_id}/{venue_id}.flv",
            play,
            Access.PUBLIC,
            summary="A live venue's program as HTTP-FLV",
        )
    ]


async def stream_flv(request: web.Request, fanout: FlvFanout | None) -> web.StreamResponse:
    """Answer with the fan-out's bytes until the player leaves or the stream ends; 404 without a picture."""
    if fanout is None:
        return problem(request, 404, "not_live")
    try:
        async with asyncio.timeout(FIRST_PICTURE_SECONDS):
            await fanout.ready.wait()
    except TimeoutError:
        return problem(request, 404, "no_picture")
    response = web.StreamResponse(headers=_HEADERS)
    if request.version >= HttpVersion11:
        response.enable_chunked_encoding()
    await response.prepare(request)
    transport = request.transport
    if transport is None or request.method == "HEAD":
        return response
    header = fanout.header
    await response.write(header)  # takes the response's head along
    if fanout.header != header:
        return response  # the tracks have changed in between: the player opens anew
    viewer = fanout.add(transport, chunked=response.chunked)
    try:
        await viewer.closed
        if not transport.is_closing():
            await response.write_eof()
    except ConnectionResetError:
        pass  # the player left while the last chunk was on its way
    finally:
        fanout.remove(viewer)
    return response
