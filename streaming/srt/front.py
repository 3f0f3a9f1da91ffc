"""The UDP port that SRT callers see: cookies, keys, refusals, and one session per caller."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, cast

import structlog

from config.clock import Clock
from streaming.gateway.intake import Intake
from streaming.ingest import Ingest, Peer, Refused
from streaming.srt import packet
from streaming.srt.meter import SrtMeter
from streaming.srt.packet import Handshake, Rejection
from streaming.srt.secret import knows
from streaming.srt.session import Address, SrtSession
from streaming.srt.stream_id import Denied, parse_stream_id

MAX_SESSIONS = 32
"""Each has an ffmpeg process of some 40 MB; a county pushes a dozen feeds."""
MAX_SESSIONS_PER_ADDRESS = 12
COOKIE_SECONDS = 60
"""A cookie is taken for this long and one more minute; a handshake takes three seconds."""

MAX_CHECKS_PER_SECOND = 20
"""Passphrases tried for one address: each costs a millisecond of the loop; an encoder asks four times a second."""
MAX_NOTES = 100
"""Refusals that wait to be told to the crew."""

log = structlog.get_logger(__name__)


class Notices(Protocol):
    async def note(self, key: str, code: str, address: str) -> None:
        """Tell the crew of a refusal."""


class SrtFront(asyncio.DatagramProtocol):
    """What `serve_srt` yields: its port, its sessions, and how many callers were refused for what."""

    def __init__(self, ingest: Ingest, notices: Notices, clock: Clock, latency_ms: int, passphrase: str | None) -> None:
        self._ingest, self._notices, self._clock = ingest, notices, clock
        self._latency_ms, self._passphrase = latency_ms, passphrase
        self._transport: asyncio.DatagramTransport | None = None
        self._sessions: dict[Address, SrtSession] = {}
        self._callers: dict[Address, asyncio.Task[None]] = {}
        """Admitted, or about to be."""
        self._notes: set[asyncio.Task[None]] = set()
        self._checks: Counter[str] = Counter()
        """Passphrases tried in this second, by host."""
        self._checks_second = 0
        self._salt = secrets.token_bytes(16)
        self.port = 0
        self.refused: Counter[str] = Counter()

    @property
    def session_count(self) -> int:
        return len(self._sessions)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        session = self._sessions.get(addr)
        if session is not None:
            session.receive(data)
            return
        asked = packet.parse_handshake(data)
        if asked is None:
            return
        if asked.type == packet.INDUCTION:
            self._send(packet.induction_answer(asked, self._cookie(addr)), addr)
        elif asked.type == packet.CONCLUSION and asked.cookie in (self._cookie(addr), self._cookie(addr, 1)):
            self._conclude(asked, addr)

    async def close(self) -> None:
        """End every session; callers are told."""
        tasks = [*self._callers.values(), *self._notes]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()

    def _conclude(self, asked: Handshake, addr: Address) -> None:
        if addr in self._callers:
            return  # repeated while the hub thinks
        refusal = self._refusal(asked, addr)
        if refusal is not None:
            self._refuse(asked, addr, *refusal)
            return
        task = asyncio.get_running_loop().create_task(self._serve(asked, addr))
        self._callers[addr] = task
        task.add_done_callback(lambda _: self._callers.pop(addr, None))

    def _refusal(self, asked: Handshake, addr: Address) -> tuple[Rejection, str] | None:
        """What can be refused without asking anybody."""
        if asked.version != 5 or asked.extension(packet.HSREQ) is None:
            return Rejection.VERSION, "old_version"
        same = sum(caller[0] == addr[0] for caller in self._callers)
        if len(self._callers) >= MAX_SESSIONS or same >= MAX_SESSIONS_PER_ADDRESS:
            return Rejection.OVERLOAD, "too_many"
        key = parse_stream_id(asked.stream_id or "")
        if key is Denied.NOT_A_PUSH:
            return Rejection.BAD_MODE, "not_a_push"
        if not isinstance(key, str):
            return Rejection.BAD_REQUEST, "no_key"
        material = asked.extension(packet.KMREQ)
        if material is not None and self._passphrase is not None and not self._may_check(addr):
            return Rejection.OVERLOAD, "too_many"
        if self._passphrase is not None and material is None:
            self._note(key, "srt_not_encrypted", addr)
            return Rejection.UNSECURE, "not_encrypted"
        if material is not None and (self._passphrase is None or not knows(self._passphrase, material)):
            self._note(key, "srt_wrong_passphrase", addr)
            return Rejection.BAD_SECRET, "wrong_passphrase"
        return None

    def _may_check(self, addr: Address) -> bool:
        second = int(self._clock.monotonic())
        if second != self._checks_second:
            self._checks_second = second
            self._checks.clear()
        self._checks[addr[0]] += 1
        return self._checks[addr[0]] <= MAX_CHECKS_PER_SECOND

    async def _serve(self, asked: Handshake, addr: Address) -> None:
        key = parse_stream_id(asked.stream_id or "")
        assert isinstance(key, str)
        meter = SrtMeter(self._latency_ms)
        peer = Peer(addr[0], addr[1], "srt", _encoder(asked), meter.status)
        task = asyncio.current_task()
        assert task is not None
        try:
            publication = await self._ingest.admit(key, peer, lambda reason: _cancel(task, reason))
        except Refused as refusal:
            codes = {"unknown_key": Rejection.UNAUTHORIZED, "contested": Rejection.CONFLICT}
            self._refuse(asked, addr, codes.get(refusal.code, Rejection.FORBIDDEN), refusal.code)
            return
        except Exception:
            log.exception("admission failed", address=addr[0])
            return
        ended = "the hub took the feed back"
        session = self._sessions[addr] = SrtSession(
            asked, meter, lambda datagram: self._send(datagram, addr), Intake(self._clock)
        )
        try:
            outcome = await session.run(self._latency_ms, self._passphrase, publication)
            ended = f"{outcome.reason}: {outcome.detail}"
        finally:
            self._sessions.pop(addr, None)
            publication.close(ended)
            log.info("srt session ended", address=addr[0], reason=ended)

    def _refuse(self, asked: Handshake, addr: Address, code: Rejection, name: str) -> None:
        self.refused[name] += 1
        log.warning("srt caller refused", address=addr[0], reason=name)
        self._send(packet.rejection(asked, code), addr)

    def _note(self, key: str, code: str, addr: Address) -> None:
        if len(self._notes) >= MAX_NOTES:
            return  # it is counted all the same
        task = asyncio.get_running_loop().create_task(self._notices.note(key, code, addr[0]))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    def _cookie(self, addr: Address, back: int = 0) -> int:
        minute = int(self._clock.monotonic() // COOKIE_SECONDS) - back
        digest = hmac.new(self._salt, f"{addr[0]}|{addr[1]}|{minute}".encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:4], "big")

    def _send(self, datagram: bytes, addr: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(datagram, addr)


def _encoder(asked: Handshake) -> str:
    """The library's version stands first in HSREQ (3.2.1.1)."""
    version = (asked.extension(packet.HSREQ) or b"")[:4]
    return f"SRT {version[1]}.{version[2]}.{version[3]}" if len(version) == 4 else "SRT"


def _cancel(task: asyncio.Task[None], reason: str) -> None:
    task.cancel(reason)


@asynccontextmanager
async def serve_srt(
    ingest: Ingest, notices: Notices, clock: Clock, host: str, port: int, *, latency_ms: int, passphrase: str | None
) -> AsyncIterator[SrtFront]:
    """Listen for SRT callers while the context is open. Port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    transport, front = await loop.create_datagram_endpoint(
        lambda: SrtFront(ingest, notices, clock, latency_ms, passphrase), local_addr=(host, port)
    )
    front.port = transport.get_extra_info("sockname")[1]
    try:
        yield front
    finally:
        await front.close()
