"""Who a phone is: a token for the room, signed by us, for an anonymous device or the county app's account."""

from __future__ import annotations

import hashlib

import jwt

from config.clock import Clock
from interaction.viewer import Viewer
from web.app_sign_on.model import AppAccount

TOKEN_SECONDS = 86_400


class ViewerTokens:
    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def anonymous(self, event_id: str, device_id: str, nickname: str | None) -> tuple[str, Viewer]:
        """A token for a device. The device's own id never leaves it again: viewers are known by a digest."""
        digest = hashlib.sha256(f"{self._secret}\n{device_id}".encode()).hexdigest()[:24]
        name = nickname or f"观众{int(digest[:6], 16) % 10_000:04d}"
        return self._token(Viewer(f"d{digest}", event_id, name, True))

    def account(self, event_id: str, center_id: str, account: AppAccount) -> tuple[str, Viewer]:
        """A token for an account of the center's app: the same viewer on every device."""
        whose = f"{self._secret}\n{center_id}\n{account.issuer}\n{account.subject}"
        digest = hashlib.sha256(whose.encode()).hexdigest()[:24]
        name = account.name or f"用户{int(digest[:6], 16) % 10_000:04d}"
        viewer = Viewer(f"u{digest}", event_id, name, False, account.avatar, account.phone_verified)
        return self._token(viewer)

    def _token(self, viewer: Viewer) -> tuple[str, Viewer]:
        now = int(self._clock.utc())
        claims: dict[str, object] = {
            "sub": viewer.id,
            "ev": viewer.event_id,
            "name": viewer.nickname,
            "anon": viewer.anonymous,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "use": "viewer",
        }
        if viewer.avatar is not None:
            claims["pic"] = viewer.avatar
        if viewer.phone_verified:
            claims["tel"] = True
        return jwt.encode(claims, self._secret, algorithm="HS256"), viewer

    def read(self, token: str) -> Viewer | None:
        """The viewer of a token of ours that has not expired."""
        try:
            claims = jwt.decode(token, self._secret, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return None
        if claims.get("use") != "viewer":
            return None
        return Viewer(
            str(claims["sub"]),
            str(claims["ev"]),
            str(claims["name"]),
            bool(claims["anon"]),
            claims.get("pic"),
            claims.get("tel") is True,
            joined_at=float(claims["iat"]),
        )
