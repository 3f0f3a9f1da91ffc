"""What WHIP and WHEP have in common on HTTP: bodies, headers for pages of other origins, the address that was asked."""

from __future__ import annotations

from aiohttp import web

from web.identity import address_of

MAX_BODY_BYTES = 64 * 1024
BUSY_SECONDS = 5
SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Accept-Patch, Retry-After",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
    "Accept-Post": SDP,
}


async def sdp_text(request: web.Request) -> str:
    """The body; raises 413 beyond what any offer needs."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, request.content_length or 0)
    raw = await request.content.read(MAX_BODY_BYTES + 1)
    while len(raw) <= MAX_BODY_BYTES:
        more = await request.content.read(MAX_BODY_BYTES + 1 - len(raw))
        if not more:
            return raw.decode("utf-8", "replace")
        raw += more
    raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, len(raw))


def own_address(request: web.Request) -> str | None:
    """The address of ours that this request came to; None when a proxy took it for us."""
    if address_of(request) != request.remote:
        return None
    own = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return str(own[0]) if own else None
