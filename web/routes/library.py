"""The library: lists of replays for the crew, their playlists and media for everybody who may watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiohttp import hdrs, web

from config.clock import Clock
from recorder.catalog import BadCursor, Catalog, Item, ItemState
from recorder.replay import Replays
from web.problems import problem
from web.routes.hls import media_response, read_file
from web.routing import Access, Endpoint
from web.schemas.base import Page
from web.schemas.library import ItemVenueView, ItemView, LibraryQuery
from web.urls import absolute

_PLAYLIST_HEADERS = {
    "Content-Type": "application/vnd.apple.mpegurl",
    "Access-Control-Allow-Origin": "*",
    "Vary": "Accept-Encoding",
}
PLAYLIST_MAX_AGE = 60
"""A replay's list does not change; whether it may be watched can, within a minute."""


class LibraryAccess(Protocol):
    """Whose items a caller may see and publish; `web` decides by roles."""

    async def readable_centers(self, request: web.Request) -> frozenset[str] | None:
        """The centers whose library this caller reads; None for all; empty for a stranger."""

    async def may_publish(self, request: web.Request, center_id: str) -> bool: ...


class ItemPage(Page[ItemView]):
    """One page of library items."""


def library_endpoints(
    catalog: Catalog, replays: Replays, access: LibraryAccess, clock: Clock, base_url: Callable[[web.Request], str]
) -> list[Endpoint]:
    """The routes of the library and of replays. `base_url` gives the scheme and host that callers see."""

    def view(request: web.Request, item: Item) -> ItemView:
        return item_view(item, base_url(request))

    async def readable(request: web.Request) -> Item | None:
        """The item of this path, if the caller may read its center's library."""
        item = await catalog.get(request.match_info["item_id"])
        centers = await access.readable_centers(request)
        return item if item is not None and (centers is None or item.center_id in centers) else None

    async def watchable(request: web.Request) -> Item | None:
        """The item of this path, if it is published or the caller's own to review."""
        item = await catalog.get(request.match_info["item_id"])
        if item is None or item.state is ItemState.PUBLISHED:
            return item
        return await readable(request)

    async def items(request: web.Request) -> web.StreamResponse:
        query = LibraryQuery.model_validate(dict(request.query))
        centers = await access.readable_centers(request)
        try:
            found, cursor = await catalog.page(
                centers, event_id=query.event_id, query=query.q, cursor=query.cursor, limit=query.limit
            )
        except BadCursor:
            return problem(request, 422, "bad_cursor")
        page = ItemPage(items=[view(request, item) for item in found], next_cursor=cursor)
        return _json(page.model_dump_json())

    async def item(request: web.Request) -> web.StreamResponse:
        found = await readable(request)
        return problem(request, 404, "not_found") if found is None else _json(view(request, found).model_dump_json())

    async def publish(request: web.Request) -> web.StreamResponse:
        found = await readable(request)
        if found is None:
            return problem(request, 404, "not_found")
        if not await access.may_publish(request, found.center_id):
            return problem(request, 403, "forbidden")
        published = await catalog.publish(found.id, clock.utc())
        if published is None:
            return problem(request, 404, "not_found")
        return _json(view(request, published).model_dump_json())

    async def playlist(request: web.Request) -> web.StreamResponse:
        found = await watchable(request)
        rendered = None if found is None else await replays.playlist(found, request.query.get("venue"))
        if found is None or rendered is None:
            return _missing(request)
        headers = {**_PLAYLIST_HEADERS, "Cache-Control": _cache(found, PLAYLIST_MAX_AGE)}
        if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            return web.Response(body=rendered.gzipped, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=rendered.body, headers=headers)

    async def media(request: web.Request) -> web.StreamResponse:
        found = await watchable(request)
        match = request.match_info
        path = None if found is None else replays.path(found, match["venue_id"], match["name"])
        data = None if path is None else await asyncio.to_thread(read_file, path)
        if found is None or data is None:
            return _missing(request)
        response = media_response(request, match["name"], data)
        if found.state is not ItemState.PUBLISHED:
            response.headers["Cache-Control"] = "private, no-store"
        return response

    api = "/api/v1/library/items"
    return [
        Endpoint(
            "GET", api, items, Access.CREW, summary="Library items, newest first", query=LibraryQuery, returns=ItemPage
        ),
        Endpoint("GET", f"{api}/{{item_id}}", item, Access.CREW, summary="A library item", returns=ItemView),
        Endpoint(
            "POST",
            f"{api}/{{item_id}}/publish",
            publish,
            Access.CREW,
            summary="Publish a replay after its review",
            returns=ItemView,
        ),
        Endpoint("GET", "/replay/{item_id}/index.m3u8", playlist, Access.PUBLIC, summary="A replay as HLS"),
        Endpoint(
            "GET",
            "/replay/{item_id}/{venue_id}/{name}",
            media,
            Access.PUBLIC,
            summary="An init section or segment of a replay",
        ),
    ]


def item_view(item: Item, base: str) -> ItemView:
    """An item as the API shows it; `base` without a slash at its end."""
    hls_url = f"{base}/replay/{item.id}/index.m3u8"
    return ItemView(
        id=item.id,
        center_id=item.center_id,
        event_id=item.event_id,
        title=item.title,
        description=item.description,
        poster=absolute(base, item.poster),
        state=item.state.value,
        created_at=item.created_at,
        published_at=item.published_at,
        started_at=item.started_at,
        ended_at=item.ended_at,
        duration=item.duration,
        venues=[
            ItemVenueView(
                id=venue.id,
                name=venue.name,
                main=venue.main,
                duration=venue.duration,
                gap_seconds=venue.gap_seconds,
                bytes=venue.bytes,
                width=venue.width,
                height=venue.height,
                codecs=venue.codecs,
                hls_url=hls_url if venue is item.main_venue else f"{hls_url}?venue={venue.id}",
            )
            for venue in item.venues
        ],
        hls_url=hls_url,
        page_url=f"{base}/r/{item.id}",
    )


def _cache(item: Item, seconds: int) -> str:
    return f"public, max-age={seconds}" if item.state is ItemState.PUBLISHED else "private, no-store"


def _missing(request: web.Request) -> web.StreamResponse:
    response = problem(request, 404, "not_found")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _json(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")
