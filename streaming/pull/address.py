"""Which addresses may be pulled: schemes, files of one folder, and networks by setting."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

SCHEMES = {"rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "srt", "file"}
MAX_FILES = 50
"""Of a playlist: an evening's films."""
_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443, "http": 80, "https": 443, "srt": 8890}


class Networks(StrEnum):
    """How near a source may lie."""

    PUBLIC = "public"
    """The internet only."""
    PRIVATE = "private"
    """Also private networks, where cameras are; never this machine itself or link-local addresses."""
    ANY = "any"


class SourceRefused(ValueError):
    """`code`: `source_scheme`, `source_address`, `source_file` or `source_network`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check_address(url: str) -> None:
    """What can be told from the text alone. Raises SourceRefused."""
    if any(character.isspace() or ord(character) < 32 for character in url.strip()):
        raise SourceRefused("source_address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SourceRefused("source_address") from None
    scheme = parts.scheme.lower()
    if scheme not in SCHEMES:
        raise SourceRefused("source_scheme")
    if scheme == "file":
        file_names(url)
    elif not parts.hostname or port == 0:
        raise SourceRefused("source_address")


def file_names(url: str) -> list[str]:
    """The names in `file:one.mp4,two.mp4`: of one folder, without any path. Raises SourceRefused."""
    names = [name.strip() for name in url.partition(":")[2].split(",") if name.strip()]
    wrong = [name for name in names if "/" in name or "\\" in name or name.startswith(".") or "'" in name]
    if not names or wrong or len(names) > MAX_FILES:
        raise SourceRefused("source_file")
    return names


def find_files(folder: Path, url: str) -> list[Path]:
    """The files, all there. Blocking; raises SourceRefused."""
    paths = [folder / name for name in file_names(url)]
    for path in paths:
        if not path.is_file() or path.resolve().parent != folder.resolve():
            raise SourceRefused("source_file")
    return paths


async def check_networks(url: str, allowed: Networks) -> None:
    """Resolve the host and look at where it lies. Raises SourceRefused; OSError when there is no such host."""
    parts = urlsplit(url)
    if parts.scheme == "file" or allowed is Networks.ANY or parts.hostname is None:
        return
    loop = asyncio.get_running_loop()
    port = parts.port or _PORTS.get(parts.scheme, 0)
    found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        if not is_allowed(str(address[0]), allowed):
            raise SourceRefused("source_network")


def is_allowed(address: str, allowed: Networks) -> bool:
    """Whether an IP address lies near or far enough."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if allowed is Networks.ANY:
        return True
    if ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        return False
    return ip.is_global or allowed is Networks.PRIVATE
