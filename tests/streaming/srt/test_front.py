"""A real SRT caller (ffmpeg) reaches the hub through one UDP port; wrong keys and passphrases are refused by code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.clock import SystemClock
from streaming.gateway.process import ffmpeg_binary
from streaming.media import Codec
from streaming.srt import session as session_module
from streaming.srt.front import SrtFront, serve_srt
from tests.support.ingest import KeptIngest
from tests.support.waiting import eventually

SECONDS = 60.0
PASSPHRASE = "a passphrase of the county"


class KeptNotices:
    def __init__(self) -> None:
        self.notes: list[tuple[str, str]] = []

    async def note(self, key: str, code: str, address: str) -> None:
        self.notes.append((key, code))


@asynccontextmanager
async def front(ingest: KeptIngest, notices: KeptNotices, passphrase: str | None = None) -> AsyncIterator[SrtFront]:
    async with serve_srt(
        ingest, notices, SystemClock(), "127.0.0.1", 0, latency_ms=120, passphrase=passphrase
    ) as server:
        yield server


@asynccontextmanager
async def caller(film: Path, address: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """ffmpeg pushing a film in a loop, in real time."""
    command = [ffmpeg_binary(), "-v", "error", "-re", "-stream_loop", "-1", "-i", str(film)]
    process = await asyncio.create_subprocess_exec(
        *command, "-c", "copy", "-f", "mpegts", address, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()  # so that it says goodbye, as encoders do
        await process.communicate()


async def test_ffmpeg_pushes_srt_and_its_packets_arrive(film: Path) -> None:
    ingest, notices = KeptIngest(), KeptNotices()
    async with front(ingest, notices, PASSPHRASE) as server:
        address = f"srt://127.0.0.1:{server.port}?streamid=publish:the_key_1&latency=120000"
        async with caller(film, f"{address}&passphrase={PASSPHRASE.replace(' ', '%20')}"):
            await asyncio.wait_for(ingest.published.wait(), SECONDS)
            publication = ingest.publications[0]
            await eventually(lambda: len(publication.packets) > 60, SECONDS)
            assert publication.key == "the_key_1"
            assert publication.peer.protocol == "srt"
            assert publication.peer.encoder.startswith("SRT 1.")
            assert {track.codec for track in publication.formats[0].tracks} == {Codec.H264, Codec.AAC}
            assert publication.peer.link is not None
            assert publication.peer.link().packets > 60
        await eventually(lambda: publication.closed is not None and server.session_count == 0, SECONDS)
    assert notices.notes == []


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("streamid=wrong_key_1", "unknown_key"),
        pytest.param("streamid=read:the_key_1", "not_a_push", marks=pytest.mark.long),
        pytest.param("mode=caller", "no_key", marks=pytest.mark.long),
    ],
)
async def test_a_wrong_key_is_refused_and_counted(film: Path, query: str, refused: str) -> None:
    ingest, notices = KeptIngest(), KeptNotices()
    async with front(ingest, notices) as server, caller(film, f"srt://127.0.0.1:{server.port}?{query}") as process:
        assert process.stderr is not None
        _, said = await asyncio.wait_for(process.communicate(), SECONDS)
        assert process.returncode != 0
        assert server.refused[refused] == 1
        assert b"rejected" in said.lower() or b"error" in said.lower()
        assert server.session_count == 0


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("&passphrase=another%20passphrase", "srt_wrong_passphrase"),
        pytest.param("", "srt_not_encrypted", marks=pytest.mark.long),
    ],
)
async def test_a_wrong_passphrase_is_refused_and_the_crew_hears_of_it(film: Path, more: str, code: str) -> None:
    ingest, notices = KeptIngest(), KeptNotices()
    async with front(ingest, notices, PASSPHRASE) as server:
        address = f"srt://127.0.0.1:{server.port}?streamid=the_key_1{more}"
        async with caller(film, address) as process:
            await asyncio.wait_for(process.communicate(), SECONDS)
        await eventually(lambda: notices.notes == [("the_key_1", code)], SECONDS)
        assert ingest.publications == []


@pytest.mark.long
async def test_a_caller_that_the_hub_evicts_is_told(film: Path) -> None:
    ingest = KeptIngest()
    async with (
        front(ingest, KeptNotices()) as server,
        caller(film, f"srt://127.0.0.1:{server.port}?streamid=the_key_1") as process,
    ):
        await asyncio.wait_for(ingest.published.wait(), SECONDS)
        publication = ingest.publications[0]
        await eventually(lambda: bool(publication.packets), SECONDS)
        publication.evict("another came")
        await asyncio.wait_for(process.communicate(), SECONDS)
        assert publication.closed is not None
        assert server.session_count == 0


async def test_half_an_handshake_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred inductions leave no state; a conclusion with an invented cookie gets no answer."""
    from streaming.srt import packet
    from tests.streaming.srt.test_packet import conclusion

    monkeypatch.setattr(session_module, "SILENCE_SECONDS", 1.0)
    ingest = KeptIngest()
    async with front(ingest, KeptNotices()) as server:
        loop = asyncio.get_running_loop()
        answers: list[bytes] = []

        class Caller(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                answers.append(data)

        transport, _ = await loop.create_datagram_endpoint(Caller, remote_addr=("127.0.0.1", server.port))
        for _ in range(200):
            transport.sendto(packet.induction_request(conclusion()))
        transport.sendto(packet.write_handshake(conclusion()))
        await eventually(lambda: len(answers) >= 10, SECONDS)
        assert server.session_count == 0
        assert ingest.publications == []
        assert all((h := packet.parse_handshake(a)) is not None and h.type == packet.INDUCTION for a in answers)
        transport.close()
