"""Phones of the tests: real Socket.IO clients in a room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import socketio

from tests.support.hub import InProcessHub


class Phone:
    """One viewer's socket, and what it was told."""

    def __init__(self, client: socketio.AsyncClient, viewer_id: str, token: str) -> None:
        self._client = client
        self.viewer_id = viewer_id
        self.token = token
        self.snapshots: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []
        self.personal: list[dict[str, Any]] = []

    async def call(self, event: str, payload: object) -> dict[str, Any]:
        """The acknowledgement."""
        answer: dict[str, Any] = await self._client.call(event, payload, namespace="/room", timeout=30)
        return answer

    async def done(self, event: str, **payload: object) -> dict[str, Any]:
        """The acknowledgement of something that has to be taken."""
        answer = await self.call(event, payload)
        assert answer["ok"], answer
        return answer

    async def refused(self, event: str, **payload: object) -> str:
        """The code of something that must not be taken."""
        answer = await self.call(event, payload)
        assert not answer["ok"], answer
        assert answer["error"]["message"]
        return str(answer["error"]["code"])


@asynccontextmanager
async def phone(hub: InProcessHub, event_id: str, device: str, **join: object) -> AsyncIterator[Phone]:
    """A phone in the event's room while the context is open."""
    joined = await hub.stranger().ok("POST", f"/api/v1/events/{event_id}/join", {"device_id": device, **join})
    client = socketio.AsyncClient(reconnection=False)
    here = Phone(client, joined["viewer_id"], joined["token"])
    client.on("snapshot", here.snapshots.append, namespace="/room")
    client.on("batch", lambda batch: here.items.extend(batch["items"]), namespace="/room")
    client.on("personal", here.personal.append, namespace="/room")
    await client.connect(hub.url, namespaces=["/room"], auth={"token": joined["token"]}, transports=["websocket"])
    try:
        yield here
    finally:
        await client.disconnect()
