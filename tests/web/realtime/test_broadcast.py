"""What we rely on of the pinned socket libraries, and the frames that we write ourselves."""

from __future__ import annotations

import importlib.metadata
import json
from typing import Any

import engineio.async_socket
import pytest

from web.realtime.broadcast import RoomBroadcast, event_packet, make_server, text_frame


def test_the_private_names_are_where_the_pinned_versions_have_them() -> None:
    pinned = {"python-socketio": "5.18.1", "python-engineio": "4.15.1"}
    assert {name: importlib.metadata.version(name) for name in pinned} == pinned
    server = make_server()
    assert server.eio._async["websocket"].__name__ == "_TrackedWebSocket"
    socket = engineio.async_socket.AsyncSocket(server.eio, "sid")
    for name in ("upgraded", "closed", "queue"):
        assert hasattr(socket, name)
    assert callable(server.manager.eio_sid_from_sid)


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


def member(server: Any, broadcast: RoomBroadcast, sid: str) -> tuple[Any, Transport]:
    socket = engineio.async_socket.AsyncSocket(server.eio, f"eio-{sid}")
    socket.upgraded = True
    socket.room_transport = transport = Transport()
    server.eio.sockets[f"eio-{sid}"] = socket
    broadcast._rooms.setdefault("event", {})[sid] = f"eio-{sid}"
    return socket, transport


async def test_one_frame_for_all_a_slow_one_catches_up_by_snapshot_and_polling_gets_its_queue() -> None:
    server = make_server()
    broadcast = RoomBroadcast(server)
    (_, quick), (_, slow), (polling, _) = (member(server, broadcast, sid) for sid in ("a", "b", "c"))
    slow.backlog = 10**9
    polling.upgraded = False
    broadcast.to_room("event", "batch", {"seq": 1})
    assert len(quick.frames) == 1 and slow.frames == [] and polling.queue.qsize() == 1
    broadcast.catch_up("event", lambda: {"seq": 1})
    assert slow.frames == []
    slow.backlog = 0
    broadcast.to_room("event", "batch", {"seq": 2})
    broadcast.catch_up("event", lambda: {"seq": 2})
    assert b"snapshot" in slow.frames[-1]
    assert not any(b"snapshot" in frame for frame in quick.frames)
