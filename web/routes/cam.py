"""The camera page's questions, by its stream key; and the crew's words to a camera."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from streaming.events.model import Event, FeedAddress
from web.access import access_feed
from web.accounts.model import Permission
from web.cam.cameras import Cameras
from web.problems import Problem
from web.routing import Access, Endpoint, answer, body_of
from web.schemas.cam import CameraState, CueBody, CueView

WATCH_SECONDS = 0.2
"""How soon a tally light follows the director's hand."""
PLACE_SECONDS = 3.0
"""How soon a page hears that its key was changed or its event began or ended."""
KEEPALIVE_SECONDS = 10.0
"""Proxies close what is silent for longer; and the page knows that it has lost the hub."""
MAX_WATCHERS = 1_000
MAX_WATCHERS_PER_KEY = 8
_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Feeds(Protocol):
    async def find_by_key(self, key: str) -> FeedAddress | None: ...

    async def get(self, event_id: str) -> Event | None: ...


def cam_endpoints(feeds: Feeds, cameras: Cameras) -> list[Endpoint]:
    watchers: Counter[str] = Counter()

    async def place(key: str) -> Callable[[], CameraState]:
        """The state of the camera with this key, for as long as it stands where it stands. Raises Problem 404."""
        address = await feeds.find_by_key(key)
        event = await feeds.get(address.event_id) if address is not None else None
        if address is None or event is None:
            raise Problem(404, "whip_unknown_key")
        return lambda: cameras.state(key, address, event.title)

    async def state(request: web.Request) -> web.StreamResponse:
        return answer((await place(request.match_info["stream_key"]))())

    async def watch(request: web.Request) -> web.StreamResponse:
        key = request.match_info["stream_key"]
        current = await place(key)
        if watchers.total() >= MAX_WATCHERS or watchers[key] >= MAX_WATCHERS_PER_KEY:
            raise Problem(503, "busy")
        watchers[key] += 1
        try:
            return await _stream(request, key, current)
        finally:
            watchers[key] -= 1
            if not watchers[key]:
                del watchers[key]

    async def _stream(request: web.Request, key: str, current: Callable[[], CameraState]) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        sent: CameraState | None = None
        sent_at = placed_at = loop.time()
        try:
            while True:
                if loop.time() - placed_at >= PLACE_SECONDS:
                    placed_at = loop.time()
                    current = await place(key)
                now = current()
                if now != sent:
                    await response.write(f"event: state\ndata: {now.model_dump_json()}\n\n".encode())
                    sent, sent_at = now, loop.time()
                elif loop.time() - sent_at >= KEEPALIVE_SECONDS:
                    await response.write(b"event: alive\ndata: {}\n\n")
                    sent_at = loop.time()
                await asyncio.sleep(WATCH_SECONDS)
        except Problem:
            await response.write(b"event: gone\ndata: {}\n\n")
        except ConnectionResetError:
            pass  # the phone left
        return response

    async def cue(request: web.Request) -> web.StreamResponse:
        address = await access_feed(request, request.match_info["feed_id"], Permission.DIRECT)
        body = body_of(request, CueBody)
        cues = cameras.cues
        if body.message is not None:
            cues.say(address.feed_id, body.message, cameras.clock.utc())
        if body.next is not None:
            cues.stand_by(address.event_id, address.venue_id, address.feed_id, stands=body.next)
        message = cues.message(address.feed_id)
        stands = cues.next(address.event_id, address.venue_id) == address.feed_id
        return answer(CueView(message=message.text if message else "", next=stands))

    key_path = "/api/v1/cam/{stream_key}"
    return [
        Endpoint("GET", key_path, state, Access.PUBLIC, "What a camera page knows", returns=CameraState),
        Endpoint(
            "GET",
            f"{key_path}/events",
            watch,
            Access.PUBLIC,
            "Tally and messages as they change (SSE)",
            download="text/event-stream",
        ),
        Endpoint(
            "POST",
            "/api/v1/feeds/{feed_id}/cue",
            cue,
            Access.CREW,
            "Say something to a feed's camera, or that it is next",
            body=CueBody,
            returns=CueView,
        ),
    ]
