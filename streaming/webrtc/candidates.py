"""Our ICE candidates: every address of this machine on the one UDP port, the most reachable IPv4 first."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import ifaddr

_HOST_PREFERENCE, _REFLEXIVE_PREFERENCE = 126, 100
"""Type preferences of RFC 8445, 5.1.2.2."""


def host_addresses(bound: str) -> tuple[str, ...]:
    """IPv4 addresses that peers may reach: `bound` alone when it names one, otherwise all of the machine's.

    Link-local addresses are left out: nobody routes to them. A machine with nothing but loopback offers that.
    """
    if not ipaddress.ip_address(bound).is_unspecified:
        return (bound,)
    found = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    usable = [a for a in found if not ipaddress.ip_address(a).is_loopback and not ipaddress.ip_address(a).is_link_local]
    return tuple(dict.fromkeys(usable)) or ("127.0.0.1",)


def ordered(hosts: Sequence[str], public: Sequence[str], via: str | None, *, loopback: bool) -> tuple[str, ...]:
    """Addresses in the order of the answer.

    Some encoders look at the first candidate only. The address that the offer came to is reachable for sure, unless
    it is loopback (then a reverse proxy stands in front, or the peer is on this machine and reaches the others too).
    """
    addresses = [*public]
    if via is not None and via in hosts:
        addresses.append(via)
    addresses += hosts
    if loopback:
        addresses.append("127.0.0.1")
    return tuple(dict.fromkeys(addresses))


def lines(addresses: Sequence[str], port: int, public: Sequence[str], base: str) -> tuple[str, ...]:
    """Values of `a=candidate` (RFC 8839, 5.1). Public addresses are server-reflexive: a router maps them to `base`."""
    result = []
    for index, address in enumerate(addresses):
        reflexive = address in public and address != base
        preference = _REFLEXIVE_PREFERENCE if reflexive else _HOST_PREFERENCE
        priority = (preference << 24) + (65535 - index << 8) + 255
        kind = f"typ srflx raddr {base} rport {port}" if reflexive else "typ host"
        result.append(f"candidate:{index + 1} 1 udp {priority} {address} {port} {kind}")
    return tuple(result)
