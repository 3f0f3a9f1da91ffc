"""How a center's app signs its viewers on."""

from __future__ import annotations

from pydantic import Field

from web.app_sign_on.model import Method
from web.schemas.base import Body, Instant, View


class SignOnBody(Body):
    method: Method
    issuer: str | None = Field(default=None, min_length=1, max_length=200, description="What `iss` has to be")
    public_key: str | None = Field(default=None, max_length=4000, description="PEM; for `key`: RSA 2048 or P-256")
    jwks_url: str | None = Field(
        default=None, max_length=500, pattern=r"^https://", description="For `jwks`; over HTTPS only"
    )


class SignOnView(View):
    center_id: str = Field(description="What `aud` has to be")
    method: Method
    issuer: str | None
    public_key: str | None
    jwks_url: str | None
    has_secret: bool
    changed_at: Instant | None


class SecretView(View):
    secret: str = Field(description="Shown this once; the one before no longer counts")
