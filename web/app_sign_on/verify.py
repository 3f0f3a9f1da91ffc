"""Whom an app's token names, or why it is not taken."""

from __future__ import annotations

from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from interaction.comments.text import plain
from web.app_sign_on.model import AppAccount, Method, SignOn

MAX_SECONDS = 300
"""What `exp` may lie ahead: a token is for entering, not for keeping."""
LEEWAY_SECONDS = 30
"""Clocks of the app's server and ours."""
MAX_NAME = 20
MAX_AVATAR = 500
MAX_ID = 256

_ALGORITHMS = {Method.SECRET: ["HS256"], Method.KEY: ["RS256", "ES256"], Method.JWKS: ["RS256", "ES256"]}
"""By how the center signs, never by what the token says: a public key is no HS256 secret."""


class NotTaken(Exception):
    """`code` names a text in web.problems."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Keys(Protocol):
    async def find(self, url: str, key_id: str | None) -> jwt.PyJWK | None: ...


async def verify(token: str, settings: SignOn, keys: Keys, now: float) -> AppAccount:
    """The account of a valid token; Unix seconds `now`. Raises NotTaken, and what `keys` raises."""
    if settings.method is Method.OFF:
        raise NotTaken("app_sign_on_not_set_up")
    key = await _key(token, settings, keys)
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=_ALGORITHMS[settings.method],
            audience=settings.center_id,
            issuer=settings.issuer,
            options={
                "require": ["iss", "aud", "sub", "exp", "jti"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise NotTaken("app_token_other_center") from None
    except jwt.InvalidIssuerError:
        raise NotTaken("app_token_other_issuer") from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise NotTaken("app_token_invalid") from None
    return _account(claims, now)


def _account(claims: dict[str, Any], now: float) -> AppAccount:
    expires, subject, issuer, token_id = claims["exp"], claims["sub"], claims["iss"], claims["jti"]
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise NotTaken("app_token_invalid")
    for one in (subject, issuer, token_id):
        if not isinstance(one, str) or not 0 < len(one) <= MAX_ID:
            raise NotTaken("app_token_invalid")
    not_before = claims.get("nbf", 0)
    if isinstance(not_before, int | float) and not_before > now + LEEWAY_SECONDS:
        raise NotTaken("app_token_invalid")
    if expires <= now - LEEWAY_SECONDS:
        raise NotTaken("app_token_expired")
    if expires > now + MAX_SECONDS + LEEWAY_SECONDS:
        raise NotTaken("app_token_too_long")
    name, avatar = claims.get("name"), claims.get("avatar")
    shown = plain(name)[:MAX_NAME].strip() if isinstance(name, str) else ""
    taken = isinstance(avatar, str) and avatar.startswith("https://") and len(avatar) <= MAX_AVATAR
    return AppAccount(
        issuer=issuer,
        subject=subject,
        token_id=token_id,
        expires_at=float(expires),
        name=shown,
        avatar=avatar if taken and isinstance(avatar, str) and avatar.isprintable() and " " not in avatar else None,
        phone_verified=claims.get("phone_verified") is True,
    )


async def _key(token: str, settings: SignOn, keys: Keys) -> Any:
    match settings.method:
        case Method.SECRET:
            return settings.secret or ""
        case Method.KEY:
            return settings.public_key or ""
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError):
        raise NotTaken("app_token_invalid") from None
    key = await keys.find(settings.jwks_url or "", key_id if isinstance(key_id, str) else None)
    if key is None:
        raise NotTaken("app_token_unknown_key")
    return key


def readable_key(pem: str) -> bool:
    """Whether a text is a public key that tokens can be checked with: RSA of 2,048 bits or more, or P-256."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError):
        return False
    if isinstance(key, RSAPublicKey):
        return key.key_size >= 2048
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
