"""One frame for a whole room: encoded once, written to each websocket's transport; others get it through their queue.

Why: python-socketio's own broadcast makes a task per recipient and costs 4 to 8 times the processor
(see docs/decisions/0004). What costs here is the system call per socket; there is no look-up, no task, no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import socketio
from engineio import packet

from web.realtime.engine import RoomServer, RoomSocket
from web.realtime.frames import NAMESPACE, event_packet, text_frame

__all__ = ["NAMESPACE", "RoomBroadcast", "make_server"]

MAX_BACKLOG_BYTES = 256 * 1024
"""A socket with this much unsent is skipped; it gets the snapshot when it has caught up."""


def make_server(**options: Any) -> socketio.AsyncServer:
    """A Socket.IO server whose sockets `RoomBroadcast` can write to."""
    return RoomServer(**options)


class _Members:
    """One room's sockets."""

    def __init__(self) -> None:
        self.sockets: dict[str, RoomSocket] = {}
        """By Socket.IO session id."""
        self.of_viewer: dict[str, list[RoomSocket]] = {}
        self.behind: set[RoomSocket] = set()
        self.changed = True
        """Somebody came, went, or became a websocket: the lists below are made anew."""
        self._direct: list[tuple[Callable[[bytes], None], Callable[[], int], RoomSocket]] = []
        self._queued: list[RoomSocket] = []

    def add(self, sid: str, viewer_id: str, socket: RoomSocket) -> None:
        self.sockets[sid] = socket
        self.of_viewer.setdefault(viewer_id, []).append(socket)
        socket.joined = self
        self.changed = True

    def remove(self, sid: str, viewer_id: str) -> None:
        socket = self.sockets.pop(sid, None)
        if socket is None:
            return
        socket.joined = None
        self.behind.discard(socket)
        others = [other for other in self.of_viewer[viewer_id] if other is not socket]
        if others:
            self.of_viewer[viewer_id] = others
        else:
            del self.of_viewer[viewer_id]
        self.changed = True

    def send(self, text: str) -> int:
        """To everybody; how many were too slow to take it."""
        if self.changed:
            self._sort()
        frame = text_frame("4" + text)
        skipped = 0
        for write, backlog, socket in self._direct:
            if backlog() > MAX_BACKLOG_BYTES or socket.behind:
                self._missed(socket)
                skipped += 1
                continue
            try:
                write(frame)
            except RuntimeError:  # uvloop: closed in this very turn of the loop; it leaves with the next
                pass
        if self._queued:
            queued = packet.Packet(packet.MESSAGE, data=text)  # encoded once: the packet keeps its text
            for socket in self._queued:
                if socket.behind or not socket.put(queued):
                    self._missed(socket)
                    skipped += 1
        return skipped

    def catch_up(self, text: Callable[[], str]) -> None:
        """The snapshot to those who missed something and can take something again."""
        ready = [socket for socket in self.behind if _idle(socket)]
        if not ready:
            return
        pkt = packet.Packet(packet.MESSAGE, data=text())
        for socket in ready:
            if socket.put(pkt):
                socket.behind = False
                self.behind.discard(socket)

    def _missed(self, socket: RoomSocket) -> None:
        socket.behind = True
        self.behind.add(socket)

    def _sort(self) -> None:
        self.changed = False
        self._direct = [
            (socket.transport.write, socket.transport.get_write_buffer_size, socket)
            for socket in self.sockets.values()
            if socket.transport is not None and not socket.transport.is_closing()
        ]
        self._queued = [socket for socket in self.sockets.values() if socket.transport is None]


def _idle(socket: RoomSocket) -> bool:
    if socket.transport is None:
        return bool(socket.queue.empty())
    return socket.transport.get_write_buffer_size() == 0


class RoomBroadcast:
    """Who is in which room, and how to reach them (`interaction.room.Broadcast`)."""

    def __init__(self, server: socketio.AsyncServer) -> None:
        self._server = cast(RoomServer, server)
        self._rooms: dict[str, _Members] = {}
        self.skipped = 0
        """Batches that a socket was too slow for."""
        self._welcome: tuple[object, packet.Packet] | None = None

    def join(self, event_id: str, sid: str, viewer_id: str) -> None:
        eio_sid = self._server.manager.eio_sid_from_sid(sid, NAMESPACE)
        socket = self._server.eio.sockets.get(eio_sid)
        if socket is not None and not socket.closed:
            self._rooms.setdefault(event_id, _Members()).add(sid, viewer_id, socket)

    def leave(self, event_id: str, sid: str, viewer_id: str) -> None:
        members = self._rooms.get(event_id)
        if members is not None:
            members.remove(sid, viewer_id)
            if not members.sockets:
                del self._rooms[event_id]

    def size(self, event_id: str) -> int:
        members = self._rooms.get(event_id)
        return len(members.sockets) if members is not None else 0

    def behind(self, event_id: str) -> float:
        """The share of the room's sockets that are too slow."""
        members = self._rooms.get(event_id)
        return len(members.behind) / len(members.sockets) if members is not None else 0.0

    def to_room(self, event_id: str, event: str, payload: object) -> None:
        """The same bytes to every socket of the room, now. No await, no task, no copy per recipient."""
        members = self._rooms.get(event_id)
        if members is not None:
            self.skipped += members.send(event_packet(event, payload))

    def catch_up(self, event_id: str, snapshot: Callable[[], object]) -> None:
        """The snapshot to sockets that were too slow for a batch and can take something again."""
        members = self._rooms.get(event_id)
        if members is not None and members.behind:
            members.catch_up(lambda: event_packet("snapshot", snapshot()))

    def to_one(self, event_id: str, sid: str, event: str, payload: object) -> None:
        """To one socket, by the same way, so that nothing overtakes."""
        members = self._rooms.get(event_id)
        socket = members.sockets.get(sid) if members is not None else None
        if socket is not None:
            socket.put(packet.Packet(packet.MESSAGE, data=event_packet(event, payload)))

    def welcome(self, event_id: str, sid: str, snapshot: object) -> None:
        """The snapshot to a newcomer; encoded once for all who come before the next batch."""
        members = self._rooms.get(event_id)
        socket = members.sockets.get(sid) if members is not None else None
        if socket is None:
            return
        if self._welcome is None or self._welcome[0] is not snapshot:
            self._welcome = snapshot, packet.Packet(packet.MESSAGE, data=event_packet("snapshot", snapshot))
        socket.put(self._welcome[1])

    def personal(self, event_id: str, viewer_id: str, payload: object) -> None:
        """To every socket of a viewer, on whichever device; nobody else sees it."""
        members = self._rooms.get(event_id)
        sockets = members.of_viewer.get(viewer_id) if members is not None else None
        if sockets:
            pkt = packet.Packet(packet.MESSAGE, data=event_packet("personal", payload))
            for socket in sockets:
                if not socket.behind:
                    socket.put(pkt)

    def viewers(self, event_id: str) -> list[str]:
        """Everybody with a socket in the room."""
        members = self._rooms.get(event_id)
        return list(members.of_viewer) if members is not None else []

    def to_viewers(self, event_id: str, viewer_ids: Iterable[str], event: str, payload: object) -> None:
        """To every socket of some viewers, encoded once; nobody else sees it."""
        members = self._rooms.get(event_id)
        if members is None:
            return
        pkt = packet.Packet(packet.MESSAGE, data=event_packet(event, payload))
        for viewer_id in viewer_ids:
            for socket in members.of_viewer.get(viewer_id, ()):
                if not socket.behind:
                    socket.put(pkt)

    async def close_room(self, event_id: str) -> None:
        """Every socket of the room is closed; their pages come back, each at its own moment."""
        members = self._rooms.get(event_id)
        if members is not None:
            for socket in tuple(members.sockets.values()):
                await socket.close(wait=False)
