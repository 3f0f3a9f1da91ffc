"""Who is calling: a bearer token, or the console's cookie (for changes only from our own pages)."""

from __future__ import annotations

from aiohttp import hdrs, web

from web.accounts.model import Crew
from web.keys import ACCOUNTS, CALLER, SESSION_ID, SESSIONS
from web.problems import Problem

COOKIE = "venuecast_session"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_OWN_ACCOUNT = "/api/v1/auth/"
"""All that is open to somebody who still has a one-time password."""


async def authenticate(request: web.Request) -> Crew:
    """The caller, also kept in the request. Raises Problem 401, or 403 for a change that another site asks for."""
    authorization = request.headers.get(hdrs.AUTHORIZATION, "")
    sessions = request.app[SESSIONS]
    if authorization.startswith("Bearer "):
        session = await sessions.by_token(authorization.removeprefix("Bearer ").strip())
    elif cookie := request.cookies.get(COOKIE):
        if request.method not in _SAFE and not from_own_page(request):
            raise Problem(403, "cross_site")
        session = await sessions.by_cookie(cookie)
    else:
        session = None
    if session is None:
        raise Problem(401, "not_signed_in")
    crew = await request.app[ACCOUNTS].acting(session.crew_id)
    if crew is None:
        raise Problem(401, "not_signed_in")
    if crew.must_change_password and not request.path.startswith(_OWN_ACCOUNT):
        raise Problem(403, "password_change_due")
    request[CALLER] = crew
    request[SESSION_ID] = session.id
    return crew


def from_own_page(request: web.Request) -> bool:
    """Whether a browser says that the request comes from a page of ours (Sec-Fetch-Site, else Origin)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is None or origin.partition("://")[2] == request.host


def caller(request: web.Request) -> Crew:
    """Whoever `authenticate` found for this request."""
    return request[CALLER]


def address_of(request: web.BaseRequest) -> str:
    """The caller's address. A proxy in front is trusted for it only from loopback."""
    peer = request.remote or ""
    if peer in ("127.0.0.1", "::1"):
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        return forwarded or peer
    return peer
