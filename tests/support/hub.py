"""A whole hub inside the test's own loop, on the shared MongoDB and Redis, and the people who call its API."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from redis.asyncio import Redis

from config.backing import open_mongodb
from config.mongodb import Database
from config.settings import load_settings
from web.wiring import Running, open_hub

ADMIN_PASSWORD = "correct horse battery staple"
CREW_PASSWORD = "a password of this test"
FLV_HEADER_BYTES = 13

_ADDRESSES = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of a response that has been read whole."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    json: Any = field(default=None, repr=False)
    """The body when it is JSON."""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]


class Caller:
    """Somebody with an address of their own: anonymous, or with a bearer token. Sends no cookie unless told to."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None = None) -> None:
        number = next(_ADDRESSES)
        self.address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        """Lock-out counts by address: each caller has one."""
        self._session = session
        self._url = url
        self.token = token

    async def __call__(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        """One request; `body` is sent as JSON. `headers` and `data` as aiohttp takes them.

        Of a live FLV, which does not end, only the file header is read.
        """
        headers = {"X-Forwarded-For": self.address, **more.pop("headers", {})}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            more["json"] = body
        async with self._session.request(
            method, self._url + path, headers=headers, allow_redirects=False, **more
        ) as response:
            content = await response.content.read(FLV_HEADER_BYTES if response.content_type == "video/x-flv" else -1)
            lower = {name.lower(): value for name, value in response.headers.items()}
            is_json = response.content_type.endswith("json")
            return Answer(response.status, lower, content, json.loads(content) if is_json else None)

    async def ok(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """The JSON of a request that has to succeed."""
        answer = await self(method, path, body, **more)
        assert answer.status < 400, f"{method} {path}: {answer.status} {answer.body[:600]!r}"
        return answer.json


@dataclass
class InProcessHub:
    running: Running
    session: aiohttp.ClientSession
    database: Database
    redis: Redis
    admin: Caller
    """The platform's administrator."""
    first_center: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.running.http_port}"

    def stranger(self) -> Caller:
        """Somebody who has not signed in."""
        return Caller(self.session, self.url)

    async def sign_in(self, username: str, password: str) -> Caller:
        someone = self.stranger()
        signed = await someone.ok("POST", "/api/v1/auth/login", {"username": username, "password": password})
        someone.token = signed["access_token"]
        return someone

    async def center(self, name: str = "江北融媒体中心", **fields: object) -> str:
        """Id of a new center."""
        created = await self.admin.ok("POST", "/api/v1/centers", {"name": name, **fields})
        return str(created["id"])

    async def crew(self, center_id: str, *roles: str) -> Caller:
        """Somebody new with these roles, signed in with a password of their own."""
        username = f"crew-{secrets.token_hex(4)}"
        body = {"username": username, "name": "小王", "center_id": center_id, "roles": list(roles)}
        invited = await self.admin.ok("POST", "/api/v1/crew", body)
        once = await self.sign_in(username, invited["one_time_password"])
        change = {"current": invited["one_time_password"], "password": CREW_PASSWORD}
        await once.ok("POST", "/api/v1/auth/password", change)
        return await self.sign_in(username, CREW_PASSWORD)

    async def event(self, caller: Caller, **fields: object) -> dict[str, Any]:
        """A new event of the caller's center: a main venue with two feeds and a branch with one."""
        body = {
            "title": "国庆灯会",
            "venues": [
                {"name": "主会场", "main": True, "feeds": [{"name": "机位一"}, {"name": "机位二"}]},
                {"name": "分会场", "main": False, "feeds": [{"name": "机位三"}]},
            ],
        }
        created: dict[str, Any] = await caller.ok("POST", "/api/v1/events", body | fields)
        return created


@asynccontextmanager
async def in_process_hub(
    mongodb_url: str, redis_url: str, data_dir: Path, **settings: str
) -> AsyncIterator[InProcessHub]:
    """The hub of `web.wiring`, on a database of its own that is dropped at the end."""
    name = f"hub_{secrets.token_hex(6)}"
    environment = {
        "VENUECAST_DATA_DIR": str(data_dir),
        "VENUECAST_HTTP_HOST": "127.0.0.1",
        "VENUECAST_HTTP_PORT": "0",
        "VENUECAST_RTMP_HOST": "127.0.0.1",
        "VENUECAST_RTMP_PORT": "0",
        "VENUECAST_SRT_HOST": "127.0.0.1",
        "VENUECAST_SRT_PORT": "0",
        "VENUECAST_WEBRTC_HOST": "127.0.0.1",
        "VENUECAST_WEBRTC_PORT": "0",
        "VENUECAST_MONGODB_URL": mongodb_url.replace("/?", f"/{name}?"),
        "VENUECAST_REDIS_URL": redis_url,
        "VENUECAST_ADMIN_PASSWORD": ADMIN_PASSWORD,
    }
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_mongodb(mongodb_url, name))
        stack.push_async_callback(database.client.drop_database, name)
        redis = await stack.enter_async_context(Redis.from_url(redis_url))
        running = await stack.enter_async_context(open_hub(load_settings(environment | settings)))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(30))
        )
        url = f"http://127.0.0.1:{running.http_port}"
        hub = InProcessHub(running, session, database, redis, Caller(session, url), "")
        hub.admin = await hub.sign_in("admin", ADMIN_PASSWORD)
        hub.first_center = (await hub.admin.ok("GET", "/api/v1/centers"))["items"][0]["id"]
        yield hub
