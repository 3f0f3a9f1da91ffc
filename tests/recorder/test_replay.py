"""From an ended event to an item in the library and a replay that plays, holes and restarts included."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import imageio_ffmpeg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from config.clock import SystemClock
from config.mongodb import Database
from recorder.catalog import BadCursor, Catalog, Item, ItemState, ItemVenue, from_document, to_document
from recorder.recording import Recording
from recorder.replay import Replays, listed
from streaming.events.model import Event, EventState, Rules, Venue
from streaming.hls.index import SegmentEntry, read_index
from streaming.hls.output import open_output
from streaming.hls.writer import open_writer
from streaming.stream import Stream
from tests.support.encoded import encode
from web.routes.library import library_endpoints

EVENT = Event(
    id="event1",
    center_id="center1",
    title="发票摇奖 2026 (final)",
    description="",
    state=EventState.ENDED,
    rules=Rules(),
    venues=(Venue("main1", "主会场", True, ()), Venue("side1", "分会场", False, ()), Venue("none1", "空", False, ())),
    created_at=1.0,
    started_at=2.0,
    ended_at=3.0,
)


async def record(media_dir: Path, event: Event, venue_id: str, times: int = 1) -> None:
    for _ in range(times):
        async with open_writer() as writer:
            stream = Stream(venue_id)
            output = await open_output(stream, media_dir / event.id / venue_id, writer)
            for item in await asyncio.to_thread(encode, 6.0):
                stream.write(item)
            await output.close()


@pytest.fixture
async def catalog(database: Database) -> Catalog:
    made = Catalog(database)
    await made.ensure_indexes()
    return made


class Reader:
    """A crew member of some centers."""

    centers: frozenset[str] | None = frozenset({"center1"})
    publisher = True

    async def readable_centers(self, request: web.Request) -> frozenset[str] | None:
        return self.centers

    async def may_publish(self, request: web.Request, center_id: str) -> bool:
        return self.publisher


@dataclass
class Library:
    client: TestClient[web.Request, web.Application]
    reader: Reader
    catalog: Catalog
    recording: Recording
    media_dir: Path


@pytest.fixture
async def library(catalog: Catalog, tmp_path: Path) -> AsyncIterator[Library]:
    app = web.Application()
    reader = Reader()
    base = "https://live.example.cn"
    endpoints = library_endpoints(catalog, Replays(tmp_path), reader, SystemClock(), lambda _: base)
    for endpoint in endpoints:
        app.router.add_route(endpoint.method, endpoint.path, endpoint.handler)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield Library(client, reader, catalog, Recording(tmp_path, catalog, SystemClock()), tmp_path)


@pytest.mark.service
async def test_an_ended_event_becomes_one_item_and_its_replay_plays(library: Library) -> None:
    await record(library.media_dir, EVENT, "main1", times=2)
    await record(library.media_dir, EVENT, "side1")
    item = await library.recording.event_ended(EVENT)
    assert item is not None
    assert await library.recording.event_ended(EVENT) == item
    assert [venue.id for venue in item.venues] == ["main1", "side1"]
    assert item.duration == pytest.approx(12.0, abs=0.2)
    for query, seconds in (("", 12.0), ("?venue=side1", 6.0)):
        url = str(library.client.make_url(f"/replay/{item.id}/index.m3u8{query}"))
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-stats", "-i", url, "-f", "null", "-"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0
        assert f"frame={seconds * 25:5.0f}" in done.stderr
    answer = await library.client.get(f"/replay/{item.id}/index.m3u8")
    text = await answer.text()
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert text.endswith("#EXT-X-ENDLIST\n")


@pytest.mark.service
async def test_a_gap_is_a_hole_in_the_replay_that_players_step_over(library: Library) -> None:
    await record(library.media_dir, EVENT, "main1")
    index = library.media_dir / EVENT.id / "main1" / "index.jsonl"
    index.write_bytes(index.read_bytes().replace(b'"segment","msn":2', b'"gap","msn":2'))
    (index.parent / "seg-2.m4s").unlink()
    item = await library.recording.event_ended(EVENT)
    assert item is not None
    assert (item.main_venue.gap_seconds, item.main_venue.segments) == (2.0, 2)
    text = await (await library.client.get(f"/replay/{item.id}/index.m3u8")).text()
    assert "#EXT-X-GAP\n#EXTINF:2.00000,\nmain1/seg-2.m4s\n" in text


def test_a_step_in_the_numbers_is_a_discontinuity() -> None:
    first = SegmentEntry(1, 1, 2.0, 0.0, True, False, 0, 3.0, 9, False)
    segments = listed([first, replace(first, msn=5)])
    assert [segment.head.discontinuity for segment in segments] == [False, True]


@pytest.mark.service
async def test_an_event_that_ended_while_the_hub_was_down_gets_its_item(library: Library) -> None:
    await record(library.media_dir, EVENT, "main1")
    live = replace(EVENT, id="event2", state=EventState.LIVE)
    empty = replace(EVENT, id="event3")
    made = await library.recording.recover([EVENT, live, empty])
    assert [item.event_id for item in made] == ["event1"]
    assert read_index(library.media_dir / "event3" / "main1") == []


@pytest.mark.service
async def test_after_review_the_replay_is_hidden_until_it_is_published(library: Library) -> None:
    await record(library.media_dir, EVENT, "main1")
    item = await library.recording.event_ended(replace(EVENT, rules=Rules(replay="after_review")))
    assert item is not None
    assert item.state is ItemState.REVIEW
    playlist, media = f"/replay/{item.id}/index.m3u8", f"/replay/{item.id}/main1/seg-1.m4s"
    api = f"/api/v1/library/items/{item.id}"
    own = await library.client.get(media)
    assert (own.status, own.headers["Cache-Control"]) == (200, "private, no-store")
    library.reader.centers = frozenset()
    for path in (playlist, media, api):
        assert (await library.client.get(path)).status == 404
    assert (await library.client.post(f"{api}/publish")).status == 404
    library.reader.centers = frozenset({"center1"})
    library.reader.publisher = False
    assert (await library.client.post(f"{api}/publish")).status == 403
    library.reader.publisher = True
    published = await (await library.client.post(f"{api}/publish")).json()
    assert published["state"] == "published"
    again = await (await library.client.post(f"{api}/publish")).json()
    assert again["published_at"] == published["published_at"]
    library.reader.centers = frozenset()
    for path in (playlist, media):
        assert (await library.client.get(path)).status == 200


@pytest.mark.service
async def test_the_list_shows_ones_own_centers_only_and_is_searched_and_paged(library: Library) -> None:
    venue = ItemVenue("v", "v", True, 1.0, 1, 1, 0.0, 16, 16, "avc1")
    for number in range(5):
        center = "center1" if number < 4 else "center2"
        title = f"摇奖 (No. {number})"
        await library.catalog.insert(
            Item(f"i{number}", center, f"e{number}", title, "", None, ItemState.PUBLISHED, 5.0, 5.0, 1.0, 2.0, (venue,))
        )
    api = "/api/v1/library/items"
    seen: list[str] = []
    cursor = ""
    while True:
        page = await (await library.client.get(f"{api}?limit=2{cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["i3", "i2", "i1", "i0"]
    found = await (await library.client.get(api, params={"q": "(no. 2"})).json()
    assert [item["id"] for item in found["items"]] == ["i2"]
    found = await (await library.client.get(api, params={"event_id": "e1"})).json()
    assert [item["event_id"] for item in found["items"]] == ["e1"]
    assert (await library.client.get(f"{api}?cursor=nonsense")).status == 422
    assert (await library.client.get(f"{api}/i4")).status == 404
    library.reader.centers = None
    assert len((await (await library.client.get(api)).json())["items"]) == 5
    view = await (await library.client.get(f"{api}/i4")).json()
    assert view["hls_url"] == "https://live.example.cn/replay/i4/index.m3u8"
    assert view["page_url"] == "https://live.example.cn/r/i4"


@pytest.mark.service
@pytest.mark.parametrize("path", ["main1/index.jsonl", "main1/seg-99.m4s", "none1/seg-1.m4s", "main1/..%2fx"])
async def test_nothing_but_the_items_own_media_is_served(library: Library, path: str) -> None:
    await record(library.media_dir, EVENT, "main1")
    item = await library.recording.event_ended(EVENT)
    assert item is not None
    assert (await library.client.get(f"/replay/{item.id}/{path}")).status == 404
    assert (await library.client.get(f"/replay/{item.id}/index.m3u8?venue=none1")).status == 404


def test_an_item_survives_its_document() -> None:
    venue = ItemVenue("v", "主", True, 1.5, 10, 2, 0.5, 320, 180, "avc1.64001f,mp4a.40.2")
    item = Item("i", "c", "e", "t", "d", None, ItemState.REVIEW, 1.0, None, 2.0, 3.0, (venue,))
    assert from_document(to_document(item)) == item


@pytest.mark.service
@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "bm90IGEgbnVtYmVy"])
async def test_a_cursor_from_elsewhere_is_refused(catalog: Catalog, cursor: str) -> None:
    with pytest.raises(BadCursor):
        await catalog.page(None, cursor=cursor)
