"""The seam between the road (ICE, DTLS, SRTP) and whoever speaks RTP over it: WHIP's receiver, WHEP's sender."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class TransportState(StrEnum):
    CONNECTING = "connecting"
    """From the answer until the DTLS handshake is done; ends by itself after a named time."""
    CONNECTED = "connected"
    CLOSED = "closed"


class Ended(StrEnum):
    """Why a road ended, where the road itself saw it; label of the counter in /metrics."""

    HANDSHAKE_TIMEOUT = "handshake_timeout"
    """Half open: no check, or no DTLS, came in time."""
    HANDSHAKE_FAILED = "handshake_failed"
    SILENT = "silent"
    """Connected once, and then nothing more."""
    PEER_CLOSED = "peer_closed"
    SHUTDOWN = "shutdown"
    """The hub stops."""


@dataclass(frozen=True, slots=True)
class RemoteParameters:
    """What the peer's SDP says about its end of the road."""

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    """(hash name in lower case, hex pairs with colons in upper case)."""
    setup: str
    """The peer's `a=setup`: `actpass`, `active` or `passive`."""


@dataclass(frozen=True, slots=True)
class LocalParameters:
    """What our answer says about our end."""

    ufrag: str
    password: str
    fingerprint: str
    """The value of `a=fingerprint`: `sha-256 AB:CD:...`."""
    setup: str
    candidates: tuple[str, ...]
    """Values of `a=candidate`, the most reachable IPv4 first (some encoders look at the first one only)."""


class Overloaded(Exception):
    """Too many sessions at once, in all or from one address: the HTTP answer is 503 with Retry-After."""


class Consumer(Protocol):
    """Whoever takes what comes over a Transport. Called on the event loop, in order; returns at once, never raises."""

    def connected(self) -> None:
        """The handshake is done: from now on `send_rtp` and `send_rtcp` reach the peer. Once."""

    def rtp(self, datagram: bytes, arrival: float) -> None:
        """One authenticated, decrypted RTP packet, header and all. `arrival`: the loop's clock, seconds."""

    def rtcp(self, datagram: bytes, arrival: float) -> None:
        """One authenticated, decrypted compound RTCP packet."""

    def closed(self, reason: str) -> None:
        """The road is gone. `reason` is one of `Ended`, or what `close` was called with. Once."""


class Transport(Protocol):
    """One peer's road. No method waits: a datagram that the socket does not take is lost."""

    @property
    def state(self) -> TransportState: ...

    @property
    def local(self) -> LocalParameters: ...

    @property
    def peer(self) -> tuple[str, int] | None:
        """Where the peer's datagrams come from; None before its first authenticated check."""

    def protect(self, rtp: bytes) -> bytes:
        """The SRTP form of an RTP packet, for `send_protected`. Only while connected."""

    def send_protected(self, datagram: bytes) -> bool:
        """Hand an SRTP datagram to the socket. False: not taken (full, or not connected), so it is lost."""

    def send_rtp(self, datagram: bytes) -> bool:
        """`protect` and `send_protected` in one. False when it was not taken or not connected."""

    def send_parts(self, header: bytes, payload: bytes) -> bool:
        """`send_rtp` for header and payload as two pieces: what a sender to many viewers has."""

    def send_rtcp(self, datagram: bytes) -> bool:
        """Encrypt and send a compound RTCP packet."""

    def restart(self, remote: RemoteParameters) -> LocalParameters:
        """An ICE restart (RFC 8445, 9): new credentials, the same DTLS session; for a phone that changed networks."""

    def close(self, reason: str) -> None:
        """Tell the peer (DTLS close_notify) and forget it; the consumer hears `closed`. Closing twice is allowed."""


class Road(Protocol):
    """Where Transports come from: one UDP port for every peer. See `streaming.webrtc.transport.open_road`."""

    def open(self, remote: RemoteParameters, address: str, consumer: Consumer, via: str | None = None) -> Transport:
        """A road to a peer that has sent an offer from `address` (of its HTTP request; counted against limits).
        `via` is the address of ours that this request came to: the peer can surely reach it, so it comes first among
        the candidates. The transport's `local` parameters go into the answer. Raises Overloaded."""
