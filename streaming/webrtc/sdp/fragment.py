"""Trickle fragments (RFC 8840): candidates that a peer finds later, and the credentials of an ICE restart."""

from __future__ import annotations

from dataclasses import dataclass

from streaming.webrtc.sdp.offer import MalformedSdp, values
from streaming.webrtc.session import LocalParameters

MAX_FRAGMENT_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Fragment:
    ufrag: str
    """Empty when the fragment names none."""
    password: str
    candidates: tuple[str, ...]


def parse_fragment(text: str) -> Fragment:
    """Raises MalformedSdp."""
    if len(text) > MAX_FRAGMENT_BYTES:
        raise MalformedSdp("longer than any fragment is")
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    if not lines or any(len(line) < 2 or line[1] != "=" for line in lines):
        raise MalformedSdp("not a trickle ICE fragment")
    ufrags, passwords = values(lines, "ice-ufrag"), values(lines, "ice-pwd")
    found = values(lines, "candidate")
    if not ufrags and not found and "a=end-of-candidates" not in lines:
        raise MalformedSdp("neither candidates nor credentials")
    return Fragment(ufrags[0][:256] if ufrags else "", passwords[0][:256] if passwords else "", tuple(found))


def write_fragment(local: LocalParameters, mid: str, kind: str) -> str:
    """Our side of an ICE restart."""
    lines = [
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"m={kind} 9 UDP/TLS/RTP/SAVPF 0",
        f"a=mid:{mid}",
        *(f"a={candidate}" for candidate in local.candidates),
        "a=end-of-candidates",
    ]
    return "\r\n".join(lines) + "\r\n"
