"""WHIP (RFC 9725): encoders, browsers and the camera page publish by an HTTP request; and its words for problems."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import hdrs, web

from streaming.ingest import Peer, Refused
from streaming.webrtc.ice_servers import IceServer
from streaming.webrtc.opening import Unacceptable
from streaming.webrtc.sdp import MalformedSdp
from streaming.webrtc.session import Overloaded
from streaming.webrtc.sessions import NoSession, WhipSession, WrongEtag
from web.identity import address_of
from web.problems import problem
from web.routing import Access, Endpoint
from web.sdp_exchange import BUSY_SECONDS, CORS, FRAGMENT, PREFLIGHT, SDP, own_address, sdp_text
from web.urls import Urls

_REFUSALS = {"unknown_key": (404, "whip_unknown_key"), "event_over": (409, "whip_event_over"),
             "contested": (409, "whip_contested"), "quota": (409, "whip_quota")}  # fmt: skip


class Sessions(Protocol):
    async def open(self, key: str, sdp: str, peer: Peer, via: str | None) -> tuple[WhipSession, str]: ...

    def patch(self, session_id: str, etag: str, fragment: str) -> str | None: ...

    def etag(self, session_id: str) -> str: ...

    def end(self, session_id: str) -> None: ...


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def whip_endpoints(sessions: Sessions, ice_servers: Callable[[], list[IceServer]], urls: Urls) -> list[Endpoint]:
    async def publish(request: web.Request) -> web.StreamResponse:
        key = request.match_info.get("stream_key") or _bearer(request)
        if not key:
            return _problem(request, 401, "whip_no_key", {hdrs.WWW_AUTHENTICATE: "Bearer"})
        if request.content_type != SDP:
            return _problem(request, 415, "whip_not_sdp")
        text = await sdp_text(request)
        encoder = request.headers.get(hdrs.USER_AGENT, "")[:120]
        port = (request.transport.get_extra_info("peername") or ("", 0))[1] if request.transport else 0
        peer = Peer(address_of(request), int(port), "whip", encoder)
        try:
            session, answer = await sessions.open(key, text, peer, own_address(request))
        except Refused as refused:
            status, code = _REFUSALS[refused.code]
            return _problem(request, status, code)
        except MalformedSdp as malformed:
            return _problem(request, 400, "whip_malformed", detail=str(malformed))
        except Unacceptable as unacceptable:
            return _problem(request, 422, unacceptable.code, offered=unacceptable.offered)
        except Overloaded:
            return _problem(request, 503, "busy", {hdrs.RETRY_AFTER: str(BUSY_SECONDS)})
        headers = {
            **CORS,
            hdrs.LOCATION: f"{urls.base(request)}/whip/sessions/{session.id}",
            hdrs.ETAG: session.etag,
            "Accept-Patch": FRAGMENT,
        }
        response = web.Response(status=201, text=answer, content_type=SDP, headers=headers)
        for server in ice_servers():
            response.headers.add(hdrs.LINK, server.link())
        return response

    async def trickle(request: web.Request) -> web.StreamResponse:
        session_id = request.match_info["session_id"]
        if request.content_type != FRAGMENT:
            return _problem(request, 415, "whip_not_fragment")
        etag = request.headers.get(hdrs.IF_MATCH)
        text = await sdp_text(request)
        try:
            if etag is None:
                sessions.etag(session_id)
                return _problem(request, 428, "whip_if_match")
            answer = sessions.patch(session_id, etag, text)
            headers = {**CORS, hdrs.ETAG: sessions.etag(session_id)}
        except NoSession:
            return _problem(request, 404, "whip_no_session")
        except WrongEtag:
            return _problem(request, 412, "whip_if_match")
        except MalformedSdp as malformed:
            return _problem(request, 400, "whip_malformed", detail=str(malformed))
        if answer is None:
            return web.Response(status=204, headers=headers)
        return web.Response(status=200, text=answer, content_type=FRAGMENT, headers=headers)

    async def end(request: web.Request) -> web.StreamResponse:
        try:
            sessions.end(request.match_info["session_id"])
        except NoSession:
            return _problem(request, 404, "whip_no_session")
        return web.Response(status=200, headers=CORS)

    async def options(request: web.Request) -> web.StreamResponse:
        response = web.Response(status=204, headers={**CORS, **PREFLIGHT})
        for server in ice_servers():
            response.headers.add(hdrs.LINK, server.link())
        return response

    public = Access.PUBLIC
    return [
        Endpoint("POST", "/whip", publish, public, "Publish by WHIP; the stream key is the bearer token"),
        Endpoint("OPTIONS", "/whip", options, public, "What WHIP allows"),
        Endpoint("POST", "/whip/{stream_key}", publish, public, "Publish by WHIP"),
        Endpoint("OPTIONS", "/whip/{stream_key}", options, public, "What WHIP allows"),
        Endpoint("PATCH", "/whip/sessions/{session_id}", trickle, public, "Trickle ICE, or an ICE restart"),
        Endpoint("DELETE", "/whip/sessions/{session_id}", end, public, "Stop publishing"),
        Endpoint("OPTIONS", "/whip/sessions/{session_id}", options, public, "What a WHIP session allows"),
    ]


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _problem(
    request: web.Request, status: int, code: str, headers: dict[str, str] | None = None, **values: object
) -> web.Response:
    response = problem(request, status, code, errors=(), **values)
    response.headers.update({**CORS, **(headers or {})})
    return response
