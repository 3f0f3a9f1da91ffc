"""WHEP (draft-ietf-wish-whep): a live venue's program to browsers with ultra-low delay, by one HTTP request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aiohttp import hdrs, web

from streaming.webrtc.ice_servers import IceServer
from streaming.webrtc.opening import Unacceptable
from streaming.webrtc.sdp import MalformedSdp
from streaming.webrtc.send.sessions import NoPicture, NotCarried, NotLive, WhepSession
from streaming.webrtc.session import Overloaded
from web.identity import address_of
from web.routing import Access, Endpoint
from web.sdp_exchange import BUSY_SECONDS, SDP, SdpExchange, own_address, sdp_text
from web.sdp_exchange import Sessions as AddressedSessions
from web.urls import Urls


class Sessions(AddressedSessions, Protocol):
    async def open(
        self, event_id: str, venue_id: str, sdp: str, address: str, via: str | None
    ) -> tuple[WhepSession, str]: ...


def whep_endpoints(sessions: Sessions, ice_servers: Callable[[], list[IceServer]], urls: Urls) -> list[Endpoint]:
    exchange = SdpExchange("whep", sessions, ice_servers, urls)

    async def play(request: web.Request) -> web.StreamResponse:
        if request.content_type != SDP:
            return exchange.problem(request, 415, "whep_not_sdp")
        text = await sdp_text(request)
        event_id, venue_id = request.match_info["event_id"], request.match_info["venue_id"]
        try:
            session, answer = await sessions.open(event_id, venue_id, text, address_of(request), own_address(request))
        except NotLive:
            return exchange.problem(request, 404, "not_live")
        except NoPicture:
            return exchange.problem(request, 404, "no_picture")
        except NotCarried as refused:
            trouble = refused.trouble
            return exchange.problem(
                request, 409, "whep_not_carried", zh=trouble.zh, en=trouble.en, reason=trouble.code.value
            )
        except MalformedSdp as malformed:
            return exchange.problem(request, 400, "whep_malformed", detail=str(malformed))
        except Unacceptable as unacceptable:
            return exchange.problem(request, 422, unacceptable.code, offered=unacceptable.offered)
        except Overloaded:
            return exchange.problem(request, 503, "busy", {hdrs.RETRY_AFTER: str(BUSY_SECONDS)})
        return exchange.created(request, session, answer)

    public = Access.PUBLIC
    return [
        Endpoint("POST", "/whep/{event_id}/{venue_id}", play, public, "Play a live venue's program by WHEP"),
        Endpoint("OPTIONS", "/whep/{event_id}/{venue_id}", exchange.options, public, "What WHEP allows"),
        *exchange.session_endpoints("Stop playing"),
    ]
