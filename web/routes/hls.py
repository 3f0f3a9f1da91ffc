"""HLS of a live venue: playlists and media from memory, what has left memory from its file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from streaming.hls.output import HlsOutput
from streaming.hls.playlist import parse_name
from streaming.hls.window import Form, NotInTime, Rendered, TooFarAhead
from web.kernel_copy import KernelBody, MemoryFiles
from web.problems import problem
from web.routing import Access, Endpoint

FIRST_PICTURE_SECONDS = 10.0
"""How long a player waits for the first picture before it is told that there is none."""
HINTED_PART_SECONDS = 6.0
"""How long a request for the hinted part is held: a part is due every third of a second."""
SEGMENT_MAX_AGE = 31_536_000
"""A name is never used twice: caches may keep media for a year."""

COPY_BYTES = 32 * 1024
"""Up to here joining head and body into one write is cheaper than a second write."""

_PLAYLIST = "application/vnd.apple.mpegurl"
_BASE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, Date",
    "X-Content-Type-Options": "nosniff",
}


def _playlist_headers(cache_control: str, *, gzipped: bool) -> CIMultiDict[str]:
    headers = CIMultiDict(
        {**_BASE, "Content-Type": _PLAYLIST, "Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    )
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return headers


# One second: a CDN collapses a crowd's polls, and a player never sees a list older than that. What blocks is for one
# moment of one list, and must reach the hub.
_FRESH = {gzipped: _playlist_headers("max-age=1", gzipped=gzipped) for gzipped in (False, True)}
_BLOCKING = {gzipped: _playlist_headers("no-store", gzipped=gzipped) for gzipped in (False, True)}
_TOP = _FRESH[False].copy()
_TOP["Vary"] = "Accept-Encoding, User-Agent, X-Forwarded-Http-Version"  # see `plain_for`


_INIT, _MEDIA = (
    CIMultiDict(
        {
            **_BASE,
            "Content-Type": content_type,
            "Cache-Control": f"public, max-age={SEGMENT_MAX_AGE}, immutable",
            "Accept-Ranges": "bytes",
        }
    )
    for content_type in ("video/mp4", "video/iso.segment")
)


class LiveOutputs(Protocol):
    def hls(self, event_id: str, venue_id: str) -> HlsOutput | None:
        """The HLS output of a live venue (`main` names the main one); None when it is not live."""


ReplayOf = Callable[[str], Awaitable[str | None]]
"""The address of an event's published replay, if there is one."""


def hls_endpoints(outputs: LiveOutputs, replay_of: ReplayOf | None = None) -> list[Endpoint]:
    """The routes under `/live/{event_id}/{venue_id}/`."""
    files = MemoryFiles()

    async def not_live(request: web.Request) -> web.StreamResponse:
        replay = await replay_of(request.match_info["event_id"]) if replay_of else None
        response = problem(request, 404, "not_live")
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cache-Control"] = "max-age=1"
        if replay:
            response.headers["Link"] = f'<{replay}>; rel="alternate"; type="{_PLAYLIST}"'
        return response

    async def index(request: web.Request) -> web.StreamResponse:
        match = request.match_info
        output = outputs.hls(match["event_id"], match["venue_id"])
        if output is None:
            return await not_live(request)
        missing = await _first_picture(request, output)
        if missing is not None:
            return missing
        plain = "plain" in request.query or plain_for(request)
        body = output.multivariant("media.m3u8?plain=1" if plain else "media.m3u8")
        return web.Response(body=body, headers=_TOP)

    async def media(request: web.Request) -> web.StreamResponse:
        match = request.match_info
        output = outputs.hls(match["event_id"], match["venue_id"])
        if output is None:
            return await not_live(request)
        if not output.window.ready.is_set():
            missing = await _first_picture(request, output)
            if missing is not None:
                return missing
        if not request.rel_url.raw_query_string:
            return _playlist(request, output.window.playlist(Form.LOW_LATENCY), _FRESH)
        return await _asked(request, output)

    async def file(request: web.Request) -> web.StreamResponse:
        match = request.match_info
        output = outputs.hls(match["event_id"], match["venue_id"])
        if output is None:
            return await not_live(request)
        name = match["name"]
        data = output.window.file(name)
        if data is None:
            data = await _elsewhere(output, name)
        if data is None:
            response = problem(request, 404, "not_found")
            response.headers.update({**_BASE, "Cache-Control": "max-age=1"})
            return response
        if hdrs.RANGE not in request.headers and hdrs.IF_NONE_MATCH not in request.headers:
            memory = files.of(request.path, data)
            if memory is not None:
                return KernelBody(memory, data, media_headers(name))
        return media_response(request, name, data)

    base = "/live/{event_id}/{venue_id}"
    return [
        Endpoint("GET", f"{base}/index.m3u8", index, Access.PUBLIC, summary="A live venue's program as HLS"),
        Endpoint("GET", f"{base}/media.m3u8", media, Access.PUBLIC, summary="Its media playlist, low-latency"),
        Endpoint("GET", f"{base}/{{name}}", file, Access.PUBLIC, summary="An init section, segment or part"),
    ]


def plain_for(request: web.Request) -> bool:
    """True for Apple's own player where it cannot have low latency: it wants HTTP/2, which only a proxy speaks here.

    The proxy says what it speaks in `X-Forwarded-Http-Version` (nginx: `$server_protocol`).
    """
    agent = request.headers.get(hdrs.USER_AGENT, "")
    if "AppleCoreMedia" not in agent:
        return False
    return not request.headers.get("X-Forwarded-Http-Version", "").startswith(("HTTP/2", "HTTP/3"))


def media_response(request: web.Request, name: str, data: bytes) -> web.Response:
    """Immutable media bytes: a year of cache, a strong ETag (the name is the version), one byte range."""
    headers = media_headers(name)
    etag = headers[hdrs.ETAG]
    asked = request.headers
    if asked.get(hdrs.IF_NONE_MATCH) == etag:
        return web.Response(status=304, headers=headers)
    if hdrs.RANGE in asked and asked.get(hdrs.IF_RANGE, etag) == etag:
        return _range(request, headers, data)
    return (WholeBody if len(data) >= COPY_BYTES else web.Response)(body=data, headers=headers)


def media_headers(name: str) -> CIMultiDict[str]:
    headers = (_INIT if name.endswith(".mp4") else _MEDIA).copy()
    headers[hdrs.ETAG] = f'"{name}"'
    return headers


class WholeBody(web.Response):
    """A response whose head is written before its body: aiohttp would join the two, and copy half a megabyte for it."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        writer = await super().prepare(request)
        if writer is not None:
            writer.send_headers()
        return writer


def _range(request: web.Request, headers: CIMultiDict[str], data: bytes) -> web.Response:
    """One range of RFC 9110, section 14; what is not one is ignored, what lies outside is refused."""
    try:
        asked = request.http_range
    except ValueError:
        return web.Response(body=data, headers=headers)
    start, stop, _ = asked.indices(len(data))
    if start >= stop:
        headers["Content-Range"] = f"bytes */{len(data)}"
        return web.Response(status=416, headers=headers)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return web.Response(status=206, body=data[start:stop], headers=headers)


async def _first_picture(request: web.Request, output: HlsOutput) -> web.StreamResponse | None:
    """Wait for the first part; a problem when none comes."""
    if output.window.ready.is_set():
        return None
    try:
        async with asyncio.timeout(FIRST_PICTURE_SECONDS):
            await output.window.ready.wait()
    except TimeoutError:
        response = problem(request, 404, "no_picture")
        response.headers.update({**_BASE, "Cache-Control": "no-store"})
        return response
    return None


def _playlist(request: web.Request, rendered: Rendered, headers: dict[bool, CIMultiDict[str]]) -> web.Response:
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        return web.Response(body=rendered.gzipped, headers=headers[True])
    return web.Response(body=rendered.body, headers=headers[False])


async def _asked(request: web.Request, output: HlsOutput) -> web.StreamResponse:
    """A media playlist with delivery directives (RFC 8216bis 6.2.5)."""
    query = request.query
    if "plain" in query:
        return _playlist(request, output.window.playlist(Form.PLAIN), _FRESH)
    form = Form.DELTA if query.get("_HLS_skip") in ("YES", "v2") else Form.LOW_LATENCY
    if "_HLS_msn" not in query:
        if "_HLS_part" in query:
            return _refused(request, 400, "bad_directive")
        return _playlist(request, output.window.playlist(form), _BLOCKING if form is Form.DELTA else _FRESH)
    msn, part = _count(query["_HLS_msn"]), _count(query.get("_HLS_part", "0"))
    if msn is None or part is None:
        return _refused(request, 400, "bad_directive")
    try:
        await output.window.wait_for(msn, part if "_HLS_part" in query else None)
    except TooFarAhead:
        return _refused(request, 400, "too_far_ahead")
    except NotInTime:
        return _refused(request, 503, "no_new_media")
    return _playlist(request, output.window.playlist(form), _BLOCKING)


def _refused(request: web.Request, status: int, code: str) -> web.StreamResponse:
    response = problem(request, status, code)
    response.headers.update({**_BASE, "Cache-Control": "no-store"})
    return response


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


async def _elsewhere(output: HlsOutput, name: str) -> bytes | None:
    """What memory does not hold: the part that is due next, or an older file."""
    window = output.window
    if window.expects(name):
        _, msn, index = parse_name(name)
        try:
            async with asyncio.timeout(HINTED_PART_SECONDS):
                await window.wait_for(msn, index)
        except (TimeoutError, NotInTime, TooFarAhead):
            return None
        return window.file(name)
    path = output.path(name)
    return None if path is None else await asyncio.to_thread(read_file, path)


def read_file(path: Path) -> bytes | None:
    """Blocking. None when it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
