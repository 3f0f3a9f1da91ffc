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
from streaming.webrtc.sessions import WhipSession
from web.identity import address_of
from web.routing import Access, Endpoint
from web.sdp_exchange import BUSY_SECONDS, SDP, SdpExchange, own_address, sdp_text
from web.sdp_exchange import Sessions as AddressedSessions
from web.urls import Urls

_REFUSALS = {"unknown_key": (404, "whip_unknown_key"), "event_over": (409, "whip_event_over"),
             "contested": (409, "whip_contested"), "quota": (409, "whip_quota")}  # fmt: skip


class Sessions(AddressedSessions, Protocol):
    async def open(self, key: str, sdp: str, peer: Peer, via: str | None) -> tuple[WhipSession, str]: ...


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def whip_endpoints(sessions: Sessions, ice_servers: Callable[[], list[IceServer]], urls: Urls) -> list[Endpoint]:
    exchange = SdpExchange("whip", sessions, ice_servers, urls)

    async def publish(request: web.Request) -> web.StreamResponse:
        key = request.match_info.get("stream_key") or _bearer(request)
        if not key:
            return exchange.problem(request, 401, "whip_no_key", {hdrs.WWW_AUTHENTICATE: "Bearer"})
        if request.content_type != SDP:
            return exchange.problem(request, 415, "whip_not_sdp")
        text = await sdp_text(request)
        encoder = request.headers.get(hdrs.USER_AGENT, "")[:120]
        port = (request.transport.get_extra_info("peername") or ("", 0))[1] if request.transport else 0
        peer = Peer(address_of(request), int(port), "whip", encoder)
        try:
            session, answer = await sessions.open(key, text, peer, own_address(request))
        except Refused as refused:
            status, code = _REFUSALS[refused.code]
            return exchange.problem(request, status, code)
        except MalformedSdp as malformed:
            return exchange.problem(request, 400, "whip_malformed", detail=str(malformed))
        except Unacceptable as unacceptable:
            return exchange.problem(request, 422, unacceptable.code, offered=unacceptable.offered)
        except Overloaded:
            return exchange.problem(request, 503, "busy", {hdrs.RETRY_AFTER: str(BUSY_SECONDS)})
        return exchange.created(request, session, answer)

    public = Access.PUBLIC
    return [
        Endpoint("POST", "/whip", publish, public, "Publish by WHIP; the stream key is the bearer token"),
        Endpoint("OPTIONS", "/whip", exchange.options, public, "What WHIP allows"),
        Endpoint("POST", "/whip/{stream_key}", publish, public, "Publish by WHIP"),
        Endpoint("OPTIONS", "/whip/{stream_key}", exchange.options, public, "What WHIP allows"),
        *exchange.session_endpoints("Stop publishing"),
    ]


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
