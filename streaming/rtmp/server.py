"""The asyncio side of RTMP: sockets, time limits, the hub and the players, around one `ServerConnection` each."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import structlog

from config.clock import Clock
from streaming.flv.demux import Demuxer
from streaming.flv.tag import UnsupportedCodec
from streaming.ingest import Ingest, Peer, Publication, Refused
from streaming.rtmp.connection import (
    EncoderNamed,
    Event,
    PlayEnded,
    PlayRequested,
    PublishEnded,
    PublishRequested,
    ServerConnection,
    TagReceived,
)
from streaming.rtmp.errors import RemoteProtocolError
from streaming.rtmp.player import Players, PlayRefused

HELLO_SECONDS = 15.0
"""From connecting to an accepted publish; a field's hotspot needs two or three."""
SILENCE_SECONDS = 10.0
"""A publisher that sends nothing for this long is gone, whatever TCP thinks."""
FAREWELL_SECONDS = 5.0
"""After FCUnpublish: the encoder still has deleteStream to send, and calls a socket closed under it an error."""
MAX_CONNECTIONS = 500
"""A county pushes a dozen feeds; beyond this a flood would take file descriptors from viewers."""
MAX_CONNECTIONS_PER_ADDRESS = 40
"""A whole centre may push from behind one address."""
MAX_OUTBOX_BYTES = 256 * 1024
"""A peer that reads none of our few replies."""
BACKLOG = 128

log = structlog.get_logger(__name__)


class RtmpServer:
    """What `serve_rtmp` yields: the port it listens on, and how many encoders are connected."""

    def __init__(self, ingest: Ingest, clock: Clock, protocol: str, players: Players | None) -> None:
        self.ingest = ingest
        self.players = players
        self.clock = clock
        self.protocol = protocol
        self.port = 0
        self.sessions: set[_Session] = set()
        self.playing: set[_Session] = set()
        self.per_address: Counter[str] = Counter()

    @property
    def connection_count(self) -> int:
        return len(self.sessions)


class _Session(asyncio.Protocol):
    """One TCP connection. All of its state changes on the loop, in order."""

    def __init__(self, server: RtmpServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._connection = ServerConnection()
        self._demuxer = Demuxer()
        self._publication: Publication | None = None
        self._admission: asyncio.Task[None] | None = None
        self._encoder = ""
        self._address, self._port = "", 0
        self._last_data = 0.0
        self._ended = False
        self._counted = False
        self._farewell = False
        self._play: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        self._address, self._port = str(peer[0]), int(peer[1])
        server = self._server
        if len(server.sessions) >= MAX_CONNECTIONS or server.per_address[self._address] >= MAX_CONNECTIONS_PER_ADDRESS:
            log.warning("rtmp connection refused: too many", address=self._address)
            self._ended = True
            self._transport.abort()
            return
        self._counted = True
        server.sessions.add(self)
        server.per_address[self._address] += 1
        self._last_data = self._loop.time()
        self._timer = self._loop.call_later(HELLO_SECONDS, self._check_silence)

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        self._last_data = self._loop.time()
        self._take_all(lambda: self._connection.receive_data(data))

    def _take_all(self, receive: Callable[[], list[Event]]) -> None:
        try:
            for event in receive():
                self._take(event)
                if self._ended:
                    return
        except RemoteProtocolError as error:
            self._close(f"protocol error: {error}", warn=True)
            return
        except UnsupportedCodec as error:
            self._connection.end(str(error))
            self._close(str(error), warn=True)
            return
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._farewell:
            self._close("the encoder stopped")
        else:
            self._close("the encoder closed the connection" if exc is None else f"connection lost: {exc}")
        if self._play is not None:
            self._play.cancel()
        self._leave_count()

    def _leave_count(self) -> None:
        """This connection is no encoder's (any more): encoders and players have limits of their own."""
        if self._counted:
            self._counted = False
            self._timer.cancel()
            self._server.sessions.discard(self)
            self._server.per_address[self._address] -= 1
            if not self._server.per_address[self._address]:
                del self._server.per_address[self._address]

    def evict(self, reason: str) -> None:
        """The hub takes the feed away from this session: another encoder has it now, or the key is revoked."""
        self._connection.end(reason)
        self._close(reason)

    def _take(self, event: Event) -> None:
        match event:
            case TagReceived():
                self._deliver(event)
            case PublishRequested():
                self._encoder = event.encoder or self._encoder
                self._admission = self._loop.create_task(self._admit(event))
                self._transport.pause_reading()  # nothing is read until the hub has answered (case 15)
            case EncoderNamed():
                self._encoder = event.encoder
            case PlayRequested():
                self._encoder = event.player or self._encoder
                self._leave_count()
                self._server.playing.add(self)
                self._play = self._loop.create_task(self._serve_player(event))
            case PlayEnded():
                self._close("the player stopped")
            case PublishEnded():
                self._end_publication("the encoder stopped")
                self._demuxer = Demuxer()  # the same connection may publish again
                self._farewell = True
                self._timer.cancel()
                self._timer = self._loop.call_later(FAREWELL_SECONDS, self._close, "the encoder stopped")

    def _deliver(self, tag: TagReceived) -> None:
        if self._publication is None:
            return
        utc = self._server.clock.utc()
        for item in self._demuxer.feed(tag.type_id, tag.timestamp, tag.body, utc, self._loop.time()):
            self._publication.write(item)

    async def _admit(self, request: PublishRequested) -> None:
        peer = Peer(self._address, self._port, self._server.protocol, request.encoder)
        try:
            if request.key is None:
                raise Refused("unknown_key", "no stream key in the address or stream name 推流码缺失，请检查推流码")
            publication = await self._server.ingest.admit(request.key, peer, self.evict)
        except Refused as refusal:
            if self._ended:
                return
            self._connection.refuse_publish("NetStream.Publish.BadName", refusal.message)
            self._close(f"refused: {refusal.code}")
            return
        except Exception:
            log.exception("admission failed", address=self._address)
            self._close("internal error")
            return
        if self._ended:
            publication.close("the encoder left before it was admitted")
            return
        self._publication = publication
        if self._farewell:
            self._farewell = False
            self._timer.cancel()
            self._timer = self._loop.call_later(SILENCE_SECONDS, self._check_silence)
        self._take_all(self._connection.accept_publish)
        if not self._ended:
            self._transport.resume_reading()

    async def _serve_player(self, request: PlayRequested) -> None:
        """Hand the transport to the fan-out until the program ends or the player goes."""
        players = self._server.players
        try:
            if players is None:
                raise PlayRefused("NetStream.Play.Failed", "This server takes pushes; play by HLS or HTTP-FLV.")
            players.count += 1
            try:
                fanout = await players.open(request.target)
                if self._ended:
                    return
                self._connection.accept_play()
                self._flush()
                viewer = fanout.add(self._transport, chunked=False)
                try:
                    await viewer.closed
                finally:
                    fanout.remove(viewer)
            finally:
                players.count -= 1
            self._connection.end_play()
            self._close("the program ended, or the player took nothing")
        except PlayRefused as refusal:
            if not self._ended:
                self._connection.refuse_play(refusal.code, refusal.description)
                self._close(f"refused to play: {refusal.description}")
        except Exception:
            log.exception("playing failed", address=self._address)
            self._close("internal error")
        finally:
            self._server.playing.discard(self)

    def _flush(self) -> None:
        outgoing = self._connection.data_to_send()
        if not outgoing:
            return
        self._transport.write(outgoing)
        if self._play is None and self._transport.get_write_buffer_size() > MAX_OUTBOX_BYTES:
            self._close("the peer reads nothing", warn=True)

    def _check_silence(self) -> None:
        if self._ended:
            return
        if not self._connection.publishing:
            self._close("no publish within the time allowed", warn=True)
            return
        quiet = self._loop.time() - self._last_data
        if quiet >= SILENCE_SECONDS:
            self._close(f"nothing came for {quiet:.0f} s")
            return
        self._timer = self._loop.call_later(SILENCE_SECONDS - quiet, self._check_silence)

    def _close(self, reason: str, *, warn: bool = False) -> None:
        """End this session once: one log line, the publication closed, the socket after its last words."""
        if self._ended:
            return
        self._ended = True
        (log.warning if warn else log.info)(
            "rtmp session ended", address=self._address, encoder=self._encoder, reason=reason
        )
        outgoing = self._connection.data_to_send()
        if outgoing:
            self._transport.write(outgoing)
        self._end_publication(reason)
        self._transport.close()

    def _end_publication(self, reason: str) -> None:
        publication, self._publication = self._publication, None
        if publication is not None:
            publication.close(reason)


@asynccontextmanager
async def serve_rtmp(
    ingest: Ingest,
    clock: Clock,
    host: str,
    port: int,
    ssl_context: ssl.SSLContext | None = None,
    players: Players | None = None,
) -> AsyncIterator[RtmpServer]:
    """Listen for encoders, and with `players` for them too, while the context is open; with an `ssl_context` it is
    RTMPS. Port 0 takes a free one."""
    server = RtmpServer(ingest, clock, "rtmps" if ssl_context else "rtmp", players)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: _Session(server), host, port, ssl=ssl_context, backlog=BACKLOG, reuse_address=True
    )
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for session in (*server.sessions, *server.playing):
            session.evict("the hub is shutting down 主机正在关闭")
        await listener.wait_closed()
