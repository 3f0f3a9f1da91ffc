"""One SRT caller: an ffmpeg listener on loopback, the handshake repeated to it, datagrams handed to and fro."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import structlog

from streaming.gateway.intake import Intake
from streaming.gateway.outcome import Outcome, Reason
from streaming.ingest import Publication
from streaming.srt import packet
from streaming.srt.meter import SrtMeter
from streaming.srt.packet import Handshake

GREETING_SECONDS = 0.03
"""How often ffmpeg is asked whether it listens yet; it needs about 0.1 s to start."""
SILENCE_SECONDS = 10.0
"""A caller that sends nothing for this long is gone; SRT keeps alive every second."""

log = structlog.get_logger(__name__)

Address = tuple[str, int]


class SrtSession(asyncio.DatagramProtocol):
    """Made by the front when the hub has said yes. `run` until the caller leaves; `receive` what it sends."""

    def __init__(
        self, concluded: Handshake, meter: SrtMeter, to_caller: Callable[[bytes], None], intake: Intake
    ) -> None:
        self._concluded, self._meter, self._to_caller, self._intake = concluded, meter, to_caller, intake
        self._upstream: asyncio.DatagramTransport | None = None
        self._cookie: int | None = None
        """ffmpeg's, once it has answered."""
        self._greeting: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()

    async def run(self, latency_ms: int, passphrase: str | None, publication: Publication) -> Outcome:
        """Serve the caller until it leaves. Cancelled, it tells the caller that this is over."""
        port = _free_port()
        transport, _ = await self._loop.create_datagram_endpoint(lambda: self, remote_addr=("127.0.0.1", port))
        try:
            watch = self._loop.create_task(self._until_silent())
            intake = self._loop.create_task(
                self._intake.run(_arguments(port, latency_ms, passphrase), publication, self._greet)
            )
            try:
                done, _ = await asyncio.wait({watch, intake}, return_when=asyncio.FIRST_COMPLETED)
                return intake.result() if intake in done else Outcome(Reason.SILENT)
            finally:
                watch.cancel()
                intake.cancel()
                await asyncio.gather(watch, intake, return_exceptions=True)
        finally:
            if self._greeting is not None:
                self._greeting.cancel()
            self._to_caller(packet.shutdown(self._concluded.socket_id))
            transport.close()

    def receive(self, datagram: bytes) -> None:
        """A datagram of the caller."""
        self.heard_at = self._loop.time()
        self._meter.from_caller(datagram)
        if self._upstream is None or self._cookie is None:
            return
        if packet.is_control(datagram, packet.HANDSHAKE):
            asked = packet.parse_handshake(datagram)
            if asked is None or asked.type != packet.CONCLUSION:
                return
            datagram = packet.write_handshake(replace(asked, cookie=self._cookie))
        self._upstream.sendto(datagram)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._upstream = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """A datagram of ffmpeg."""
        if packet.is_control(data, packet.HANDSHAKE):
            answer = packet.parse_handshake(data)
            if answer is None:
                return
            if answer.type == packet.INDUCTION:
                if self._cookie is None:
                    self._cookie = answer.cookie
                    self._conclude()
                return
            data = packet.write_handshake(replace(answer, cookie=self._concluded.cookie))
        self._meter.to_caller(data)
        self._to_caller(data)

    def error_received(self, exc: Exception) -> None:
        """ffmpeg does not listen yet, or no longer: asked again, or ended by its process."""

    def _greet(self) -> None:
        if self._cookie is None and self._upstream is not None and not self._upstream.is_closing():
            self._upstream.sendto(packet.induction_request(self._concluded))
            self._greeting = self._loop.call_later(GREETING_SECONDS, self._greet)

    def _conclude(self) -> None:
        assert self._upstream is not None
        assert self._cookie is not None
        self._upstream.sendto(packet.write_handshake(replace(self._concluded, cookie=self._cookie)))

    async def _until_silent(self) -> None:
        while True:
            quiet = self._loop.time() - self.heard_at
            if quiet >= SILENCE_SECONDS:
                return
            await asyncio.sleep(SILENCE_SECONDS - quiet)


def _arguments(port: int, latency_ms: int, passphrase: str | None) -> list[str]:
    options = ["-latency", str(latency_ms * 1000), "-mode", "listener"]
    if passphrase is not None:
        options += ["-passphrase", passphrase, "-enforced_encryption", "1"]
    return [
        "-fflags", "nobuffer", "-probesize", "2000000", "-analyzeduration", "1500000",
        *options, "-f", "mpegts", "-i", f"srt://127.0.0.1:{port}",
    ]  # fmt: skip


def _free_port() -> int:
    """A UDP port of loopback that is free now; ffmpeg binds it a moment later."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
