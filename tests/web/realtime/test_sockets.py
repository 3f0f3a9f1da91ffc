"""Sockets of a room on a real hub: both transports, nonsense, floods; each answered, none disturbs the others."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
import socketio

from tests.support.hub import InProcessHub
from tests.support.room import Phone, phone
from tests.support.waiting import eventually

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

OPEN = {"anonymous_may": ["watch", "like", "comment"], "moderation": "post"}
SECONDS = 30.0


async def live_event(hub: InProcessHub) -> str:
    event = await hub.admin.ok(
        "POST", "/api/v1/events", {"title": "灯会", "rules": OPEN, "venues": [{"name": "a", "main": True, "feeds": []}]}
    )
    await hub.admin.ok("POST", f"/api/v1/events/{event['id']}/start")
    return str(event["id"])


class Bare:
    """A websocket that says whatever it likes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.received: list[str] = []

    async def until(self, start: str) -> str:
        """The next text that begins so; what came before it is in `received`."""
        while True:
            text = str((await asyncio.wait_for(self.socket.receive(), SECONDS)).data)
            self.received.append(text)
            if text.startswith(start):
                return text

    async def closed(self) -> None:
        while (await asyncio.wait_for(self.socket.receive(), SECONDS)).type is aiohttp.WSMsgType.TEXT:
            pass


async def bare(session: aiohttp.ClientSession, hub: InProcessHub, event_id: str, device: str) -> Bare:
    joined = await hub.stranger().ok("POST", f"/api/v1/events/{event_id}/join", {"device_id": device})
    url = f"{hub.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    here = Bare(await session.ws_connect(url))
    await here.until("0{")
    await here.socket.send_str(f"40/room,{json.dumps({'token': joined['token']})}")
    await here.until("40/room,")
    await here.until('42/room,["snapshot"')
    return here


async def sees(phone_: Phone, text: str) -> None:
    await eventually(lambda: any(item.get("text") == text for item in phone_.items), SECONDS)


async def test_polling_and_an_upgrade_lose_nothing(hub: InProcessHub) -> None:
    event_id = await live_event(hub)
    joined = await hub.stranger().ok("POST", f"/api/v1/events/{event_id}/join", {"device_id": "polls"})
    clients: list[tuple[socketio.AsyncClient, list[Any], list[Any]]] = []
    for transports in (["polling"], ["polling", "websocket"]):
        client, snapshots, batches = socketio.AsyncClient(reconnection=False), list[Any](), list[Any]()
        client.on("snapshot", snapshots.append, namespace="/room")
        client.on("batch", batches.append, namespace="/room")
        await client.connect(hub.url, namespaces=["/room"], auth={"token": joined["token"]}, transports=transports)
        clients.append((client, snapshots, batches))
    async with phone(hub, event_id, "speaks") as speaker:
        await speaker.done("comment", text="大家好", client_id="1")
        for client, snapshots, batches in clients:
            await eventually(
                lambda b=batches: any(i.get("text") == "大家好" for batch in b for i in batch["items"]),  # type: ignore[misc]
                SECONDS,
            )
            assert len(snapshots) == 1
            seqs = [batch["seq"] for batch in batches]
            assert seqs == list(range(snapshots[0]["seq"] + 1, snapshots[0]["seq"] + 1 + len(seqs)))
            answer = await client.call("like", {"count": 2}, namespace="/room", timeout=SECONDS)
            assert answer == {"ok": True}
    for client, _, _ in clients:
        await client.disconnect()


async def test_nonsense_is_refused_and_hurts_nobody(hub: InProcessHub, capfd: pytest.CaptureFixture[str]) -> None:
    event_id = await live_event(hub)
    async with phone(hub, event_id, "neighbour") as neighbour, aiohttp.ClientSession() as session:
        # typed answers, in order
        here = await bare(session, hub, event_id, "odd")
        sent: list[Any] = [
            ["no_such_event", {}],
            ["disconnect"],
            ["connect", {}],
            ["comment"],
            ["comment", 5],
            ["comment", {"text": "x" * 1999, "client_id": "1"}],
            ["comment", {"text": "多余", "client_id": "2"}, "more", "arguments"],
            [],
            [None],
            {"text": "an object"},
            "a word",
        ]
        for number, content in enumerate(sent):
            await here.socket.send_str(f"42/room,{number}{json.dumps(content)}")
        codes = []
        for number in range(len(sent)):
            answer = json.loads((await here.until(f"43/room,{number}["))[len(f"43/room,{number}") :])[0]
            codes.append(answer["error"]["code"] if not answer["ok"] else "taken")
        assert codes[5:7] == ["too_long", "taken"] and set(codes[:5] + codes[7:]) == {"invalid"}
        # no packet at all: the socket is cut off
        for text in ("42/room,[", "4x", "42/room,1" + "[" * 5000, "451-/room,[{}]", "4", "49/room,"):
            broken = await bare(session, hub, event_id, f"broken {text[:9]}")
            await broken.socket.send_str(text)
            await broken.closed()
        for data in (b"\x00" * 20, b"x" * 100_000):
            broken = await bare(session, hub, event_id, "bytes")
            await broken.socket.send_bytes(data)
            await broken.closed()
        await neighbour.done("comment", text="还在", client_id="1")
        await sees(neighbour, "还在")
    assert "Traceback" not in "".join(capfd.readouterr())


async def test_a_flood_is_answered_and_then_cut_off(hub: InProcessHub) -> None:
    event_id = await live_event(hub)
    async with phone(hub, event_id, "neighbour") as neighbour, aiohttp.ClientSession() as session:
        here = await bare(session, hub, event_id, "floods")
        try:
            for number in range(10_000):
                await here.socket.send_str(f'42/room,{number}["like",{{"count":1}}]')
        except (ConnectionError, aiohttp.ClientConnectionError):
            pass
        answers: list[Any] = []
        while (message := await asyncio.wait_for(here.socket.receive(), SECONDS)).type is aiohttp.WSMsgType.TEXT:
            if message.data.startswith("43/room,"):
                answers.append(json.loads(message.data[message.data.index("[") :])[0])
        assert hub.running.sockets.eio.cut_off == 1
        refused = [answer["error"]["code"] for answer in answers if not answer["ok"]]
        # what was on the wire when the socket was cut off may be lost
        assert len(answers) < 1000 and set(refused) <= {"too_fast"}
        await neighbour.done("comment", text="没有受影响", client_id="1")
        await sees(neighbour, "没有受影响")


async def test_events_of_one_socket_are_taken_in_their_order(hub: InProcessHub) -> None:
    event_id = await live_event(hub)
    async with aiohttp.ClientSession() as session:
        here = await bare(session, hub, event_id, "in order")
        for number in range(3):
            content = {"text": f"第 {number} 句", "client_id": f"c{number}"}
            await here.socket.send_str(f"42/room,{number}{json.dumps(['comment', content])}")
            await here.socket.send_str(f'42/room,{number + 10}["like",{{"count":1}}]')
        for number in range(3):
            await here.until(f"43/room,{number}[")
            await here.until(f"43/room,{number + 10}[")
        acks = [text.split("[")[0] for text in here.received if text.startswith("43/")]
        assert acks == [f"43/room,{n}" for n in (0, 10, 1, 11, 2, 12)]
