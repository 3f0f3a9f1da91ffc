"""A center's settings for sign-on from its app, for the center's administrator."""

from __future__ import annotations

import secrets
from dataclasses import replace

from aiohttp import web

from config.clock import Clock
from web.access import access_center
from web.accounts.model import Permission
from web.app_sign_on.model import Method, SignOn
from web.app_sign_on.store import SignOnStore
from web.app_sign_on.verify import readable_key
from web.auth.audit import Audit
from web.field_words import FieldError
from web.identity import address_of, caller
from web.problems import Problem
from web.routing import Access, Endpoint, answer, body_of
from web.schemas.sign_on import SecretView, SignOnBody, SignOnView

SECRET_BYTES = 32


def sign_on_endpoints(store: SignOnStore, audit: Audit, clock: Clock) -> list[Endpoint]:
    async def show(request: web.Request) -> web.StreamResponse:
        center = await access_center(request, request.match_info["center_id"], Permission.MANAGE_CREW)
        return answer(_view(await store.of_center(center.id)))

    async def change(request: web.Request) -> web.StreamResponse:
        center = await access_center(request, request.match_info["center_id"], Permission.MANAGE_CREW)
        body = body_of(request, SignOnBody)
        before = await store.of_center(center.id)
        if body.method is Method.KEY and not readable_key(body.public_key or ""):
            words = ("不是有效的公钥（RSA 2048 位以上或 P-256，PEM 格式）", "Not a public key (RSA 2048, P-256; PEM)")
            raise Problem(422, "invalid", errors=[FieldError("public_key", *words)])
        if body.method is Method.JWKS and body.jwks_url is None:
            raise Problem(422, "invalid", errors=[FieldError("jwks_url", "请填写 JWKS 地址", "Name the JWKS address")])
        if body.method is Method.SECRET and before.secret is None:
            words = ("请先生成密钥", "Make a secret first")
            raise Problem(422, "invalid", errors=[FieldError("method", *words)])
        changed = replace(
            before,
            method=body.method,
            issuer=body.issuer,
            public_key=body.public_key if body.method is Method.KEY else before.public_key,
            jwks_url=body.jwks_url if body.method is Method.JWKS else before.jwks_url,
            changed_at=clock.utc(),
        )
        await store.put(changed)
        await _log(request, "change_app_sign_on", center.id, body.method.value)
        return answer(_view(changed))

    async def new_secret(request: web.Request) -> web.StreamResponse:
        center = await access_center(request, request.match_info["center_id"], Permission.MANAGE_CREW)
        secret = secrets.token_urlsafe(SECRET_BYTES)
        before = await store.of_center(center.id)
        await store.put(replace(before, method=Method.SECRET, secret=secret, changed_at=clock.utc()))
        await _log(request, "new_app_secret", center.id, "")
        return answer(SecretView(secret=secret), status=201)

    async def _log(request: web.Request, act: str, center_id: str, target: str) -> None:
        await audit.write(act, by=caller(request).id, address=address_of(request), center_id=center_id, target=target)

    one = "/api/v1/centers/{center_id}/app-sign-on"
    return [
        Endpoint("GET", one, show, Access.CREW, "How the center's app signs viewers on", returns=SignOnView),
        Endpoint("PUT", one, change, Access.CREW, "Change it", body=SignOnBody, returns=SignOnView),
        Endpoint("POST", f"{one}/secret", new_secret, Access.CREW, "New secret", returns=SecretView, status=201),
    ]


def _view(settings: SignOn) -> SignOnView:
    return SignOnView(
        center_id=settings.center_id,
        method=settings.method,
        issuer=settings.issuer,
        public_key=settings.public_key,
        jwks_url=settings.jwks_url,
        has_secret=settings.secret is not None,
        changed_at=settings.changed_at or None,
    )
