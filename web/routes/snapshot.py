"""The room's snapshot over HTTP: what a CDN may keep for a second, and what pages poll when sockets fail."""

from __future__ import annotations

import hashlib
import json

from aiohttp import web

from interaction.rooms import Rooms

MAX_KEPT = 200
"""Rooms whose encoded snapshot is kept; one at hand is 20 kB."""


class Snapshots:
    """Encodes a room's snapshot once for all who ask before it changes."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._kept: dict[str, tuple[object, bytes, str]] = {}

    async def answer(self, request: web.Request, event_id: str) -> web.Response:
        snapshot = await self._rooms.polled(event_id)
        kept = self._kept.get(event_id)
        if kept is None or kept[0] is not snapshot:
            body = json.dumps(snapshot, ensure_ascii=False, separators=(",", ":")).encode()
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            kept = self._kept[event_id] = snapshot, body, f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        _, body, etag = kept
        headers = {"Cache-Control": "public, max-age=1", "Access-Control-Allow-Origin": "*", "ETag": etag}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)
