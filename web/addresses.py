"""The addresses under which phones and encoders on this network can reach the hub."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import Literal

import psutil

PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Address:
    url: str
    kind: Literal["public", "network", "name", "local"]
    secure: bool
    """Browsers give camera and clipboard only to secure pages."""
    answers: bool


async def addresses(port: int, *, tls: bool, public_url: str | None) -> list[Address]:
    """Every address, best first: the public one, this network's, the machine's name, this machine alone."""
    scheme = "https" if tls else "http"
    found: list[tuple[str, str, Literal["network", "name", "local"]]] = []
    for interfaces in psutil.net_if_addrs().values():
        for interface in interfaces:
            if interface.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            address = ipaddress.ip_address(interface.address.partition("%")[0])
            if address.is_link_local or address.is_multicast:
                continue
            host = f"[{address}]" if address.version == 6 else str(address)
            found.append((str(address), host, "local" if address.is_loopback else "network"))
    name = socket.gethostname()
    found.append((name, name, "name"))
    order = {"network": 0, "name": 1, "local": 2}
    found.sort(key=lambda entry: (order[entry[2]], ":" in entry[0], entry[0]))
    answers = await asyncio.gather(*(_answers(host, port) for host, _, _ in found))
    listed = [
        Address(f"{scheme}://{host}:{port}", kind, tls or kind == "local", answer)
        for (_, host, kind), answer in zip(found, answers, strict=True)
    ]
    if public_url is not None:
        listed.insert(0, Address(public_url, "public", public_url.startswith("https://"), True))
    return listed


async def _answers(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
