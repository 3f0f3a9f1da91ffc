"""What WHIP and WHEP sessions share: an address that nobody can guess, an ETag for each ICE session, trickling."""

from __future__ import annotations

import secrets
from typing import Protocol

from streaming.webrtc.sdp import MalformedSdp, Offer, parse_fragment, write_fragment
from streaming.webrtc.session import RemoteParameters, Transport


class NoSession(Exception):
    """No session has this address: it never was, or has ended."""


class WrongEtag(Exception):
    """If-Match names another ICE session than the current one (RFC 9725, 4.3.2)."""


class Addressed(Protocol):
    """A session as PATCH sees it."""

    offer: Offer
    etag: str
    """Of the current ICE session."""
    ufrag: str
    transport: Transport | None


def new_etag() -> str:
    """An entity tag, quoted (RFC 9110, 8.8.3)."""
    return f'"{secrets.token_hex(8)}"'


def trickled(session: Addressed, etag: str, fragment: str) -> str | None:
    """Candidates of the peer (nothing to answer: it will come to us), or an ICE restart: then our fragment.

    Raises WrongEtag, MalformedSdp.
    """
    if etag not in ("*", session.etag):
        raise WrongEtag
    parsed = parse_fragment(fragment)
    if not parsed.ufrag or parsed.ufrag == session.ufrag:
        return None
    if not parsed.password:
        raise MalformedSdp("an ICE restart without a=ice-pwd")
    assert session.transport is not None
    remote = session.offer.remote
    local = session.transport.restart(
        RemoteParameters(parsed.ufrag, parsed.password, remote.fingerprints, remote.setup)
    )
    session.ufrag, session.etag = parsed.ufrag, new_etag()
    first = session.offer.media[0]
    return write_fragment(local, first.mid, first.kind)
