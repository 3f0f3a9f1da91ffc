"""HTTP-FLV to many viewers: a tick's tags are built and joined once, and the same bytes go to everybody.

Theory: what a viewer costs is the number of `send` calls, so tags are gathered for `MERGE_SECONDS` and written as
one object to every transport from one loop; there is no task, queue or copy per viewer. The GOP cache is kept in the
same pieces as were sent, so a joiner gets exactly what its neighbours have had since the last key frame, at once,
next piece with everybody else. Without a viewer nothing is built. A viewer whose transport backs up skips to the
next key frame. RTMP players are served by the same class: `frame` makes a message of each tag.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from streaming.flv.mux import flv_header, packet_tag, sequence_header_tags, utc_tag
from streaming.media import End, Format, Item, Packet, Track
from streaming.stream import Stream

MERGE_SECONDS = 0.048
"""The delay that merging adds at most. 40 ms cost half of what 0 ms did per viewer, 48 ms a seventh less again, and
nobody sees it."""
MAX_BACKLOG_BYTES = 1024 * 1024
"""A viewer with this much unsent (4 s of 2 Mbit/s) is behind: it waits for the next key frame."""
STALL_SECONDS = 30.0
"""A viewer that took nothing for this long is gone; its socket is closed."""
UTC_SECONDS = 1.0
"""The picture's UTC is told this often."""
AUDIO_GOP_PIECES = 25
"""Audio alone: every frame is a start; a joiner gets about a second, so that its buffer fills at once."""


_Tag = bytes | tuple[Track, Packet]
"""A tag, or what it will be made of."""


class Transport(Protocol):
    """The part of asyncio.WriteTransport that a viewer needs."""

    def write(self, data: bytes) -> None: ...

    def is_closing(self) -> bool: ...

    def get_write_buffer_size(self) -> int: ...

    def abort(self) -> None: ...


class Viewer:
    """One HTTP-FLV response: a transport, whether its body is chunked, and how it keeps up."""

    __slots__ = ("chunked", "closed", "dropped_pieces", "skipping", "stalled_at", "started", "transport")

    def __init__(self, transport: Transport, *, chunked: bool, closed: asyncio.Future[None]) -> None:
        self.transport = transport
        self.chunked = chunked
        self.closed = closed
        self.started = False
        self.skipping = False
        self.stalled_at: float | None = None
        self.dropped_pieces = 0

    def finish(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


class _Piece:
    """Tags joined into one write, as they are and as an HTTP chunk; built and framed only when somebody wants it."""

    __slots__ = ("_chunk", "_frame", "_plain", "_tags")

    def __init__(self, tags: Iterable[_Tag], frame: Callable[[bytes], bytes] | None = None) -> None:
        self._tags = tags
        self._frame = frame
        self._plain: bytes | None = None
        self._chunk: bytes | None = None

    @property
    def plain(self) -> bytes:
        if self._plain is None:
            tags = [tag if isinstance(tag, bytes) else packet_tag(*tag) for tag in self._tags]
            self._plain = b"".join(tags if self._frame is None else map(self._frame, tags))
            self._tags = ()
        return self._plain

    def bytes_for(self, viewer: Viewer) -> bytes:
        if not viewer.chunked:
            return self.plain
        if self._chunk is None:
            self._chunk = b"%x\r\n%b\r\n" % (len(self.plain), self.plain)
        return self._chunk


class FlvFanout:
    """All FLV viewers of one Stream. Made by whoever opens the output; `close()` when it ends."""

    def __init__(
        self, stream: Stream, loop: asyncio.AbstractEventLoop, frame: Callable[[bytes], bytes] | None = None
    ) -> None:
        self._stream = stream
        self._loop = loop
        self._frame = frame
        """For protocols other than FLV files: what a tag looks like on the wire."""
        self._viewers: list[Viewer] = []
        self._format: Format | None = None
        self._pending: list[_Tag] = []
        self._pending_key_index: int | None = None
        self._gop: list[_Piece] = []
        self.header = b""
        """What every response begins with, written by whoever writes the response's head."""
        self._config = _Piece(())
        self._announce = False
        self._join: _Piece | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sweeper: asyncio.TimerHandle = loop.call_later(1.0, self._sweep)
        self._utc_told = 0.0
        self._closed = False
        self.ready = asyncio.Event()
        """Set while a viewer that joins would be served at once."""
        self.dropped_pieces = 0
        stream.subscribe(self)

    @property
    def viewer_count(self) -> int:
        return len(self._viewers)

    def add(self, transport: Transport, *, chunked: bool) -> Viewer:
        """Serve this transport until it closes or the stream ends; then the viewer's `closed` is resolved.

        The response head and `header` must have been written already. The joiner gets the configuration and the GOP
        so far before this returns.
        """
        viewer = Viewer(transport, chunked=chunked, closed=self._loop.create_future())
        if self._closed:
            viewer.finish()
            return viewer
        self._viewers.append(viewer)
        if self._gop:
            self._start(viewer)
        return viewer

    def remove(self, viewer: Viewer) -> None:
        """Stop serving a viewer; removing one twice is allowed."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
        viewer.finish()

    def close(self) -> None:
        """End every response and leave the stream."""
        if self._closed:
            return
        self._closed = True
        self._stream.unsubscribe(self)
        if self._pending:
            self._flush()
        for timer in (self._timer, self._sweeper):
            if timer is not None:
                timer.cancel()
        self._timer = None
        self.ready.set()
        for viewer in tuple(self._viewers):
            self.remove(viewer)

    def receive(self, item: Item) -> None:
        match item:
            case Packet():
                self._receive_packet(item)
            case Format():
                self._receive_format(item)
            case End():
                self.close()

    def _receive_format(self, item: Format) -> None:
        self._flush()
        previous, self._format = self._format, item
        self._config = self._piece(sequence_header_tags(item, dts_ms=0))
        self.header = flv_header(item)
        self._gop = []
        self.ready.clear()
        self._join = None
        self._announce = previous is not None
        others = previous is not None and [t.id for t in previous.tracks] != [t.id for t in item.tracks]
        if others and self._frame is None:
            # The FLV header has said which tracks there are (case 46): players must open anew.
            for viewer in tuple(self._viewers):
                self.remove(viewer)

    def _receive_packet(self, packet: Packet) -> None:
        assert self._format is not None, "a Format comes before the first packet"
        track = self._format.track(packet.track_id)
        if track is None:
            return
        dts_ms = packet.dts * 1000 // track.timescale
        leads = track.is_video or self._format.video is None
        if track.is_video and packet.keyframe:
            self._pending_key_index = len(self._pending)
        if self._announce:
            self._pending.extend(sequence_header_tags(self._format, dts_ms=dts_ms))
            self._announce = False
        if leads and packet.arrival - self._utc_told >= UTC_SECONDS:
            self._utc_told = packet.arrival
            self._pending.append(utc_tag(packet.arrival, dts_ms))
        self._pending.append((track, packet))
        if self._timer is None:
            self._timer = self._loop.call_later(MERGE_SECONDS, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._pending:
            return
        tags, key_index = self._pending, self._pending_key_index
        self._pending, self._pending_key_index = [], None
        self._join = None
        assert self._format is not None
        if self._format.video is None:
            piece = self._piece(tags)
            self._gop = [*self._gop[1 - AUDIO_GOP_PIECES :], piece]
            self.ready.set()
            self._send(piece, is_key=True)
        elif key_index is None:
            piece = self._piece(tags)
            if self._gop:
                self._gop.append(piece)
            self._send(piece, is_key=False)
        else:
            if key_index:
                self._send(self._piece(tags[:key_index]), is_key=False)
            piece = self._piece(tags[key_index:])
            self._gop = [piece]
            self.ready.set()
            self._send(piece, is_key=True)

    def _piece(self, tags: Iterable[_Tag]) -> _Piece:
        return _Piece(tags, self._frame)

    def _send(self, piece: _Piece, *, is_key: bool) -> None:
        for viewer in self._viewers:
            transport = viewer.transport
            if viewer.started:
                if transport.get_write_buffer_size() > MAX_BACKLOG_BYTES or (viewer.skipping and not is_key):
                    viewer.skipping = True
                    viewer.dropped_pieces += 1
                    self.dropped_pieces += 1
                    continue
                if viewer.skipping:
                    viewer.skipping = False
                    transport.write(self._config.bytes_for(viewer))
                transport.write(piece.bytes_for(viewer))
            elif is_key:
                self._start(viewer)

    def _start(self, viewer: Viewer) -> None:
        if self._join is None:
            self._join = _Piece([self._config.plain, *(piece.plain for piece in self._gop)])
        viewer.started = True
        viewer.transport.write(self._join.bytes_for(viewer))

    def _sweep(self) -> None:
        """Once a second: let go of closed transports and abort those that took nothing for STALL_SECONDS."""
        now = self._loop.time()
        for viewer in tuple(self._viewers):
            if viewer.transport.is_closing():
                self.remove(viewer)
            elif viewer.transport.get_write_buffer_size() <= MAX_BACKLOG_BYTES:
                viewer.stalled_at = None
            elif viewer.stalled_at is None:
                viewer.stalled_at = now
            elif now - viewer.stalled_at >= STALL_SECONDS:
                viewer.transport.abort()
                self.remove(viewer)
        self._sweeper = self._loop.call_later(1.0, self._sweep)
