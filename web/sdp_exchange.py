"""What WHIP and WHEP have in common on HTTP: bodies, headers for pages of other origins, a session's own routes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import hdrs, web

from streaming.webrtc.addressed import NoSession, WrongEtag
from streaming.webrtc.ice_servers import IceServer
from streaming.webrtc.sdp import MalformedSdp
from web.identity import address_of
from web.problems import problem
from web.routing import Access, Endpoint
from web.urls import Urls

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


class Sessions(Protocol):
    """Sessions by their address (`streaming.webrtc.addressed`)."""

    def patch(self, session_id: str, etag: str, fragment: str) -> str | None: ...

    def etag(self, session_id: str) -> str: ...

    def end(self, session_id: str) -> None: ...


class Opened(Protocol):
    id: str
    etag: str


@dataclass(frozen=True, slots=True)
class SdpExchange:
    """One of the two protocols: `name` begins its paths and the codes of its problems."""

    name: str
    sessions: Sessions
    ice_servers: Callable[[], list[IceServer]]
    urls: Urls

    def problem(
        self, request: web.Request, status: int, code: str, headers: dict[str, str] | None = None, **values: object
    ) -> web.Response:
        """Problem details that a page of another origin may read."""
        response = problem(request, status, code, errors=(), **values)
        response.headers.update({**CORS, **(headers or {})})
        return response

    def created(self, request: web.Request, session: Opened, answer: str) -> web.Response:
        """201 with the answer, the session's address, its ETag and the ICE servers."""
        headers = {
            **CORS,
            hdrs.LOCATION: f"{self.urls.base(request)}/{self.name}/sessions/{session.id}",
            hdrs.ETAG: session.etag,
            "Accept-Patch": FRAGMENT,
        }
        return self._linked(web.Response(status=201, text=answer, content_type=SDP, headers=headers))

    async def options(self, request: web.Request) -> web.StreamResponse:
        return self._linked(web.Response(status=204, headers={**CORS, **PREFLIGHT}))

    def session_endpoints(self, ended: str) -> list[Endpoint]:
        """A session's own routes; `ended` says what DELETE does."""
        path, public, title = f"/{self.name}/sessions/{{session_id}}", Access.PUBLIC, self.name.upper()
        return [
            Endpoint("PATCH", path, self._trickle, public, "Trickle ICE, or an ICE restart"),
            Endpoint("DELETE", path, self._end, public, ended),
            Endpoint("OPTIONS", path, self.options, public, f"What a {title} session allows"),
        ]

    async def _trickle(self, request: web.Request) -> web.StreamResponse:
        session_id = request.match_info["session_id"]
        if request.content_type != FRAGMENT:
            return self.problem(request, 415, f"{self.name}_not_fragment")
        etag = request.headers.get(hdrs.IF_MATCH)
        text = await sdp_text(request)
        try:
            if etag is None:
                self.sessions.etag(session_id)
                return self.problem(request, 428, f"{self.name}_if_match")
            answer = self.sessions.patch(session_id, etag, text)
            headers = {**CORS, hdrs.ETAG: self.sessions.etag(session_id)}
        except NoSession:
            return self.problem(request, 404, f"{self.name}_no_session")
        except WrongEtag:
            return self.problem(request, 412, f"{self.name}_if_match")
        except MalformedSdp as malformed:
            return self.problem(request, 400, f"{self.name}_malformed", detail=str(malformed))
        if answer is None:
            return web.Response(status=204, headers=headers)
        return web.Response(status=200, text=answer, content_type=FRAGMENT, headers=headers)

    async def _end(self, request: web.Request) -> web.StreamResponse:
        try:
            self.sessions.end(request.match_info["session_id"])
        except NoSession:
            return self.problem(request, 404, f"{self.name}_no_session")
        return web.Response(status=200, headers=CORS)

    def _linked(self, response: web.Response) -> web.Response:
        for server in self.ice_servers():
            response.headers.add(hdrs.LINK, server.link())
        return response
