"""STUN and TURN servers of the setting, as publishers and viewers are told of them (RFC 9725, 4.6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

_PATTERN = re.compile(
    r"(?P<scheme>stuns?|turns?):(?:(?P<user>[^:@\s]+):(?P<password>[^@\s]+)@)?"
    r"(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9.\-]+)(?::(?P<port>\d{1,5}))?(?P<query>\?transport=(?:udp|tcp))?"
)
CREDENTIAL_SECONDS = 12 * 3600
"""How long a made-up TURN password is good for: an event and its rehearsal."""


@dataclass(frozen=True, slots=True)
class IceServer:
    url: str
    """Without credentials: `turn:turn.example.cn:3478?transport=udp`."""
    host: str
    port: int
    username: str = ""
    credential: str = ""

    @property
    def is_turn(self) -> bool:
        return self.url.startswith("turn")

    def link(self) -> str:
        """The value of a Link header."""
        secret = f'; username="{self.username}"; credential="{self.credential}"; credential-type="password"'
        return f'<{self.url}>; rel="ice-server"' + (secret if self.username else "")


def parse_ice_servers(text: str) -> tuple[IceServer, ...]:
    """Servers of a setting, separated by commas or spaces: `stun:HOST:PORT`, `turn:USER:PASSWORD@HOST:PORT`.

    Raises ValueError naming the one that cannot be read.
    """
    servers = []
    for part in text.replace(",", " ").split():
        match = _PATTERN.fullmatch(part)
        if match is None or int(match["port"] or 1) not in range(1, 65536):
            shown = re.sub(r":[^:@]+@", ":***@", part)
            raise ValueError(f"{shown} is not stun:HOST:PORT or turn:USER:PASSWORD@HOST:PORT")
        port = int(match["port"] or (5349 if match["scheme"].endswith("s") else 3478))
        url = f"{match['scheme']}:{match['host']}:{port}{match['query'] or ''}"
        servers.append(IceServer(url, match["host"].strip("[]"), port, match["user"] or "", match["password"] or ""))
    return tuple(servers)


def with_credentials(servers: Sequence[IceServer], secret: str | None, utc: float) -> list[IceServer]:
    """TURN servers without a user get one that expires, made with coturn's shared secret (`use-auth-secret`)."""
    if not secret:
        return list(servers)
    username = f"{int(utc) + CREDENTIAL_SECONDS}:venuecast"
    credential = base64.b64encode(hmac.digest(secret.encode(), username.encode(), hashlib.sha1)).decode()
    return [
        replace(server, username=username, credential=credential) if server.is_turn and not server.username else server
        for server in servers
    ]
