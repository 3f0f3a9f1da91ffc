"""WHEP (draft-ietf-wish-whep): a live venue's program to browsers with ultra-low delay, by one HTTP request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aiohttp import hdrs, web

from streaming.webrtc.ice_servers import IceServer
from streaming.webrtc.opening import Unacceptable
from streaming.webrtc.sdp import MalformedSdp
from streaming.webrtc.send.sessions import NoPicture, NoSession, NotCarried, NotLive, WhepSession, WrongEtag
from streaming.webrtc.session import Overloaded
from web.identity import address_of
from web.problems import problem
from web.routing import Access, Endpoint
from web.sdp_exchange import BUSY_SECONDS, CORS, FRAGMENT, PREFLIGHT, SDP, own_address, sdp_text
from web.urls import Urls


class Sessions(Protocol):
    async def open(
        self, event_id: str, venue_id: str, sdp: str, address: str, via: str | None
    ) -> tuple[WhepSession, str]: ...

    def patch(self, session_id: str, etag: str, fragment: str) -> str | None: ...

    def etag(self, session_id: str) -> str: ...

    def end(self, session_id: str) -> None: ...


def whep_endpoints(sessions: Sessions, ice_servers: Callable[[], list[IceServer]], urls: Urls) -> list[Endpoint]:
    async def play(request: web.Request) -> web.StreamResponse:
        if request.content_type != SDP:
            return _problem(request, 415, "whep_not_sdp")
        text = await sdp_text(request)
        event_id, venue_id = request.match_info["event_id"], request.match_info["venue_id"]
        try:
            session, answer = await sessions.open(event_id, venue_id, text, address_of(request), own_address(request))
        except NotLive:
            return _problem(request, 404, "not_live")
        except NoPicture:
            return _problem(request, 404, "no_picture")
        except NotCarried as refused:
            trouble = refused.trouble
            return _problem(request, 409, "whep_not_carried", zh=trouble.zh, en=trouble.en, reason=trouble.code.value)
        except MalformedSdp as malformed:
            return _problem(request, 400, "whep_malformed", detail=str(malformed))
        except Unacceptable as unacceptable:
            return _problem(request, 422, unacceptable.code, offered=unacceptable.offered)
        except Overloaded:
            return _problem(request, 503, "busy", {hdrs.RETRY_AFTER: str(BUSY_SECONDS)})
        headers = {
            **CORS,
            hdrs.LOCATION: f"{urls.base(request)}/whep/sessions/{session.id}",
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
            return _problem(request, 415, "whep_not_fragment")
        etag = request.headers.get(hdrs.IF_MATCH)
        text = await sdp_text(request)
        try:
            if etag is None:
                sessions.etag(session_id)
                return _problem(request, 428, "whep_if_match")
            answer = sessions.patch(session_id, etag, text)
            headers = {**CORS, hdrs.ETAG: sessions.etag(session_id)}
        except NoSession:
            return _problem(request, 404, "whep_no_session")
        except WrongEtag:
            return _problem(request, 412, "whep_if_match")
        except MalformedSdp as malformed:
            return _problem(request, 400, "whep_malformed", detail=str(malformed))
        if answer is None:
            return web.Response(status=204, headers=headers)
        return web.Response(status=200, text=answer, content_type=FRAGMENT, headers=headers)

    async def end(request: web.Request) -> web.StreamResponse:
        try:
            sessions.end(request.match_info["session_id"])
        except NoSession:
            return _problem(request, 404, "whep_no_session")
        return web.Response(status=200, headers=CORS)

    async def options(request: web.Request) -> web.StreamResponse:
        response = web.Response(status=204, headers={**CORS, **PREFLIGHT})
        for server in ice_servers():
            response.headers.add(hdrs.LINK, server.link())
        return response

    public = Access.PUBLIC
    return [
        Endpoint("POST", "/whep/{event_id}/{venue_id}", play, public, "Play a live venue's program by WHEP"),
        Endpoint("OPTIONS", "/whep/{event_id}/{venue_id}", options, public, "What WHEP allows"),
        Endpoint("PATCH", "/whep/sessions/{session_id}", trickle, public, "Trickle ICE, or an ICE restart"),
        Endpoint("DELETE", "/whep/sessions/{session_id}", end, public, "Stop playing"),
        Endpoint("OPTIONS", "/whep/sessions/{session_id}", options, public, "What a WHEP session allows"),
    ]


def _problem(
    request: web.Request, status: int, code: str, headers: dict[str, str] | None = None, **values: object
) -> web.Response:
    response = problem(request, status, code, errors=(), **values)
    response.headers.update({**CORS, **(headers or {})})
    return response
