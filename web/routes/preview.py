"""What the crew sees of each feed: key-frame stills and full motion; and the tiny stills of the audience's tabs."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from streaming.flv.fanout import FlvFanout
from streaming.preview.still import Still, StillSource
from web.access import access_feed
from web.problems import problem
from web.routes.flv import stream_flv
from web.routing import Access, Endpoint


class Previews(Protocol):
    def feed_still(self, feed_id: str) -> StillSource | None: ...

    def feed_flv(self, feed_id: str) -> FlvFanout | None: ...

    def venue_still(self, event_id: str, venue_id: str) -> StillSource | None: ...


def preview_endpoints(previews: Previews) -> list[Endpoint]:
    async def feed_still(request: web.Request) -> web.StreamResponse:
        feed = await access_feed(request, request.match_info["feed_id"])
        return await _answer(request, previews.feed_still(feed.feed_id), "private, no-cache")

    async def feed_flv(request: web.Request) -> web.StreamResponse:
        feed = await access_feed(request, request.match_info["feed_id"])
        return await stream_flv(request, previews.feed_flv(feed.feed_id))

    async def venue_still(request: web.Request) -> web.StreamResponse:
        source = previews.venue_still(request.match_info["event_id"], request.match_info["venue_id"])
        return await _answer(request, source, "public, max-age=2")

    return [
        Endpoint("GET", "/preview/{feed_id}.jpg", feed_still, Access.CREW, summary="A feed's last key frame"),
        Endpoint("GET", "/preview/{feed_id}.flv", feed_flv, Access.CREW, summary="A feed in full motion"),
        Endpoint(
            "GET",
            "/live/{event_id}/{venue_id}/still.jpg",
            venue_still,
            Access.PUBLIC,
            summary="What a live venue shows, as a small picture",
        ),
    ]


async def _answer(request: web.Request, source: StillSource | None, cache_control: str) -> web.StreamResponse:
    still: Still | None = await source.still() if source is not None else None
    if still is None:
        return problem(request, 404, "no_picture")
    headers = {"ETag": still.etag, "Cache-Control": cache_control}
    if request.headers.get("If-None-Match") == still.etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=still.jpeg, content_type="image/jpeg", headers=headers)
