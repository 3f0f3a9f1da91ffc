"""One frame for a whole room: encoded once, written to each websocket's transport; others get it through their queue.

This is the only module that touches private names of python-socketio, python-engineio and aiohttp's websockets;
`tests/web/realtime/test_broadcast.py` holds them on the pinned versions. Why: their own broadcast makes a task per
recipient and costs 4 to 8 times the processor (see docs/decisions/0004).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any, cast

import socketio
from engineio import packet as engineio_packet
from engineio.async_drivers import aiohttp as engineio_aiohttp

NAMESPACE = "/room"
MAX_BACKLOG_BYTES = 256 * 1024
"""A socket with this much unsent is skipped; it gets the snapshot when it has caught up."""
MAX_QUEUED = 100
"""Packets in a polling socket's queue; a poll takes 16 at once."""


class _TrackedWebSocket(engineio_aiohttp.WebSocket):  # type: ignore[misc]
    """The aiohttp driver's websocket, which also tells its Engine.IO socket which transport it writes to."""

    async def __call__(self, environ: dict[str, Any]) -> Any:
        self.handler.__self__.room_transport = environ["aiohttp.request"].transport
        return await super().__call__(environ)


def make_server(**options: Any) -> socketio.AsyncServer:
    """A Socket.IO server whose websockets `RoomBroadcast` can write to."""
    server = socketio.AsyncServer(async_mode="aiohttp", **options)
    server.eio._async = {**server.eio._async, "websocket": _TrackedWebSocket}
    return server


def text_frame(text: str) -> bytes:
    """An unmasked, unfragmented websocket text frame (RFC 6455 5.2)."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes([0x81, size]) + payload
    if size < 65_536:
        return b"\x81\x7e" + struct.pack(">H", size) + payload
    return b"\x81\x7f" + struct.pack(">Q", size) + payload


def event_packet(event: str, payload: object) -> str:
    """A Socket.IO EVENT packet of the namespace (protocol version 5), without the Engine.IO type in front."""
    return f"2{NAMESPACE}," + json.dumps([event, payload], ensure_ascii=False, separators=(",", ":"))


class RoomBroadcast:
    """Who is in which room, and how to reach them (`interaction.room.Broadcast`)."""

    def __init__(self, server: socketio.AsyncServer) -> None:
        self._server = server
        self._rooms: dict[str, dict[str, str]] = {}
        """By event id: Socket.IO session id to Engine.IO session id."""
        self.skipped = 0
        self._behind: dict[str, set[str]] = {}
        """Sockets that missed a batch, by event id; they get the snapshot once they can take something again."""

    def join(self, event_id: str, sid: str) -> None:
        eio_sid = self._server.manager.eio_sid_from_sid(sid, NAMESPACE)
        if eio_sid is not None:
            self._rooms.setdefault(event_id, {})[sid] = eio_sid

    def leave(self, event_id: str, sid: str) -> None:
        members = self._rooms.get(event_id)
        self._behind.get(event_id, set()).discard(sid)
        if members is not None:
            members.pop(sid, None)
            if not members:
                del self._rooms[event_id]

    def size(self, event_id: str) -> int:
        return len(self._rooms.get(event_id, ()))

    def to_room(self, event_id: str, event: str, payload: object) -> None:
        """The same bytes to every socket of the room, now. No await, no task, no copy per recipient."""
        members = self._rooms.get(event_id)
        if not members:
            return
        text = event_packet(event, payload)
        frame = text_frame("4" + text)
        for sid, eio_sid in members.items():
            if not self._write(eio_sid, text, frame):
                self._behind.setdefault(event_id, set()).add(sid)

    def catch_up(self, event_id: str, snapshot: Callable[[], object]) -> None:
        """The snapshot to sockets that were too slow for a batch and can take something again."""
        behind = self._behind.pop(event_id, None)
        if not behind:
            return
        text = event_packet("snapshot", snapshot())
        frame = text_frame("4" + text)
        members = self._rooms.get(event_id, {})
        still = {sid for sid in behind if sid in members and not self._write(members[sid], text, frame)}
        if still:
            self._behind[event_id] = still

    def to_one(self, event_id: str, sid: str, event: str, payload: object) -> None:
        """To one socket, by the same way, so that nothing overtakes."""
        eio_sid = self._rooms.get(event_id, {}).get(sid)
        if eio_sid is not None:
            text = event_packet(event, payload)
            self._write(eio_sid, text, text_frame("4" + text))

    def _write(self, eio_sid: str, text: str, frame: bytes) -> bool:
        """False when the socket is too slow to take more now."""
        socket = cast(Any, self._server.eio.sockets.get(eio_sid))
        if socket is None or socket.closed:
            return True
        transport = getattr(socket, "room_transport", None)
        # what is queued goes first: a batch never overtakes the snapshot before it
        if socket.upgraded and transport is not None and socket.queue.empty():
            if transport.is_closing():
                return True
            if transport.get_write_buffer_size() > MAX_BACKLOG_BYTES:
                self.skipped += 1
                return False
            transport.write(frame)
            return True
        if socket.queue.qsize() < MAX_QUEUED:
            # polling, or between polling and websocket: its queue is sent by whoever serves it next
            socket.queue.put_nowait(engineio_packet.Packet(engineio_packet.MESSAGE, data=text))
            return True
        self.skipped += 1
        return False
