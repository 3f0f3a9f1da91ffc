"""Absolute addresses in answers: from the public URL if one is set, else from what the caller asked."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Urls:
    public_url: str | None
    rtmp_port: int
    srt_port: int

    def base(self, request: web.BaseRequest) -> str:
        """Scheme and host, without a slash at the end."""
        if self.public_url is not None:
            return self.public_url
        scheme = request.scheme
        if request.remote in ("127.0.0.1", "::1") and request.headers.get("X-Forwarded-Proto") == "https":
            scheme = "https"  # a proxy in front is trusted from loopback only
        return f"{scheme}://{request.host}"

    def rtmp_server(self, base: str) -> str:
        """Where encoders push, without the key."""
        return f"rtmp://{_host(base)}{_port(self.rtmp_port, 1935)}/live"

    def rtmp_play(self, base: str) -> str:
        """Where OBS, vMix and VLC play; an event's and a venue's id follow."""
        return f"rtmp://{_host(base)}{_port(self.rtmp_port, 1935)}/play"

    def srt(self, base: str, key: str) -> str:
        return f"srt://{_host(base)}:{self.srt_port}?streamid=publish:{key}"


def absolute(base: str, path: str | None) -> str | None:
    """A stored poster path as an address; outside addresses as they are."""
    return f"{base}{path}" if path is not None and path.startswith("/") else path


def square(base: str, path: str | None) -> str | None:
    """The square form of a poster of ours; an outside one has no other form."""
    ours = path is not None and path.startswith("/posters/")
    return absolute(base, f"{path.removesuffix('.jpg')}-square.jpg" if path is not None and ours else path)


def _host(base: str) -> str:
    host = urlsplit(base).hostname or "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _port(port: int, default: int) -> str:
    return "" if port == default else f":{port}"
