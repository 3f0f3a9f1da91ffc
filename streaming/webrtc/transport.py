"""The road of all WebRTC peers: ICE, DTLS and SRTP on one UDP port, in synchronous steps on the event loop.

Theory. The hub has an address that peers can reach, so it needs no more than the answering half of ICE (RFC 8445, 2.5,
"lite"): it never probes, it answers authenticated checks and learns from them where a peer is. A peer is found by the
user fragment of its check, from then on by its address; so one socket serves everybody, and a half-open session costs
a few kilobytes and a timer, no socket and no task. DTLS is taken only from an address whose check was authenticated:
nobody can make the hub do public-key work, or send to a stranger, without an answer of its own.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from streaming.webrtc import candidates
from streaming.webrtc.door import (
    Certificate,
    Srtp,
    SrtpError,
    binding_error,
    binding_request,
    binding_success,
    is_binding_request,
    is_binding_success,
    parse_stun,
)
from streaming.webrtc.dtls import Dtls, HandshakeFailed
from streaming.webrtc.session import Consumer, Ended, LocalParameters, Overloaded, RemoteParameters, TransportState

HANDSHAKE_SECONDS = 15.0
"""From the answer to the end of DTLS; a phone on a bad network needs 5."""
SILENCE_SECONDS = 15.0
"""Browsers check consent every 5 s at most (RFC 7675); three of them lost in a row are a lost peer."""
SWEEP_SECONDS = 1.0
MAX_PEERS = 4_000
MAX_HALF_OPEN = 1_000
"""Offers that never become a connection, at once."""
MAX_HALF_OPEN_PER_ADDRESS = 64
"""A school behind one address joins at once; half open is each of them for a second or less."""
MAX_PATHS = 8
"""Addresses one peer may be seen at: a phone has Wi-Fi, mobile, IPv4 and a relay."""
DATAGRAMS_PER_WAKE = 128
"""Then the loop's other work has its turn."""
SOCKET_BUFFER_BYTES = 8 * 1024 * 1024
"""A key frame to hundreds of viewers, or 100 ms of all publishers; the kernel gives what its limit allows."""
CERTIFICATE_SECONDS = 14 * 86_400.0
"""aiortc's certificates are valid for 30 days; new sessions get a fresh one in time."""
STUN_REFRESH_SECONDS = 25.0
"""Keeps the router's mapping of our port alive as well."""

Address = tuple[str, int]

log = structlog.get_logger(__name__)


class PeerTransport:
    """One peer (`streaming.webrtc.session.Transport`)."""

    def __init__(
        self, road: UdpRoad, remote: RemoteParameters, local: LocalParameters, address: str, consumer: Consumer
    ) -> None:
        self._road, self._remote, self._consumer = road, remote, consumer
        self.local = local
        self.address = address
        self.state = TransportState.CONNECTING
        self.peer: Address | None = None
        self.paths: set[Address] = set()
        self.credentials = {local.ufrag: local.password}
        """By user fragment; two of them while an ICE restart is on its way."""
        self.deadline = road.now() + HANDSHAKE_SECONDS
        self.heard_at = road.now()
        self._dtls: Dtls | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._srtp: Srtp | None = None
        self.datagrams_lost = 0
        """Not taken by the socket."""
        self.unauthentic = 0

    def protect(self, rtp: bytes) -> bytes:
        assert self._srtp is not None, "only while connected"
        return self._srtp.protect(rtp)

    def send_protected(self, datagram: bytes) -> bool:
        if self.peer is None or self.state is not TransportState.CONNECTED:
            return False
        if self._road.send(datagram, self.peer):
            return True
        self.datagrams_lost += 1
        return False

    def send_rtp(self, datagram: bytes) -> bool:
        if self._srtp is None or self.state is not TransportState.CONNECTED:
            return False
        return self.send_protected(self._srtp.protect(datagram))

    def send_parts(self, header: bytes, payload: bytes) -> bool:
        srtp, peer = self._srtp, self.peer
        if srtp is None or peer is None or self.state is not TransportState.CONNECTED:
            return False
        try:
            if self._road.send(srtp.protect_parts(header, payload), peer):
                return True
        except SrtpError:
            return False  # resent from before the window that libsrtp remembers
        self.datagrams_lost += 1
        return False

    def send_rtcp(self, datagram: bytes) -> bool:
        if self._srtp is None or self.state is not TransportState.CONNECTED:
            return False
        return self.send_protected(self._srtp.protect_rtcp(datagram))

    def restart(self, remote: RemoteParameters) -> LocalParameters:
        self._remote = remote
        return self._road.restarted(self)

    def close(self, reason: str) -> None:
        if self.state is TransportState.CLOSED:
            return
        if self._dtls is not None and self.peer is not None:
            self._dtls.close()
            self._flush(self.peer)
        self.state = TransportState.CLOSED
        if self._retry is not None:
            self._retry.cancel()
        self._dtls = None
        self._road.forget(self, reason)
        self._consumer.closed(reason)

    def checked(self, source: Address, *, nominated: bool) -> None:
        """An authenticated check came from `source`."""
        self.heard_at = self._road.now()
        if nominated or self.peer is None:
            self.peer = source
        if self._dtls is None:
            server = self.local.setup == "passive"
            self._dtls = Dtls(self._road.certificate, self._remote.fingerprints, server=server)
            if not server:
                self._step(source, b"")

    def receive(self, datagram: bytes, source: Address) -> None:
        first = datagram[0]
        if 128 <= first <= 191:
            self._receive_media(datagram)
        elif 20 <= first <= 63 and self._dtls is not None:
            self.heard_at = self._road.now()
            self._step(source, datagram)

    def _receive_media(self, datagram: bytes) -> None:
        if self._srtp is None or len(datagram) < 12:
            return
        now = self._road.now()
        try:
            if 192 <= datagram[1] <= 223:  # RFC 5761, 4: RTCP packet types
                plain = self._srtp.unprotect_rtcp(datagram)
                self.heard_at = now
                self._consumer.rtcp(plain, now)
            else:
                plain = self._srtp.unprotect(datagram)
                self.heard_at = now
                self._consumer.rtp(plain, now)
        except SrtpError:
            self.unauthentic += 1

    def _step(self, source: Address, datagram: bytes) -> None:
        """One step of DTLS: take a datagram (none: start), send what follows, and see where it led."""
        assert self._dtls is not None
        try:
            if datagram:
                self._dtls.receive(datagram)
            else:
                self._dtls.start()
        except HandshakeFailed as error:
            self._flush(source)
            log.info("dtls failed", address=self.address, reason=str(error))
            self.close(Ended.HANDSHAKE_FAILED)
            return
        self._flush(source)
        if self._dtls.closed_by_peer:
            self.close(Ended.PEER_CLOSED)
        elif self._srtp is None and self._dtls.srtp is not None:
            self._srtp = self._dtls.srtp
            self.state = TransportState.CONNECTED
            self._road.connected(self)
            self._consumer.connected()

    def _flush(self, target: Address) -> None:
        assert self._dtls is not None
        for datagram in self._dtls.outgoing():
            self._road.send(datagram, target)
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        remaining = self._dtls.timeout()
        if remaining is not None and self._dtls.srtp is None:
            self._retry = asyncio.get_running_loop().call_later(max(remaining, 0.01), self._resend)

    def _resend(self) -> None:
        self._retry = None
        if self._dtls is None or self.peer is None:
            return
        try:
            self._dtls.expire()
        except HandshakeFailed:
            self.close(Ended.HANDSHAKE_TIMEOUT)
            return
        self._flush(self.peer)


class UdpRoad:
    """One UDP port for every peer (`streaming.webrtc.session.Road`)."""

    def __init__(self, udp: socket.socket, public: Sequence[str], *, loopback: bool) -> None:
        self._socket = udp
        self._loop = asyncio.get_running_loop()
        self._bound: str = udp.getsockname()[0]
        self.port: int = udp.getsockname()[1]
        self._public = tuple(public)
        self._reflexive: str | None = None
        self._loopback = loopback
        self.certificate = Certificate()
        self.now: Callable[[], float] = self._loop.time
        self._certificate_until = self.now() + CERTIFICATE_SECONDS
        self._by_ufrag: dict[str, PeerTransport] = {}
        self._by_path: dict[Address, PeerTransport] = {}
        self._peers: set[PeerTransport] = set()
        self._half_open: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        """Ends by reason, since the start: what /metrics shows."""
        self.refused = 0
        self.unknown_datagrams = 0
        self.unsent = 0
        self._stun_id = b""
        self._loop.add_reader(udp.fileno(), self._readable)
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    @property
    def peer_count(self) -> int:
        return len(self._peers)

    @property
    def half_open_count(self) -> int:
        return self._half_open.total()

    def open(self, remote: RemoteParameters, address: str, consumer: Consumer, via: str | None = None) -> PeerTransport:
        if (
            len(self._peers) >= MAX_PEERS
            or self._half_open.total() >= MAX_HALF_OPEN
            or self._half_open[address] >= MAX_HALF_OPEN_PER_ADDRESS
        ):
            self.refused += 1
            raise Overloaded(f"{len(self._peers)} sessions, {self._half_open[address]} half open from {address}")
        if self.now() > self._certificate_until:
            self.certificate, self._certificate_until = Certificate(), self.now() + CERTIFICATE_SECONDS
        setup = "active" if remote.setup == "passive" else "passive"
        local = self._local(setup, via)
        peer = PeerTransport(self, remote, local, address, consumer)
        self._peers.add(peer)
        self._by_ufrag[local.ufrag] = peer
        self._half_open[address] += 1
        return peer

    def _local(self, setup: str, via: str | None) -> LocalParameters:
        hosts = candidates.host_addresses(self._bound)
        public = self._public or ((self._reflexive,) if self._reflexive else ())
        addresses = candidates.ordered(hosts, public, via, loopback=self._loopback)
        return LocalParameters(
            ufrag=secrets.token_hex(4),
            password=secrets.token_hex(16),
            fingerprint=self.certificate.fingerprint,
            setup=setup,
            candidates=candidates.lines(addresses, self.port, public, hosts[0]),
        )

    def restarted(self, peer: PeerTransport) -> LocalParameters:
        fresh = self._local(peer.local.setup, None)
        peer.local = LocalParameters(
            fresh.ufrag, fresh.password, peer.local.fingerprint, peer.local.setup, fresh.candidates
        )
        for ufrag in tuple(peer.credentials)[:-1]:  # the last one before this stays: its checks are on their way
            del peer.credentials[ufrag], self._by_ufrag[ufrag]
        peer.credentials[fresh.ufrag] = fresh.password
        self._by_ufrag[fresh.ufrag] = peer
        return peer.local

    def connected(self, peer: PeerTransport) -> None:
        self._less_half_open(peer)

    def forget(self, peer: PeerTransport, reason: str) -> None:
        if peer not in self._peers:
            return
        self._peers.discard(peer)
        known = reason in Ended.__members__.values()
        self.ended[str(reason) if known else "local"] += 1
        if peer.deadline:
            self._less_half_open(peer)
        for ufrag in peer.credentials:
            self._by_ufrag.pop(ufrag, None)
        for path in peer.paths:
            if self._by_path.get(path) is peer:
                del self._by_path[path]

    def _less_half_open(self, peer: PeerTransport) -> None:
        peer.deadline = 0.0
        self._half_open[peer.address] -= 1
        if not self._half_open[peer.address]:
            del self._half_open[peer.address]

    def send(self, datagram: bytes | memoryview, target: Address) -> bool:
        """False when the socket is full or the network says no: UDP's way of losing a packet."""
        try:
            self._socket.sendto(datagram, target)
        except OSError:
            self.unsent += 1
            return False
        return True

    def close(self) -> None:
        for peer in tuple(self._peers):
            peer.close(Ended.SHUTDOWN)
        self._sweeper.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        receive = self._socket.recvfrom
        for _ in range(DATAGRAMS_PER_WAKE):
            try:
                datagram, source = receive(2048)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # an ICMP error of an earlier datagram; the next call gives the next datagram
            if not datagram:
                continue
            if datagram[0] < 4:
                self._receive_stun(datagram, source)
                continue
            peer = self._by_path.get(source)
            if peer is None:
                self.unknown_datagrams += 1
                continue
            peer.receive(datagram, source)

    def _receive_stun(self, datagram: bytes, source: Address) -> None:
        message = parse_stun(datagram)
        if message is None:
            self.unknown_datagrams += 1
            return
        if is_binding_success(message) and self._stun_id and message.transaction_id == self._stun_id:
            mapped = message.attributes.get("XOR-MAPPED-ADDRESS")
            if mapped is not None:
                self._reflexive = str(mapped[0])
            return
        if not is_binding_request(message):
            return
        ufrag = str(message.attributes.get("USERNAME", "")).partition(":")[0]
        peer = self._by_ufrag.get(ufrag)
        if peer is None:
            self.unknown_datagrams += 1  # no answer: a wrong guess learns nothing, and nobody's traffic is amplified
            return
        password = peer.credentials[ufrag]
        if not message.check_message_integrity(password.encode()):
            self.send(binding_error(message, 401, "Unauthenticated"), source)
            return
        known = self._by_path.get(source)
        if known is not peer:
            if source not in peer.paths and len(peer.paths) >= MAX_PATHS:
                return
            if known is not None:
                known.paths.discard(source)
            self._by_path[source] = peer
            peer.paths.add(source)
        self.send(binding_success(message, source, password), source)
        peer.checked(source, nominated="USE-CANDIDATE" in message.attributes)

    def _sweep(self) -> None:
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        now = self.now()
        for peer in tuple(self._peers):
            if peer.deadline:
                if now > peer.deadline:
                    peer.close(Ended.HANDSHAKE_TIMEOUT)
            elif now - peer.heard_at > SILENCE_SECONDS:
                peer.close(Ended.SILENT)

    async def learn_public_address(self, server: Address) -> None:
        """Ask a STUN server which address our port has outside, again and again: for as long as the hub lives."""
        while True:
            try:
                [*_, (*_, resolved)] = await self._loop.getaddrinfo(
                    *server, family=socket.AF_INET, type=socket.SOCK_DGRAM
                )
                request = binding_request()
                self._stun_id = request.transaction_id
                self.send(bytes(request), (str(resolved[0]), int(resolved[1])))
            except OSError as error:
                log.warning("stun server not found", server=server[0], error=str(error))
            await asyncio.sleep(STUN_REFRESH_SECONDS)


@asynccontextmanager
async def open_road(
    host: str, port: int, public: Sequence[str] = (), *, loopback: bool = False, stun_server: Address | None = None
) -> AsyncIterator[UdpRoad]:
    """The UDP port, open while the context is; port 0 takes a free one. Raises OSError when it is taken."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        udp.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
    try:
        udp.bind((host, port))
    except OSError:
        udp.close()
        raise
    road = UdpRoad(udp, public, loopback=loopback)
    learner = None
    if stun_server is not None and not public:
        learner = asyncio.create_task(road.learn_public_address(stun_server))
    try:
        yield road
    finally:
        if learner is not None:
            learner.cancel()
            await asyncio.gather(learner, return_exceptions=True)
        road.close()
