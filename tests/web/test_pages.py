"""The pages: what their HTML carries, share previews, headers, compression, and what is not there."""

from __future__ import annotations

import gzip
import html
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from config.ids import new_id
from recorder.catalog import Catalog, Item, ItemState, ItemVenue
from tests.support.hub import Answer, InProcessHub

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

FRONTEND = Path(__file__).parents[2] / "web" / "frontend"
LATER = "2030-10-01T11:30:00Z"


def embedded(answer: Answer) -> Any:
    """The data in the page's HTML, as its script reads it."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', answer.body.decode(), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def meta(answer: Answer) -> dict[str, str]:
    tags = re.findall(r'<meta (?:property|name|itemprop)="([^"]+)" content="([^"]*)">', answer.body.decode())
    return {name: html.unescape(content) for name, content in tags}


async def test_an_audience_page_carries_its_event(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin, starts_at=LATER, description="晚上见\n不见不散")
    answer = await hub.stranger()("GET", f"/e/{event['id']}")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["referrer-policy"] == "no-referrer", "no Referer carries a token"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    data = embedded(answer)
    assert (data["id"], data["title"], data["state"]) == (event["id"], "国庆灯会", "scheduled")
    assert [venue["name"] for venue in data["venues"]] == ["主会场", "分会场"]
    assert data["center"] == {"name": "融媒体中心", "accent": "#1f6feb"}
    assert data["replay_url"] is None and not data["cut"]
    served = await hub.stranger().ok("GET", f"/api/v1/events/{event['id']}/page")
    assert {**served, "now": None} == {**data, "now": None}
    preview = meta(answer)
    assert (preview["og:title"], preview["og:description"]) == ("国庆灯会", "晚上见 不见不散")
    assert preview["og:url"] == f"{hub.url}/e/{event['id']}"


async def test_words_of_the_crew_do_not_become_markup(hub: InProcessHub) -> None:
    nasty = '"><script>alert(1)</script></title>&amp;'
    event = await hub.event(hub.admin, starts_at=LATER, title=nasty, description=f"{nasty}<!--data-->")
    answer = await hub.stranger()("GET", f"/e/{event['id']}")
    text = answer.body.decode()
    assert text.count("<script") == 1 and "alert(1)</script>" not in text
    assert embedded(answer)["title"] == nasty and meta(answer)["og:title"] == nasty


async def test_a_poster_from_outside_is_the_preview_as_it_is(hub: InProcessHub) -> None:
    poster = "https://img.example.cn/a.jpg?w=1&h=2"
    event = await hub.event(hub.admin, starts_at=LATER, poster=poster)
    preview = meta(await hub.stranger()("GET", f"/e/{event['id']}"))
    assert preview["og:image"] == preview["image"] == poster


@pytest.mark.parametrize(("accept", "lang", "title"), [("zh-CN", "zh-CN", "没有找到"), ("en", "en", "Not found")])
async def test_a_page_that_is_not_there_says_so(hub: InProcessHub, accept: str, lang: str, title: str) -> None:
    for path in (f"/e/{new_id()}", f"/r/{new_id()}"):
        answer = await hub.stranger()("GET", path, headers={"Accept-Language": accept})
        assert (answer.status, embedded(answer)) == (404, {"missing": True})
        assert f'<html lang="{lang}">' in answer.body.decode()
        assert f"<title>{title}</title>" in answer.body.decode()


async def test_pages_are_compressed_for_who_takes_it(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin, starts_at=LATER)
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        for path in (f"/e/{event['id']}", "/console/", "/assets/main-1a2b.js"):
            sizes = []
            for encoding in ("gzip", "identity"):
                async with session.get(hub.url + path, headers={"Accept-Encoding": encoding}) as response:
                    body = await response.read()
                    assert "Accept-Encoding" in response.headers["Vary"]
                    gzipped = response.headers.get("Content-Encoding") == "gzip"
                    assert gzipped == (encoding == "gzip")
                    sizes.append((len(body), len(gzip.decompress(body) if gzipped else body)))
            assert sizes[0][0] < sizes[1][0] and sizes[0][1] == pytest.approx(sizes[1][1], abs=8)


async def test_assets_keep_for_a_year_under_their_type(hub: InProcessHub) -> None:
    stranger = hub.stranger()
    for path, kind in (("/assets/main-1a2b.js", "text/javascript"), ("/assets/logo-3c4d.png", "image/png")):
        answer = await stranger("GET", path)
        assert (answer.status, answer.content_type) == (200, kind)
        assert "immutable" in answer.headers["cache-control"] and answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["none.js", "../console.html", "%2e%2e/console.html", "..%2fconsole.html", "a/b/c"])
async def test_nothing_but_assets_is_served_there(hub: InProcessHub, path: str) -> None:
    async with hub.session.get(URL(f"{hub.url}/assets/{path}", encoded=True)) as response:
        assert response.status == 404


async def test_the_console_answers_on_all_its_paths(hub: InProcessHub) -> None:
    stranger = hub.stranger()
    for path in ("/console/", "/console/events/x/director"):
        answer = await stranger("GET", path)
        assert answer.status == 200 and b"console" in answer.body and embedded(answer) is None
    for path in ("/", "/console"):
        answer = await stranger("GET", path)
        assert (answer.status, answer.headers["location"]) == (302, "/console/")


def recorded(state: ItemState) -> Item:
    venue = ItemVenue(new_id(), "主会场", True, 60.5, 1_000, 10, 0.0, 1280, 720, "avc1.64001f,mp4a.40.2")
    return Item(
        new_id(),
        new_id(),
        new_id(),
        "灯会</title>",
        "回放",
        "/posters/0a.jpg",
        state,
        1.0,
        2.0,
        1_800_000_000.0,
        None,
        (venue,),
    )


async def test_a_replay_page_is_there_once_it_is_published(hub: InProcessHub) -> None:
    catalog, stranger = Catalog(hub.database), hub.stranger()
    published, held = recorded(ItemState.PUBLISHED), recorded(ItemState.REVIEW)
    await catalog.insert(published)
    await catalog.insert(held)
    answer = await stranger("GET", f"/r/{published.id}")
    data = embedded(answer)
    assert (answer.status, data["title"], data["duration"]) == (200, "灯会</title>", 60.5)
    venue = published.venues[0].id
    assert data["venues"][0]["hls_url"] == f"{hub.url}/replay/{published.id}/index.m3u8?venue={venue}"
    assert meta(answer)["og:title"] == "灯会</title>" and "<title>灯会&lt;/title&gt;</title>" in answer.body.decode()
    assert meta(answer)["og:url"] == f"{hub.url}/r/{published.id}"
    assert meta(answer)["og:image"] == f"{hub.url}/posters/0a.jpg"
    assert meta(answer)["image"] == f"{hub.url}/posters/0a-square.jpg"
    assert (await stranger("GET", f"/r/{held.id}")).status == 404
    listed = await hub.admin.ok("GET", f"/api/v1/library/items?event_id={published.event_id}")
    assert listed["items"][0]["poster"] == f"{hub.url}/posters/0a.jpg", "addresses in answers are absolute"


@pytest.mark.parametrize("name", ["audience", "console", "replay"])
async def test_the_real_pages_have_the_marks_that_are_filled(name: str) -> None:
    source = (FRONTEND / f"{name}.html").read_text("utf-8")
    for mark in ("<!--head-->", "<!--data-->", 'lang="zh-CN"'):
        assert source.count(mark) == 1, mark
