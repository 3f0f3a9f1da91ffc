"""Sign in and out, who am I, change one's password."""

from __future__ import annotations

import math

from aiohttp import web

from web.accounts.actions import AccountError, Accounts
from web.accounts.model import PERMISSIONS, Center, Crew, Permission, Role
from web.auth.audit import Audit
from web.auth.lockout import Lockout
from web.auth.passwords import verify_password
from web.auth.sessions import ACCESS_SECONDS, IDLE_SECONDS, Sessions, session_id_of
from web.identity import COOKIE, address_of, caller, from_own_page
from web.keys import SESSION_ID
from web.problems import Problem
from web.routing import Access, Endpoint, answer, body_of
from web.schemas.auth import DoneView, LoginBody, MembershipView, MeView, PasswordBody, TokenView


def auth_endpoints(accounts: Accounts, sessions: Sessions, lockout: Lockout, audit: Audit) -> list[Endpoint]:
    async def login(request: web.Request) -> web.StreamResponse:
        if not from_own_page(request):  # another site must not sign a visitor in as somebody else
            raise Problem(403, "cross_site")
        body = body_of(request, LoginBody)
        address = address_of(request)
        pause = await lockout.pause_left(body.username, address)
        if pause > 0:
            raise Problem(429, "locked_out", seconds=math.ceil(pause))
        crew = await accounts.store.by_username(body.username)
        fits = await verify_password(crew.password_hash if crew else None, body.password)
        if crew is None or not fits:
            await lockout.failed(body.username, address)
            await audit.write("sign_in", by=body.username, address=address, outcome="wrong_credentials")
            raise Problem(401, "wrong_credentials")
        if crew.disabled:
            raise Problem(403, "account_disabled")
        await lockout.succeeded(body.username, address)
        cookie = await sessions.begin(crew.id, address, request.headers.get("User-Agent", ""))
        await audit.write("sign_in", by=crew.id, address=address)
        response = answer(_token(crew, session_id_of(cookie)))
        response.set_cookie(
            COOKIE, cookie, httponly=True, samesite="Lax", secure=request.secure, max_age=round(IDLE_SECONDS), path="/"
        )
        return response

    def _token(crew: Crew, session_id: str) -> TokenView:
        return TokenView(
            access_token=sessions.access_token(session_id, crew.id),
            expires_in=ACCESS_SECONDS,
            must_change_password=crew.must_change_password,
        )

    async def token(request: web.Request) -> web.StreamResponse:
        return answer(_token(caller(request), request[SESSION_ID]))

    async def logout(request: web.Request) -> web.StreamResponse:
        await sessions.end(request[SESSION_ID])
        return _signed_out()

    async def logout_everywhere(request: web.Request) -> web.StreamResponse:
        await accounts.sign_out_everywhere(caller(request))
        await audit.write("sign_out_everywhere", by=caller(request).id, address=address_of(request))
        return _signed_out()

    def _signed_out() -> web.Response:
        response = answer(DoneView())
        response.del_cookie(COOKIE, path="/")
        return response

    async def me(request: web.Request) -> web.StreamResponse:
        crew = caller(request)
        centers = await accounts.store.centers(None if crew.platform_admin else sorted(crew.roles))
        return answer(
            MeView(
                id=crew.id,
                username=crew.username,
                name=crew.name,
                platform_admin=crew.platform_admin,
                must_change_password=crew.must_change_password,
                centers=[_membership(crew, center) for center in centers],
            )
        )

    async def password(request: web.Request) -> web.StreamResponse:
        body, crew = body_of(request, PasswordBody), caller(request)
        address = address_of(request)
        pause = await lockout.pause_left(crew.username, address)
        if pause > 0:
            raise Problem(429, "locked_out", seconds=math.ceil(pause))
        if not await verify_password(crew.password_hash, body.current):
            await lockout.failed(crew.username, address)
            raise Problem(403, "wrong_credentials")
        try:
            await accounts.set_password(crew, body.password)
        except AccountError as error:
            raise Problem(422, error.code) from None
        await audit.write("change_password", by=crew.id, address=address)
        return _signed_out()

    base = "/api/v1/auth"
    return [
        Endpoint("POST", f"{base}/login", login, Access.PUBLIC, "Sign in", body=LoginBody, returns=TokenView),
        Endpoint("POST", f"{base}/token", token, Access.CREW, "A fresh access token", returns=TokenView),
        Endpoint("POST", f"{base}/logout", logout, Access.CREW, "Sign out here", returns=DoneView),
        Endpoint(
            "POST", f"{base}/logout-everywhere", logout_everywhere, Access.CREW, "Sign out everywhere", returns=DoneView
        ),
        Endpoint("GET", f"{base}/me", me, Access.CREW, "Who is signed in", returns=MeView),
        Endpoint(
            "POST",
            f"{base}/password",
            password,
            Access.CREW,
            "Change one's password",
            body=PasswordBody,
            returns=DoneView,
        ),
    ]


def _membership(crew: Crew, center: Center) -> MembershipView:
    roles = list(Role) if crew.platform_admin else list(crew.roles.get(center.id, ()))
    held = set(Permission) if crew.platform_admin else {p for role in roles for p in PERMISSIONS[role]}
    return MembershipView(
        center_id=center.id,
        center_name=center.name,
        accent=center.accent,
        roles=[] if crew.platform_admin else roles,
        permissions=sorted(held),
    )
