"""What we rely on of the pinned socket libraries, the frames that we write ourselves, and who gets which."""

from __future__ import annotations

import importlib.metadata
import json
from typing import Any

import engineio.async_socket
import engineio.base_socket
import pytest

from web.realtime.broadcast import NAMESPACE, RoomBroadcast, make_server
from web.realtime.engine import EVENTS_AT_ONCE, Allowance, RoomEngine, RoomManager, RoomServer, RoomSocket
from web.realtime.frames import event_packet, text_frame


def test_the_private_names_are_where_the_pinned_versions_have_them() -> None:
    pinned = {"python-socketio": "5.18.1", "python-engineio": "4.15.1"}
    assert {name: importlib.metadata.version(name) for name in pinned} == pinned
    server = make_server()
    assert isinstance(server, RoomServer) and isinstance(server.eio, RoomEngine)
    assert isinstance(server.manager, RoomManager)
    plain = engineio.async_socket.AsyncSocket(server.eio, "sid")
    for name in ("upgraded", "upgrading", "connected", "closed", "closing", "queue", "_websocket_handler"):
        assert hasattr(plain, name)
    for name in ("_handle_connect", "_service_task", "_upgrades", "_trigger_event", "_ok", "start_service_task"):
        assert hasattr(server.eio, name)
    for name in ("_handle_connect", "_handle_disconnect", "_send_packet", "namespace_handlers", "environ"):
        assert hasattr(server, name)
    for name in ("rooms", "callbacks", "pending_connect", "pending_disconnect", "sid_from_eio_sid"):
        assert hasattr(server.manager, name)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_have_the_shortest_length_form(size: int) -> None:
    frame = text_frame("x" * size)
    assert frame[0] == 0x81
    if size < 126:
        assert frame[1] == size
    elif size < 65_536:
        assert frame[1] == 126 and int.from_bytes(frame[2:4], "big") == size
    else:
        assert frame[1] == 127 and int.from_bytes(frame[2:10], "big") == size
    assert frame.endswith(b"x" * size)


def test_an_event_packet_is_socket_io_5() -> None:
    packet = event_packet("batch", {"seq": 1, "text": "灯会"})
    assert packet.startswith("2/room,")
    assert json.loads(packet.removeprefix("2/room,")) == ["batch", {"seq": 1, "text": "灯会"}]


class Transport:
    def __init__(self) -> None:
        self.backlog = 0
        self.frames: list[bytes] = []

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self.backlog

    def write(self, data: bytes) -> None:
        self.frames.append(data)


def member(broadcast: RoomBroadcast, sid: str, *, websocket: bool = True, viewer: str = "") -> tuple[Any, Transport]:
    server: Any = broadcast._server
    socket = RoomSocket(server.eio, f"eio-{sid}")
    transport = Transport()
    if websocket:
        socket.transport = transport  # type: ignore[assignment]
    server.eio.sockets[socket.sid] = socket
    server.manager.basic_enter_room(sid, NAMESPACE, None, socket.sid)
    broadcast.join("event", sid, viewer or sid)
    return socket, transport


async def test_one_frame_for_all_a_slow_one_catches_up_by_snapshot_and_polling_gets_its_queue() -> None:
    broadcast = RoomBroadcast(make_server())
    (_, quick), (_, slow) = (member(broadcast, sid) for sid in ("a", "b"))
    polling, _ = member(broadcast, "c", websocket=False)
    slow.backlog = 10**9
    broadcast.to_room("event", "batch", {"seq": 1})
    assert len(quick.frames) == 1 and slow.frames == [] and polling.queue.qsize() == 1
    broadcast.catch_up("event", lambda: {"seq": 1})
    assert slow.frames == [] and broadcast.behind("event") > 0.3
    slow.backlog = 0
    broadcast.to_room("event", "batch", {"seq": 2})
    assert slow.frames == [], "what would leave a hole is not sent"
    broadcast.catch_up("event", lambda: {"seq": 2})
    assert b"snapshot" in slow.frames[-1] and broadcast.behind("event") == 0
    broadcast.to_room("event", "batch", {"seq": 3})
    assert len(slow.frames) == 2
    assert not any(b"snapshot" in frame for frame in quick.frames)


async def test_a_polling_socket_that_fetches_nothing_misses_batches_and_catches_up() -> None:
    broadcast = RoomBroadcast(make_server())
    socket, _ = member(broadcast, "a", websocket=False)
    for seq in range(150):
        broadcast.to_room("event", "batch", {"seq": seq})
    assert socket.behind and socket.queue.qsize() == 100
    while not socket.queue.empty():
        socket.queue.get_nowait()
    broadcast.catch_up("event", lambda: {"seq": 150})
    assert "snapshot" in socket.queue.get_nowait().data and not socket.behind


async def test_personal_words_reach_every_socket_of_the_viewer_and_nobody_else() -> None:
    broadcast = RoomBroadcast(make_server())
    members = [member(broadcast, sid, viewer=viewer) for sid, viewer in (("a", "v1"), ("b", "v1"), ("c", "v2"))]
    broadcast.personal("event", "v1", {"type": "muted"})
    assert [len(transport.frames) for _, transport in members] == [1, 1, 0]
    broadcast.leave("event", "a", "v1")
    broadcast.personal("event", "v1", {"type": "muted"})
    broadcast.personal("event", "nobody", {"type": "muted"})
    assert [len(transport.frames) for _, transport in members] == [1, 2, 0]
    for sid, viewer in (("b", "v1"), ("c", "v2")):
        broadcast.leave("event", sid, viewer)
    assert broadcast.size("event") == 0 and broadcast._rooms == {}


async def test_a_snapshot_is_encoded_once_for_all_newcomers_of_a_tick() -> None:
    broadcast = RoomBroadcast(make_server())
    members = [member(broadcast, sid) for sid in ("a", "b")]
    snapshot = {"seq": 7}
    for sid in ("a", "b"):
        broadcast.welcome("event", sid, snapshot)
    assert members[0][1].frames == members[1][1].frames != []


def test_an_allowance_fills_up_again_and_counts_what_it_refused() -> None:
    allowance = Allowance(0.0)
    assert [allowance.charge(10, 0.0) for _ in range(int(EVENTS_AT_ONCE) + 3)].count(False) == 3
    assert allowance.refused == 3
    assert allowance.charge(10, 1.0) and allowance.refused == 0
    assert not allowance.charge(10**6, 100.0), "too large for any allowance"


async def test_who_does_not_answer_a_ping_is_gone() -> None:
    server = make_server()
    left = []
    server.eio.on("disconnect", lambda sid, reason: left.append((sid, reason)))
    socket = RoomSocket(server.eio, "sid")
    server.eio.sockets["sid"] = socket
    server.eio._pings.append((0.0, socket))
    await server.eio.ping_due(1.0)
    assert socket.unanswered and socket.queue.get_nowait().packet_type == 2
    socket.schedule_ping()  # the pong
    await server.eio.ping_due(30.0)
    assert not left
    await server.eio.ping_due(60.0)
    assert left == [("sid", "ping timeout")] and not server.eio.sockets
