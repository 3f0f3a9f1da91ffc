"""Sockets of the room, lean: no task and no queue per websocket, events charged at receipt and taken in their order.

With `broadcast` this is the only place that touches private names of python-socketio, python-engineio and aiohttp's
websockets; `tests/web/realtime/test_broadcast.py` holds them on the pinned versions. What python-engineio does per
websocket (a writer task, a ping task, two tasks per packet received, a queue) and python-socketio's manager (a dict per
socket, a walk over all sockets at each disconnect) is left out; polling goes the library's own way.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from typing import Any, cast

import engineio
import socketio
import structlog
from aiohttp import WSMsgType, web
from engineio import async_socket, exceptions, packet
from engineio.async_drivers import aiohttp as engineio_aiohttp
from pymongo.errors import PyMongoError
from socketio import packet as socketio_packet

from interaction.commit import Busy
from web.realtime.frames import NAMESPACE, text_frame, to_json
from web.rejections import rejection

EVENTS_PER_SECOND = 10.0
"""From one socket: likes are gathered by the page, so a busy thumb sends three a second."""
EVENTS_AT_ONCE = 40.0
BYTES_PER_SECOND = 16_384.0
BYTES_AT_ONCE = 65_536.0
MAX_REFUSED = 100
"""Events refused in a row before the socket is cut off: no phone does that, a script does."""
MAX_UNREAD_BYTES = 64 * 1024
"""Of answers that the peer has not read; until it does, its next event waits."""
UNREAD_SECONDS = 0.05
MAX_QUEUED = 100
"""Packets that wait for a polling socket; one that fetches nothing for so long is closed."""
DATABASE_SECONDS = 2.0
"""When a phone may ask again whose event the database did not answer."""
PROBE_SECONDS = 15.0
"""For a polling socket's move to a websocket."""

_EVENT = re.compile(rf"2{NAMESPACE},(\d{{0,15}})(?=\[)")
"""An event of the namespace, with the id under which it is to be acknowledged."""
_UNREADABLE = (ValueError, TypeError, IndexError, KeyError, RecursionError)
"""What the library's parsers raise at nonsense."""

log = structlog.get_logger(__name__)


class Allowance:
    """So many events and so many bytes, charged together; starts full at monotonic `now`."""

    __slots__ = ("_at", "_bytes", "_events", "refused")

    def __init__(self, now: float) -> None:
        self._at = now
        self._events = EVENTS_AT_ONCE
        self._bytes = BYTES_AT_ONCE
        self.refused = 0
        """In a row."""

    def charge(self, size: int, now: float) -> bool:
        """False when there is not enough left; what is refused is charged nothing."""
        gone, self._at = now - self._at, now
        self._events = min(EVENTS_AT_ONCE, self._events + gone * EVENTS_PER_SECOND)
        self._bytes = min(BYTES_AT_ONCE, self._bytes + gone * BYTES_PER_SECOND)
        if self._events < 1 or self._bytes < size:
            self.refused += 1
            return False
        self._events -= 1
        self._bytes -= size
        self.refused = 0
        return True


class RoomSocket(async_socket.AsyncSocket):  # type: ignore[misc]
    """One phone's connection. `transport` is there once it is a websocket; before that packets wait in `queue`."""

    connected: bool
    closing: bool
    closed: bool

    def __init__(self, server: RoomEngine, sid: str) -> None:
        super().__init__(server, sid)
        self.last_ping = None  # the library's timers are not used
        self.transport: asyncio.Transport | None = None
        self.english = False
        self.unanswered = False
        """A ping is under way."""
        self.behind = False
        """Missed a batch; gets the snapshot once it can take something again."""
        self.joined: Any = None
        """The members of the room in which it is, told when it becomes a websocket."""
        self._allowance = Allowance(time.monotonic())

    # --- to the phone ---

    async def send(self, pkt: packet.Packet) -> None:
        if self.closed:
            raise exceptions.SocketIsClosedError
        self.put(pkt)

    def put(self, pkt: packet.Packet) -> bool:
        """Write or queue, now. False when a polling socket's queue is full."""
        if self.transport is not None:
            return self.write(text_frame(cast(str, pkt.encode())))
        if self.queue.qsize() >= MAX_QUEUED:
            return False
        self.queue.put_nowait(pkt)
        return True

    def write(self, frame: bytes) -> bool:
        transport = cast(asyncio.Transport, self.transport)
        try:
            if not transport.is_closing():
                transport.write(frame)
        except RuntimeError:  # uvloop: closed in this very turn of the loop
            pass
        return True

    def schedule_ping(self) -> None:
        """Called when the phone has answered a ping; `RoomEngine` sends the next one."""
        self.unanswered = False

    async def check_ping_timeout(self) -> bool:
        return not self.closed

    # --- from the phone ---

    async def receive(self, pkt: packet.Packet) -> None:
        """A packet that came by polling."""
        if pkt.packet_type == packet.MESSAGE:
            await self._message(pkt.data)
        else:
            await super().receive(pkt)

    async def _websocket_handler(self, ws: _TrackedWebSocket) -> None:
        """The life of a websocket, in the task of its HTTP request."""
        if self.connected and not await self._probed(ws.response):
            return
        self.connected = self.upgraded = True
        self.upgrading = False
        self.transport = ws.transport
        while not self.queue.empty():
            waiting = self.queue.get_nowait()
            if waiting is not None:
                self.put(waiting)
        if self.joined is not None:
            self.joined.changed = True
        try:
            async for message in ws.response:
                if message.type is not WSMsgType.TEXT or not message.data or message.data == "1":
                    break
                await self._text(message.data)
                await self._read(ws.transport)
        finally:
            await self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)

    async def _probed(self, response: web.WebSocketResponse) -> bool:
        """A polling socket moves to this websocket (Engine.IO 4, "Upgrade"); False when it does not in the end."""
        self.upgrading = True
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                if await response.receive_str() != "2probe":
                    return False
                await response.send_str("3probe")
                self.queue.put_nowait(packet.Packet(packet.NOOP))  # ends the poll under way
                return await response.receive_str() == "5"
        except (TypeError, TimeoutError, ConnectionError):
            return False
        finally:
            self.upgrading = False

    async def _text(self, text: str) -> None:
        kind = text[0]
        if kind == "4":
            await self._message(text[1:])
        elif kind == "3":
            self.schedule_ping()

    async def _message(self, text: object) -> None:
        """A Socket.IO packet, if it is not too many."""
        if self.closed or self.closing:
            return
        if not isinstance(text, str):
            await self.close(wait=False, abort=True)  # nothing here is binary
        elif self._allowance.charge(len(text), time.monotonic()):
            await self.server.room_server.taken(self, text)
        elif self._allowance.refused > MAX_REFUSED:
            self.server.cut_off += 1
            await self.close(wait=False, abort=True)
        elif (found := _EVENT.match(text)) is not None and found[1]:
            self.acknowledge(found[1], too_fast(self.english))

    def acknowledge(self, ack_id: str, answer: object) -> None:
        text = f"3{NAMESPACE},{ack_id}{to_json([answer])}"
        if self.transport is not None:
            self.write(text_frame("4" + text))
        else:
            self.put(packet.Packet(packet.MESSAGE, data=text))

    async def _read(self, transport: asyncio.Transport) -> None:
        """Wait until the phone has read its answers: one that only speaks is not listened to."""
        # aiohttp owns the protocol's callbacks: nothing tells us when the buffer drains
        while transport.get_write_buffer_size() > MAX_UNREAD_BYTES and not transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(UNREAD_SECONDS)

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """Leave the room, then end the connection; `abort` says nothing to the peer and drops what is unsent."""
        if self.closed or self.closing:
            return
        self.closing = True
        try:
            await self.server._trigger_event(
                "disconnect", self.sid, reason or self.server.reason.SERVER_DISCONNECT, run_async=False
            )
        finally:
            if not abort:
                self.put(packet.Packet(packet.CLOSE))
            self.closed = True
            if self.transport is None:
                self.queue.put_nowait(None)  # ends the poll under way
            elif abort:
                self.transport.abort()
            else:
                self.transport.close()


class _TrackedWebSocket(engineio_aiohttp.WebSocket):  # type: ignore[misc]
    """The aiohttp driver's websocket, uncompressed (frames are a tenth of a packet), whose transport is at hand."""

    response: web.WebSocketResponse
    transport: asyncio.Transport

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        request: web.Request = environ["aiohttp.request"]
        self.response = web.WebSocketResponse(max_msg_size=self.server.max_http_buffer_size, compress=False)
        await self.response.prepare(request)
        self.transport = cast(asyncio.Transport, request.transport)
        if self.transport is not None:
            await self.handler(self)
        return self.response


class RoomEngine(engineio.AsyncServer):  # type: ignore[misc]
    """Engine.IO whose sockets are `RoomSocket`s; one task pings them all."""

    room_server: RoomServer
    start_service_task: bool
    _async: dict[str, Any]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._async = {**self._async, "websocket": _TrackedWebSocket}
        self._pings: deque[tuple[float, RoomSocket]] = deque()
        """In the order in which they are due: the interval is the same for all."""
        self.cut_off = 0
        """Sockets that would not stop."""

    async def _handle_connect(self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None) -> Any:
        if self.start_service_task:
            self.start_service_task = False
            self.service_task_handle = self.start_background_task(self._service_task)
        sid = self.generate_id()
        socket = self.sockets[sid] = RoomSocket(self, sid)
        socket.english = environ.get("HTTP_ACCEPT_LANGUAGE", "").lower().startswith("en")
        await socket.send(
            packet.Packet(
                packet.OPEN,
                {
                    "sid": sid,
                    "upgrades": self._upgrades(sid, transport),
                    "pingTimeout": int(self.ping_timeout * 1000),
                    "pingInterval": int(self.ping_interval * 1000),
                    "maxPayload": self.max_http_buffer_size,
                },
            )
        )
        await self._trigger_event("connect", sid, environ, run_async=False)
        self._pings.append((time.monotonic() + self.ping_interval, socket))
        if transport == "websocket":
            try:
                return await socket.handle_get_request(environ)
            finally:
                if socket.closed:
                    self.sockets.pop(sid, None)
        socket.connected = True
        return self._ok(await socket.poll(), jsonp_index=jsonp_index)

    async def _service_task(self) -> None:
        """Ping whose turn it is; who has not answered the last one is gone."""
        self.service_task_event = self.create_event()
        while not self.service_task_event.is_set():
            await asyncio.sleep(1.0)
            try:
                await self.ping_due(time.monotonic())
            except Exception:
                log.exception("pings failed")

    async def ping_due(self, now: float) -> None:
        while self._pings and self._pings[0][0] <= now:
            _, socket = self._pings.popleft()
            if socket.closed:
                self.sockets.pop(socket.sid, None)
            elif socket.unanswered:
                await socket.close(wait=False, abort=True, reason=self.reason.PING_TIMEOUT)
                self.sockets.pop(socket.sid, None)
            else:
                socket.unanswered = True
                socket.put(packet.Packet(packet.PING))
                self._pings.append((now + self.ping_interval, socket))


class RoomManager(socketio.AsyncManager):  # type: ignore[misc]
    """Keeps who is connected; a socket is no room of its own, so one more costs two dict entries."""

    def basic_enter_room(self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None) -> None:
        if room != sid:
            super().basic_enter_room(sid, namespace, room, eio_sid)

    def basic_disconnect(self, sid: str, namespace: str, **kwargs: Any) -> None:
        connected = self.rooms.get(namespace, {}).get(None)
        if connected is not None:
            connected.pop(sid, None)
        self.callbacks.pop(sid, None)
        for waiting in (self.pending_connect.get(namespace, []), self.pending_disconnect.get(namespace, [])):
            if sid in waiting:
                waiting.remove(sid)

    def get_participants(self, namespace: str, room: str | None) -> Any:
        connected = self.rooms.get(namespace, {}).get(None, {})
        if room is None:
            return list(connected.items())
        return [(room, connected[room])] if room in connected else []


class RoomServer(socketio.AsyncServer):  # type: ignore[misc]
    """Socket.IO that takes an event at once, in the task of its socket, and answers nonsense without a traceback."""

    def __init__(self, **options: Any) -> None:
        super().__init__(async_mode="aiohttp", client_manager=RoomManager(), **options)
        self.eio.room_server = self

    def _engineio_server_class(self) -> type[RoomEngine]:
        return RoomEngine

    async def taken(self, socket: RoomSocket, text: str) -> None:
        """A packet within its socket's allowance."""
        event = _EVENT.match(text)
        if event is not None:
            try:
                sent = json.loads(text[event.end() :])
            except _UNREADABLE:
                await socket.close(wait=False, abort=True)
            else:
                await self._event(socket, event[1], sent)
            return
        try:
            pkt = self.packet_class(encoded_packet=text)
        except _UNREADABLE:
            await socket.close(wait=False, abort=True)
            return
        if pkt.packet_type == socketio_packet.EVENT and pkt.namespace == NAMESPACE:
            await self._event(socket, "" if pkt.id is None else str(pkt.id), None)  # not a list
        elif pkt.packet_type == socketio_packet.CONNECT and pkt.namespace == NAMESPACE:
            await self._join(socket, pkt.data)
        elif pkt.packet_type == socketio_packet.CONNECT:
            refused = {"code": "no_such_namespace", "message": "the namespace is /room"}
            await self._send_packet(
                socket.sid,
                self.packet_class(socketio_packet.CONNECT_ERROR, data=refused, namespace=pkt.namespace or "/"),
            )
        elif pkt.packet_type == socketio_packet.DISCONNECT and pkt.namespace == NAMESPACE:
            await self._handle_disconnect(socket.sid, NAMESPACE, self.reason.CLIENT_DISCONNECT)
        elif pkt.packet_type != socketio_packet.ACK:
            await socket.close(wait=False, abort=True)

    async def _join(self, socket: RoomSocket, auth: object) -> None:
        if self.manager.sid_from_eio_sid(socket.sid, NAMESPACE) is not None:
            return
        try:
            await self._handle_connect(socket.sid, NAMESPACE, auth if isinstance(auth, dict) else {"token": None})
        except Exception:
            log.exception("a socket could not join")
            await socket.close(wait=False, abort=True)
        environ = self.environ.get(socket.sid)
        if environ is not None and len(environ) > 2:
            # three kilobytes per socket that nobody asks for again
            kept = ("aiohttp.request", "HTTP_ACCEPT_LANGUAGE")
            self.environ[socket.sid] = {name: environ[name] for name in kept if name in environ}

    async def _event(self, socket: RoomSocket, ack_id: str, sent: list[Any] | None) -> None:
        sid = self.manager.sid_from_eio_sid(socket.sid, NAMESPACE)
        if sid is None or not self.manager.is_connected(sid, NAMESPACE):
            return
        handler = self.namespace_handlers[NAMESPACE]
        name = sent[0] if sent else None
        if sent and isinstance(name, str) and name not in ("connect", "disconnect") and hasattr(handler, f"on_{name}"):
            try:
                answer = await getattr(handler, f"on_{name}")(sid, *sent[1:2])
            except Busy as error:
                answer = refusal("busy", socket.english, error.retry_after)
            except PyMongoError as error:
                log.warning("the database did not answer an event", event=name, error=str(error)[:200])
                answer = refusal("busy", socket.english, DATABASE_SECONDS)
            except Exception:
                log.exception("an event was not answered", event=name)
                answer = refusal("busy", socket.english)
        else:
            answer = refusal("invalid", socket.english)
        if ack_id:
            socket.acknowledge(ack_id, answer)


def refusal(code: str, english: bool, retry_after: float | None = None) -> dict[str, Any]:
    """The acknowledgement of what was not taken."""
    seconds = round(retry_after) or 1 if retry_after is not None else 1
    error: dict[str, Any] = {"code": code, "message": rejection(code, english=english, seconds=seconds)}
    if retry_after is not None:
        error["retry_after"] = retry_after
    return {"ok": False, "error": error}


def too_fast(english: bool) -> dict[str, Any]:
    return refusal("too_fast", english, 1.0)
