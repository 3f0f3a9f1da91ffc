"""How a center's app signs, and who a token names."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Method(StrEnum):
    OFF = "off"
    SECRET = "secret"
    """HS256 with a secret of ours, shown once."""
    KEY = "key"
    """RS256 or ES256 with a public key (PEM) that the center gave us."""
    JWKS = "jwks"
    """RS256 or ES256 with keys that the app's server publishes."""


@dataclass(frozen=True, slots=True)
class SignOn:
    center_id: str
    method: Method = Method.OFF
    issuer: str | None = None
    """What `iss` has to be; None: anything, as long as it is there."""
    secret: str | None = field(default=None, repr=False)
    public_key: str | None = None
    jwks_url: str | None = None
    changed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class AppAccount:
    """Whom a valid token names."""

    issuer: str
    subject: str
    token_id: str
    expires_at: float
    name: str
    avatar: str | None
    phone_verified: bool
