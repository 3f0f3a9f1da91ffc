"""Events over the API as the public surface promises them: making, changing while live, keys, life, pages, posters."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from config.ids import new_id
from tests.support.hub import Caller, InProcessHub
from tests.support.pictures import picture
from tests.support.rtmp_push import signed_on
from web.posters import MAX_UPLOAD_BYTES
from web.problems import TEXTS
from web.routing import MAX_JSON_BYTES

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

EVENTS = "/api/v1/events"
ID = re.compile(r"[0-9a-z]{16}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BODY = {"title": "国庆灯会", "venues": [{"name": "主会场", "main": True, "feeds": [{"name": "机位一"}]}]}


async def test_an_event_is_made_as_the_contract_says(hub: InProcessHub) -> None:
    body = {
        "title": "国庆灯会",
        "venues": [
            {"name": "分会场·广场", "feeds": [{"name": "丙"}, {"name": "甲"}, {"name": "乙"}]},
            {"name": "主会场", "main": True, "feeds": [{"name": "机位"}]},
            {"name": "分会场·剧院"},
        ],
    }
    answer = await hub.admin("POST", EVENTS, body)
    assert answer.status == 201 and answer.content_type == "application/json"
    event = answer.json
    assert ID.fullmatch(event["id"]) and event["center_id"] == hub.first_center
    assert (event["state"], event["description"], event["poster"], event["cut"]) == ("draft", "", None, False)
    assert event["rules"] == {
        "anonymous_may": ["watch", "like"],
        "moderation": "pre",
        "delay_seconds": 0,
        "replay": "at_end",
    }
    assert INSTANT.fullmatch(event["created_at"])
    assert (event["starts_at"], event["started_at"], event["ended_at"], event["replay_item_id"]) == (None,) * 4
    assert event["page_url"] == f"{hub.url}/e/{event['id']}"
    # children in the order they were sent
    assert [(venue["name"], venue["main"]) for venue in event["venues"]] == [
        ("分会场·广场", False),
        ("主会场", True),
        ("分会场·剧院", False),
    ]
    assert [feed["name"] for feed in event["venues"][0]["feeds"]] == ["丙", "甲", "乙"]
    ids = [node["id"] for venue in event["venues"] for node in (venue, *venue["feeds"])]
    assert all(ID.fullmatch(one) for one in ids) and len(set(ids)) == 7
    keys = set()
    for venue in event["venues"]:
        path = f"{hub.url}/live/{event['id']}/{venue['id']}"
        assert venue["play"] == {
            "hls_url": f"{path}/index.m3u8",
            "flv_url": f"{path}.flv",
            "whep_url": f"{hub.url}/whep/{event['id']}/{venue['id']}",
            "rtmp_url": f"rtmp://127.0.0.1:{hub.running.rtmp_port}/play/{event['id']}/{venue['id']}",
        }
        assert venue["program"] == {"feed_id": None, "chosen": False, "slate": False, "pending_feed_id": None}
        assert (venue["on_air"], venue["viewers"]) == (False, {"current": 0, "peak": 0, "unique": 0})
        for feed in venue["feeds"]:
            ingest = feed["ingest"]
            key = ingest["stream_key"]
            keys.add(key)
            server = f"rtmp://127.0.0.1:{hub.running.rtmp_port}/live"
            assert ingest == {
                "stream_key": key,
                "rtmp_server": server,
                "rtmp_url": f"{server}/{key}",
                "whip_url": f"{hub.url}/whip/{key}",
                "srt_url": f"srt://127.0.0.1:{hub.running.srt_port}?streamid=publish:{key}",
            }
            preview = f"{hub.url}/preview/{feed['id']}"
            assert feed["preview"] == {
                "jpg_url": f"{preview}.jpg",
                "flv_url": f"{preview}.flv",
                "rtmp_url": f"rtmp://127.0.0.1:{hub.running.rtmp_port}/play/feed/{feed['id']}",
            }
            assert feed["status"]["state"] == "idle" and feed["status"]["health"] == []
    assert len(keys) == 4 and all(re.fullmatch("[0-9a-z]{24}", key) for key in keys)
    assert await hub.admin.ok("GET", f"{EVENTS}/{event['id']}") == event


async def test_what_is_sent_is_kept(hub: InProcessHub) -> None:
    rules = {
        "anonymous_may": ["watch", "comment"],
        "moderation": "post",
        "delay_seconds": 7.5,
        "replay": "after_review",
    }
    sent = {
        "title": "  开幕式 ",
        "description": "第一行\n第二行 <b>",
        "starts_at": "2030-10-01T19:30:00+08:00",
        "poster": "https://img.example.cn/a.jpg",
        "rules": rules,
    }
    event = await hub.event(hub.admin, **sent)
    assert (event["title"], event["description"]) == ("开幕式", sent["description"])
    assert (event["state"], event["starts_at"]) == ("scheduled", "2030-10-01T11:30:00.000Z")
    assert (event["poster"], event["rules"]) == (sent["poster"], rules)


@pytest.mark.parametrize(
    ("change", "loc"),
    [
        ({"title": ""}, "title"),
        ({"title": "   "}, "title"),
        ({"title": "字" * 81}, "title"),
        ({"title": None}, "title"),
        ({"titel": "x"}, "titel"),
        ({"venues": []}, "venues"),
        ({"venues": [{"name": "一", "main": False}]}, ""),
        ({"venues": [{"name": "一", "main": True}, {"name": "二", "main": True}]}, ""),
        ({"venues": [{"name": "", "main": True}]}, "venues.0.name"),
        ({"venues": [{"name": "一", "main": True, "feeds": [{}]}]}, "venues.0.feeds.0.name"),
        ({"venues": [{"name": "一", "main": True, "feeds": [{"name": "机"}] * 17}]}, "venues.0.feeds"),
        ({"venues": [{"name": "一", "main": n == 0} for n in range(33)]}, "venues"),
        ({"rules": {"anonymous_may": ["fly"]}}, "rules.anonymous_may.0"),
        ({"rules": {"moderation": "none"}}, "rules.moderation"),
        ({"rules": {"delay_seconds": -1}}, "rules.delay_seconds"),
        ({"rules": {"delay_seconds": 601}}, "rules.delay_seconds"),
        ({"starts_at": "2030-10-01T19:30:00"}, "starts_at"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:59-14:00"}, "starts_at"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_place(hub: InProcessHub, change: dict[str, Any], loc: str) -> None:
    answer = await hub.admin("POST", EVENTS, {**BODY, **change})
    assert (answer.status, answer.content_type) == (422, "application/problem+json")
    assert answer.json["code"] == "invalid" and answer.json["errors"][0]["loc"] == loc


async def test_a_center_that_is_not_there_gets_no_event(hub: InProcessHub) -> None:
    assert (await hub.admin("POST", EVENTS, {**BODY, "center_id": new_id()})).status == 404


async def test_in_two_centers_one_has_to_be_named(hub: InProcessHub) -> None:
    first, second = await hub.center(), await hub.center("山南")
    director = await hub.crew(first, "director")
    who = (await director.ok("GET", "/api/v1/auth/me"))["id"]
    assert (await hub.event(director))["center_id"] == first
    await hub.admin.ok("PATCH", f"/api/v1/crew/{who}", {"center_id": second, "roles": ["director"]})
    unnamed = await director("POST", EVENTS, BODY)
    assert (unnamed.status, unnamed.json["errors"][0]["loc"]) == (422, "center_id")
    assert (await hub.event(director, center_id=second))["center_id"] == second


async def test_everything_can_be_changed_while_live(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    path, (main, branch) = f"{EVENTS}/{event['id']}", event["venues"]
    await hub.admin.ok("POST", f"{path}/start")
    changed = await hub.admin.ok("PATCH", path, {"title": "新名字", "rules": {"moderation": "post"}})
    assert (changed["title"], changed["state"]) == ("新名字", "live")
    assert changed["rules"] == {**event["rules"], "moderation": "post"}, "what is not sent stays"
    snapshot = await hub.stranger().ok("GET", f"{path}/snapshot")
    assert snapshot["event"]["moderation"] == "post" or snapshot["seq"] == 0
    added = await hub.admin("POST", f"{path}/venues", {"name": "剧院", "feeds": [{"name": "机位"}]})
    assert added.status == 201 and added.json["venues"][2]["name"] == "剧院"
    theatre = added.json["venues"][2]["id"]
    assert added.json["venues"][2]["feeds"][0]["ingest"]["stream_key"]
    renamed = await hub.admin.ok("PATCH", f"{path}/venues/{branch['id']}", {"name": "广场"})
    assert [venue["name"] for venue in renamed["venues"]] == ["主会场", "广场", "剧院"]
    fed = await hub.admin("POST", f"{path}/venues/{theatre}/feeds", {"name": "游机"})
    assert fed.status == 201 and [feed["name"] for feed in fed.json["venues"][2]["feeds"]] == ["机位", "游机"]
    feed = main["feeds"][0]["id"]
    named = await hub.admin.ok("PATCH", f"/api/v1/feeds/{feed}", {"name": "摇臂"})
    assert named["venues"][0]["feeds"][0] == {**main["feeds"][0], "name": "摇臂"}, "its key and id stay"
    without = await hub.admin.ok("DELETE", f"/api/v1/feeds/{feed}")
    assert [one["name"] for one in without["venues"][0]["feeds"]] == ["机位二"]
    left = await hub.admin.ok("DELETE", f"{path}/venues/{theatre}")
    assert [venue["name"] for venue in left["venues"]] == ["主会场", "广场"]
    refused = await hub.admin("DELETE", f"{path}/venues/{main['id']}")
    assert (refused.status, refused.json["code"]) == (409, "main_venue_stays")
    await hub.admin.ok("POST", f"{path}/end")


async def test_edits_of_different_parts_at_once_all_stay(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    path = f"{EVENTS}/{event['id']}"
    await asyncio.gather(
        hub.admin.ok("PATCH", path, {"title": "同时"}),
        hub.admin.ok("PATCH", path, {"description": "也同时"}),
        hub.admin.ok("POST", f"{path}/venues", {"name": "新会场"}),
    )
    now = await hub.admin.ok("GET", path)
    assert (now["title"], now["description"], len(now["venues"])) == ("同时", "也同时", 3)


async def test_a_time_schedules_a_draft_and_its_removal_brings_it_back(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    path = f"{EVENTS}/{event['id']}"
    assert (await hub.admin.ok("PATCH", path, {"starts_at": "2030-01-01T00:00:00Z"}))["state"] == "scheduled"
    assert (await hub.admin.ok("PATCH", path, {"title": "x"}))["starts_at"] == "2030-01-01T00:00:00.000Z"
    assert (await hub.admin.ok("PATCH", path, {"starts_at": None}))["state"] == "draft"


async def test_a_venue_or_feed_that_is_not_there(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    path = f"{EVENTS}/{event['id']}/venues/{new_id()}"
    tried = [
        await hub.admin("PATCH", path, {"name": "x"}),
        await hub.admin("PATCH", path, {}),
        await hub.admin("DELETE", path),
        await hub.admin("POST", f"{path}/feeds", {"name": "x"}),
        await hub.admin("POST", f"{path}/program", {"slate": True}),
        await hub.admin("PATCH", f"/api/v1/feeds/{new_id()}", {"name": "x"}),
        await hub.admin("POST", f"/api/v1/feeds/{new_id()}/rotate-key"),
    ]
    assert [(answer.status, answer.json["code"]) for answer in tried] == [(404, "not_found")] * len(tried)


# Life


async def test_start_and_end_are_idempotent_and_need_no_picture(hub: InProcessHub) -> None:
    for starts_at in (None, "2030-01-01T00:00:00Z"):
        event = await hub.event(hub.admin, starts_at=starts_at)
        path = f"{EVENTS}/{event['id']}"
        early = await hub.admin("POST", f"{path}/end")
        assert (early.status, early.json["code"]) == (409, "wrong_state")
        started = await hub.admin.ok("POST", f"{path}/start")
        assert started["state"] == "live" and INSTANT.fullmatch(started["started_at"])
        again = await hub.admin.ok("POST", f"{path}/start")
        assert (again["state"], again["started_at"]) == ("live", started["started_at"])
        ended = await hub.admin.ok("POST", f"{path}/end")
        assert ended["state"] == "ended"
        repeated = await hub.admin.ok("POST", f"{path}/end")
        assert repeated["ended_at"] == ended["ended_at"]
        late = await hub.admin("POST", f"{path}/start")
        assert (late.status, late.json["code"]) == (409, "wrong_state")
        assert (await hub.admin.ok("POST", f"{path}/archive"))["state"] == "archived"
        assert (await hub.admin.ok("POST", f"{path}/archive"))["state"] == "archived"


async def test_the_red_key_and_the_way_back(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    path = f"{EVENTS}/{event['id']}"
    assert (await hub.admin("POST", f"{path}/cut")).json["code"] == "wrong_state"
    await hub.admin.ok("POST", f"{path}/start")
    assert (await hub.admin.ok("POST", f"{path}/cut"))["cut"]
    assert (await hub.admin.ok("POST", f"{path}/cut"))["cut"]
    venue = event["venues"][0]
    choice = await hub.admin("POST", f"{path}/venues/{venue['id']}/program", {"slate": True})
    assert (choice.status, choice.json["code"]) == (409, "event_is_cut")
    assert not (await hub.admin.ok("POST", f"{path}/resume"))["cut"]
    assert not (await hub.admin.ok("POST", f"{path}/resume"))["cut"]
    acts = [entry["act"] async for entry in hub.database["audit"].find({"target": event["id"]}).sort("at", 1)]
    assert acts == ["create_event", "start_event", "cut", "cut", "resume", "resume"], "every press is logged"
    await hub.admin.ok("POST", f"{path}/end")


@pytest.mark.parametrize("body", [{}, {"slate": False}, {"feed_id": "x", "slate": True}, {"feed_id": None}])
async def test_the_program_is_one_choice(hub: InProcessHub, body: dict[str, object]) -> None:
    event = await hub.event(hub.admin)
    path = f"{EVENTS}/{event['id']}/venues/main/program"
    assert (await hub.admin("POST", path, body)).json["code"] == "invalid"


async def test_a_feed_without_a_picture_does_not_go_on_air(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    path, feed = f"{EVENTS}/{event['id']}", event["venues"][0]["feeds"][0]["id"]
    program = f"{path}/venues/main/program"
    assert (await hub.admin("POST", program, {"feed_id": feed})).json["code"] == "wrong_state"
    await hub.admin.ok("POST", f"{path}/start")
    refused = await hub.admin("POST", program, {"feed_id": feed})
    assert (refused.status, refused.json["code"]) == (409, "feed_has_no_picture")
    elsewhere = event["venues"][1]["feeds"][0]["id"]
    assert (await hub.admin("POST", program, {"feed_id": elsewhere})).status == 404, "a feed of another venue"
    assert (await hub.admin.ok("POST", program, {"slate": True}))["venues"][0]["program"]["chosen"]
    await hub.admin.ok("POST", f"{path}/end")


# Keys


async def test_a_rotated_key_ends_the_session_and_opens_no_other(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    feed = event["venues"][0]["feeds"][0]
    port, old = hub.running.rtmp_port, feed["ingest"]["stream_key"]
    async with signed_on(port, old) as encoder:
        assert encoder.accepted, "pushes are accepted before the start"
        live = await hub.admin.ok("GET", f"{EVENTS}/{event['id']}")
        assert live["venues"][0]["feeds"][0]["status"]["state"] == "live"
        rotated = await hub.admin.ok("POST", f"/api/v1/feeds/{feed['id']}/rotate-key")
        await encoder.closed()
    new = rotated["venues"][0]["feeds"][0]["ingest"]["stream_key"]
    assert new != old
    assert rotated["venues"][0]["feeds"][1] == event["venues"][0]["feeds"][1], "the others keep theirs"
    async with signed_on(port, old) as encoder:
        stale = encoder.refusal
    async with signed_on(port, "0" * 24) as encoder:
        assert stale is not None and encoder.refusal == stale, "an old key is one that never was"
    async with signed_on(port, new) as encoder:
        assert encoder.accepted


async def test_a_revoked_key_ends_the_session_until_one_is_rotated_in(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    feeds = [feed for venue in event["venues"] for feed in venue["feeds"]]
    port = hub.running.rtmp_port
    async with signed_on(port, feeds[0]["ingest"]["stream_key"]) as encoder:
        assert encoder.accepted
        await hub.admin.ok("POST", f"/api/v1/feeds/{feeds[0]['id']}/revoke-key")
        await encoder.closed()
    for feed in feeds[1:]:
        revoked = await hub.admin.ok("POST", f"/api/v1/feeds/{feed['id']}/revoke-key")
    ingests = [feed["ingest"] for venue in revoked["venues"] for feed in venue["feeds"]]
    assert [ingest["stream_key"] for ingest in ingests] == [""] * 3
    for key in ("", feeds[0]["ingest"]["stream_key"]):
        async with signed_on(port, key) as encoder:
            assert not encoder.accepted
    rotated = await hub.admin.ok("POST", f"/api/v1/feeds/{feeds[0]['id']}/rotate-key")
    async with signed_on(port, rotated["venues"][0]["feeds"][0]["ingest"]["stream_key"]) as encoder:
        assert encoder.accepted


async def test_a_removed_feed_and_an_ended_event_end_the_session(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    first, second = event["venues"][0]["feeds"]
    path, port = f"{EVENTS}/{event['id']}", hub.running.rtmp_port
    await hub.admin.ok("POST", f"{path}/start")
    async with signed_on(port, first["ingest"]["stream_key"]) as encoder:
        await hub.admin.ok("DELETE", f"/api/v1/feeds/{first['id']}")
        await encoder.closed()
    async with signed_on(port, second["ingest"]["stream_key"]) as encoder:
        assert encoder.accepted
        await hub.admin.ok("POST", f"{path}/end")
        await encoder.closed()
    async with signed_on(port, second["ingest"]["stream_key"]) as encoder:
        assert encoder.refusal is not None and "ended" in encoder.refusal


# Lists


async def pages(caller: Caller, query: str) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = ""
    while True:
        page = await caller.ok("GET", f"{EVENTS}?{query}{cursor}")
        found.append([event["id"] for event in page["items"]])
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={quote(page['next_cursor'])}"


async def test_pages_meet_without_a_double_or_a_hole_while_items_are_added(hub: InProcessHub) -> None:
    director = await hub.crew(await hub.center(), "director")
    made = [(await hub.event(director))["id"] for _ in range(5)]
    assert await pages(director, "limit=2") == [made[:-3:-1], made[2:0:-1], made[:1]]
    assert await pages(director, "limit=5") == [made[::-1]], "a full last page has no next one"
    first = await director.ok("GET", f"{EVENTS}?limit=2")
    await hub.event(director)
    rest = await pages(director, f"limit=200&cursor={quote(first['next_cursor'])}")
    assert [event["id"] for event in first["items"]] + rest[0] == made[::-1]


async def test_an_empty_list_has_no_next_page(hub: InProcessHub) -> None:
    director = await hub.crew(await hub.center(), "director")
    for path in (EVENTS, "/api/v1/library/items"):
        assert await director.ok("GET", path) == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("path", [EVENTS, "/api/v1/library/items", "{event}/comments", "{event}/comments/held"])
async def test_limits_are_1_to_200_and_cursors_ours(hub: InProcessHub, path: str) -> None:
    event = await hub.event(hub.admin, starts_at="2030-01-01T00:00:00Z")
    path = path.replace("{event}", f"{EVENTS}/{event['id']}")
    for limit in ("1", "200"):
        assert (await hub.admin("GET", f"{path}?limit={limit}")).status == 200
    for limit in ("0", "201", "-1", "x", "1.5", "", "1e2"):
        refused = await hub.admin("GET", f"{path}?limit={limit}")
        assert (refused.status, refused.json["errors"][0]["loc"]) == (422, "limit"), limit
    broken = ["x", "W10=", "bnVsbA==", "WzFlNDAwLCJ4Il0=", "é", "[" * 199]
    broken += ["WyJhIiwgImIiXQ==", "Wzk5OSwgIlx1ZDgwMCJd", "W3siYSI6MX0sIDFd", quote("W1tbW1tbW1tbW1tb")]
    for cursor in broken:
        answer = await hub.admin("GET", f"{path}?cursor={quote(cursor)}")
        assert answer.status in (200, 422), (cursor, answer.body)
    assert (await hub.admin("GET", f"{path}?cursor=nonsense")).json["code"] == "bad_cursor"
    assert (await hub.admin("GET", f"{path}?colour=red")).json["code"] == "invalid"


async def test_a_list_by_state_and_center(hub: InProcessHub) -> None:
    center = await hub.center()
    director = await hub.crew(center, "director")
    draft, live = await hub.event(director), await hub.event(director)
    await director.ok("POST", f"{EVENTS}/{live['id']}/start")
    assert await pages(director, "state=live") == [[live["id"]]]
    assert await pages(director, f"state=draft&center_id={center}") == [[draft["id"]]]
    assert (await director("GET", f"{EVENTS}?state=gone")).status == 422
    summary = (await director.ok("GET", f"{EVENTS}?state=live"))["items"][0]
    assert (summary["venue_count"], summary["page_url"]) == (2, f"{hub.url}/e/{live['id']}")
    await director.ok("POST", f"{EVENTS}/{live['id']}/end")


# Problems


@pytest.mark.parametrize(
    ("accept", "chinese"),
    [("zh-CN,zh;q=0.9", True), ("en-US,en;q=0.9", False), ("", True), ("fr", True), ("en;q=0.5, zh;q=0.9", True)],
)
async def test_problems_speak_the_readers_language(hub: InProcessHub, accept: str, chinese: bool) -> None:
    headers = {"Accept-Language": accept}
    for method, path, body, code in (
        ("GET", f"{EVENTS}/{new_id()}", None, "not_found"),
        ("POST", EVENTS, {}, "invalid"),
        ("DELETE", EVENTS, None, "method_not_allowed"),
    ):
        answer = await hub.admin(method, path, body, headers=headers)
        assert answer.content_type == "application/problem+json"
        assert answer.json["title"] == TEXTS[code][0 if chinese else 1]
        assert answer.json["type"] == f"urn:venuecast:problem:{code}" and answer.json["status"] == answer.status


async def test_what_is_wrong_with_a_field_is_said_in_the_readers_language(hub: InProcessHub) -> None:
    body = {**BODY, "title": "字" * 81, "colour": 1, "starts_at": "x", "venues": [{"main": True}]}
    wanted = {"title", "colour", "starts_at", "venues.0.name"}
    for language, chinese in (("zh-CN", True), ("en", False)):
        answer = await hub.admin("POST", EVENTS, body, headers={"Accept-Language": language})
        errors = {error["loc"]: error["msg"] for error in answer.json["errors"]}
        assert errors.keys() == wanted
        for loc, message in errors.items():
            assert bool(re.search("[一-鿿]", message)) == chinese, (loc, message)
        assert "80" in errors["title"]


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"title": ' + b"1" * 5000 + b"}", b"nul"])
async def test_a_body_that_is_no_json(hub: InProcessHub, raw: bytes) -> None:
    answer = await hub.admin("POST", EVENTS, data=raw)
    assert (answer.status, answer.json["code"]) == (400, "bad_json")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large(hub: InProcessHub, chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(MAX_JSON_BYTES // 65_536 + 1):
            yield b" " * 65_536

    answer = await hub.admin("POST", EVENTS, data=pieces() if chunked else io.BytesIO(bytes(MAX_JSON_BYTES + 1)))
    assert (answer.status, answer.json["code"]) == (413, "too_large")


# Posters


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("kind", "mode", "size"),
    [("PNG", "RGBA", (300, 900)), ("JPEG", "CMYK", (1920, 1080)), ("WEBP", "RGB", (64, 64)), ("PNG", "1", (1, 1))],
)
async def test_a_picture_becomes_a_wide_and_a_square_poster(
    hub: InProcessHub, kind: str, mode: str, size: tuple[int, int]
) -> None:
    event = await hub.event(hub.admin, starts_at="2030-01-01T00:00:00Z")
    path, stranger = f"{EVENTS}/{event['id']}", hub.stranger()
    posted = await hub.admin.ok("POST", f"{path}/poster", data=picture(kind, size, mode))
    for name, expected in (("poster", (1280, 720)), ("square", (600, 600))):
        assert posted[name].startswith(f"{hub.url}/posters/")
        file = await stranger("GET", posted[name].removeprefix(hub.url))
        assert (file.content_type, opened(file.body).format, opened(file.body).size) == ("image/jpeg", "JPEG", expected)
        assert "immutable" in file.headers["cache-control"]
    assert (await hub.admin.ok("GET", path))["poster"] == posted["poster"]
    page = (await stranger("GET", f"/e/{event['id']}")).body.decode()
    assert f'<meta property="og:image" content="{posted["poster"]}">' in page
    assert f'<meta itemprop="image" content="{posted["square"]}">' in page, "WeChat's card is square"


async def test_a_new_poster_has_a_new_name(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    path = f"{EVENTS}/{event['id']}/poster"
    first, second = [await hub.admin.ok("POST", path, data=picture()) for _ in range(2)]
    assert first["poster"] != second["poster"]
    assert (await hub.stranger()("GET", first["poster"].removeprefix(hub.url))).status == 200


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "bad_picture"),
        (b"not a picture", 422, "bad_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "bad_picture"),
        (picture()[:60], 422, "bad_picture"),
        (picture("GIF"), 422, "bad_picture"),
        (picture("PNG", (8000, 6300), "1"), 413, "too_large"),
        (bytes(MAX_UPLOAD_BYTES + 1), 413, "too_large"),
    ],
    ids=["empty", "text", "svg", "cut off", "gif", "too many pixels", "too many bytes"],
)
async def test_what_is_no_poster(hub: InProcessHub, data: bytes, status: int, code: str) -> None:
    event = await hub.event(hub.admin)
    answer = await hub.admin("POST", f"{EVENTS}/{event['id']}/poster", data=io.BytesIO(data))
    assert (answer.status, answer.json["code"]) == (status, code)
    assert (await hub.admin.ok("GET", f"{EVENTS}/{event['id']}"))["poster"] is None


@pytest.mark.parametrize("name", ["none", "..%2f..%2ftoken", "%2e%2e", "A" * 16, "0" * 16, "0" * 16 + "-square"])
async def test_only_posters_are_served_there(hub: InProcessHub, name: str) -> None:
    assert (await hub.stranger()("GET", f"/posters/{name}.jpg")).status == 404
