"""Whatever is sent to a route is answered by a typed problem or by success, never by an error of ours."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.ids import new_id
from tests.support.hub import InProcessHub
from tests.support.pictures import picture
from web.posters import BadPicture, Posters
from web.problems import TEXTS

pytestmark = [pytest.mark.service]

EXTREMES: st.SearchStrategy[Any] = st.sampled_from(
    [
        "", " ", "\x00", "\ud800", "a.b", "$where", "../..", "字" * 300, "0001-01-01T00:00:00+14:00", "1e999", "main",
        0, -1, 1 << 63, 1 << 200, 1e308, float("nan"), float("inf"), True, None, [], {}, [[]], {"$ne": 1}, {"": 0},
    ]
)  # fmt: skip
JSON: st.SearchStrategy[Any] = st.recursive(
    EXTREMES | st.text(max_size=8) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FILLED = {
    "text": "灯会", "username": "somebody-new", "password": "a long password", "current": "not this one",
    "name": "名字", "title": "名字", "device_id": "a-hostile-phone", "ids": ["x"], "roles": ["editor"],
    "venues": [{"name": "主会场", "main": True, "feeds": [{"name": "机位"}]}], "rules": {"moderation": "post"},
    "starts_at": "2030-01-01T00:00:00Z", "accent": "#112233", "quotas": {"crew": 5}, "feeds": [{"name": "机位"}],
}  # fmt: skip
"""What a client might mean, so that one wrong field gets as far as it can."""


def _properties(document: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    found = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "oneOf" in found:  # told apart by a field: the names of all of them
        return sorted({name for one in found["oneOf"] for name in _properties(document, one)})
    return list(found["properties"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def targets(hub: InProcessHub) -> AsyncIterator[list[tuple[str, str, list[str]]]]:
    """Every operation with a JSON body: method, a path to objects made for this, the body's field names."""
    event = await hub.event(hub.admin, starts_at="2030-01-01T00:00:00Z")
    center = await hub.center()
    await hub.crew(center, "editor")
    crew = next(c for c in (await hub.admin.ok("GET", "/api/v1/crew"))["items"] if center in c["roles"])
    venue = event["venues"][0]
    ids = {
        "event_id": event["id"], "venue_id": venue["id"], "feed_id": venue["feeds"][0]["id"],
        "center_id": center, "crew_id": crew["id"],
    }  # fmt: skip
    document = await hub.admin.ok("GET", "/api/v1/openapi.json")
    yield [
        (
            method.upper(),
            path.format_map(defaultdict(new_id, ids)),
            _properties(document, operation["requestBody"]["content"]["application/json"]["schema"]),
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_there_are_bodies_to_try(targets: list[tuple[str, str, list[str]]]) -> None:
    assert len(targets) >= 15


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32), wrong=st.dictionaries(st.integers(0, 9), JSON, max_size=2), whole=JSON)
@pytest.mark.asyncio(loop_scope="module")
async def test_no_body_breaks_anything(
    hub: InProcessHub, targets: list[tuple[str, str, list[str]]], seed: int, wrong: dict[int, Any], whole: Any
) -> None:
    """In each example every operation gets one body: right but for some fields, or something else altogether."""
    chance = random.Random(seed)
    for method, path, names in targets:
        body: Any = {name: FILLED[name] for name in names if name in FILLED and chance.random() < 0.8}
        if names:
            body |= {names[index % len(names)]: value for index, value in wrong.items()}
        if chance.random() < 0.1:
            body = whole
        caller = hub.stranger() if path.endswith("/login") else hub.admin
        answer = await caller(method, path, body)
        assert answer.status < 500, (method, path, body, answer.body)
        if answer.status >= 400:
            assert answer.content_type == "application/problem+json" and answer.json["code"] in TEXTS
    assert (await hub.admin("GET", "/api/v1/events?limit=200")).status == 200, "what was taken can be read"
    assert (await hub.admin("GET", "/api/v1/crew")).status == 200


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP"]),
    changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=6),
    length=st.integers(0, 1 << 16),
    cut=st.booleans(),
)
def test_no_picture_breaks_anything(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list[tuple[int, int]], length: int, cut: bool
) -> None:
    """Small files with some bytes changed, or cut off: a poster, or BadPicture."""
    data = bytearray(picture(kind, (40, 30)))
    for position, value in changes:
        data[position % len(data)] = value
    if cut:
        del data[length % len(data) :]
    posters = Posters(tmp_path_factory.getbasetemp() / "posters")

    async def keep() -> None:
        loop = asyncio.get_running_loop()
        upload = StreamReader(BaseProtocol(loop), 1 << 16, loop=loop)
        upload.feed_data(bytes(data))
        upload.feed_eof()
        try:
            name = await posters.keep(upload)
        except BadPicture:
            return
        assert await posters.read(name)

    asyncio.run(keep())
