"""The demo's event, made through the public API as a crew would: two venues, live, anonymous visitors may comment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp

TITLE = "古城灯会（演示）"
VENUES = (("主会场", "城门机位"), ("河滨分会场", "游船机位"))


@dataclass(frozen=True, slots=True)
class Scene:
    event_id: str
    push_urls: tuple[str, ...]


async def set_scene(base_url: str, username: str, password: str) -> Scene:
    """Find or make the live event. Raises aiohttp.ClientError when the API refuses."""
    async with aiohttp.ClientSession(
        base_url, connector=aiohttp.TCPConnector(ssl=False), raise_for_status=True
    ) as session:
        async with session.post("/api/v1/auth/login", json={"username": username, "password": password}) as answer:
            token = (await answer.json())["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        event = await _event(session)
        async with session.post(f"/api/v1/events/{event['id']}/start"):
            pass
        urls = tuple(feed["ingest"]["rtmp_url"] for venue in event["venues"] for feed in venue["feeds"][:1])
        return Scene(event["id"], urls)


async def _event(session: aiohttp.ClientSession) -> dict[str, Any]:
    async with session.get("/api/v1/events", params={"limit": "200"}) as answer:
        for listed in (await answer.json())["items"]:
            if listed["title"] == TITLE and listed["state"] in ("draft", "scheduled", "live"):
                async with session.get(f"/api/v1/events/{listed['id']}") as found:
                    event: dict[str, Any] = await found.json()
                    return event
    body = {
        "title": TITLE,
        "description": "两路模拟机位，供试用。 Two synthetic cameras to try things with.",
        "rules": {"anonymous_may": ["watch", "like", "comment"], "moderation": "post"},
        "venues": [
            {"name": venue, "main": index == 0, "feeds": [{"name": feed}]} for index, (venue, feed) in enumerate(VENUES)
        ],
    }
    async with session.post("/api/v1/events", json=body) as answer:
        made: dict[str, Any] = await answer.json()
        return made
