"""A moderator's day: words, the queue, the pinned comment, hearts, mutes and bans, the journal; on real sockets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import pytest_asyncio

from config.ids import new_id
from tests.support.hub import Caller, InProcessHub
from tests.support.room import Phone, phone
from tests.support.waiting import eventually, eventually_async

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

API = "/api/v1"
EVERYBODY = {"anonymous_may": ["watch", "like", "comment"], "moderation": "post"}


class Desk:
    """A center with a moderator, and an event on air for each test."""

    def __init__(self, hub: InProcessHub, center: str, admin: Caller, moderator: Caller, secret: str) -> None:
        self.hub, self.center, self.admin, self.moderator, self.secret = hub, center, admin, moderator, secret

    async def event(self, **rules: object) -> str:
        event = await self.hub.event(self.admin, rules=EVERYBODY | rules)
        await self.admin.ok("POST", f"{API}/events/{event['id']}/start")
        return str(event["id"])

    async def words(self, *words: dict[str, str]) -> None:
        """Put words on the center's list, and wait until the hub goes by it."""
        await self.moderator.ok("POST", f"{API}/words/{self.center}", {"words": list(words)})

    async def queue(self, event: str, status: str = "held") -> list[dict[str, Any]]:
        page = await self.moderator.ok("GET", f"{API}/events/{event}/moderation/comments?status={status}")
        return list(page["items"])

    def token(self, subject: str) -> str:
        claims = {"iss": "app", "aud": self.center, "sub": subject, "exp": int(time.time()) + 200, "jti": new_id()}
        return jwt.encode(claims, self.secret, algorithm="HS256")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(hub: InProcessHub) -> AsyncIterator[Desk]:
    center = await hub.center("玉环融媒体中心")
    admin, moderator = await hub.crew(center, "center_admin"), await hub.crew(center, "moderator")
    made = await admin.ok("POST", f"{API}/centers/{center}/app-sign-on/secret")
    yield Desk(hub, center, admin, moderator, made["secret"])


def shown(viewer: Phone, text: str) -> bool:
    return any(item["type"] == "comment" and item["text"] == text for item in viewer.items)


async def test_listed_words_hold_or_refuse_and_people_decide(desk: Desk) -> None:
    await desk.words({"word": "刷单", "homophones": "yes"}, {"word": "赌博", "level": "refuse"})
    event = await desk.event()
    number = 0

    async def held() -> bool:
        nonlocal number
        number += 1
        async with phone(desk.hub, event, f"prober{number}") as prober:
            return bool((await prober.done("comment", text="来刷 单吧", client_id=f"p{number}"))["status"] == "held")

    await eventually_async(held, 30.0)
    async with phone(desk.hub, event, "speaker") as speaker, phone(desk.hub, event, "reader") as reader:
        assert await speaker.refused("comment", text="一起赌—博", client_id="1") == "refused_words"
        assert (await speaker.done("comment", text="灯会真好", client_id="2"))["status"] == "shown"
        waits = await speaker.done("comment", text="唰丹找我", client_id="3")
        assert waits["status"] == "held"
        [comment] = [one for one in await desk.queue(event) if one["id"] == waits["id"]]
        assert comment["held_for"] == ["word:刷单"]
        await desk.moderator.ok("POST", f"{API}/events/{event}/comments/approve", {"ids": [waits["id"]]})
        await eventually(lambda: shown(reader, "唰丹找我"), 30.0)
        removed = {"ids": [waits["id"]], "reason": "广告"}
        await desk.moderator.ok("POST", f"{API}/events/{event}/comments/reject", removed)
        gone = {"type": "comment_removed", "id": waits["id"]}
        await eventually(lambda: gone in reader.items, 30.0)
        [kept] = await desk.queue(event, "removed")
        assert (kept["reason"], kept["text"]) == ("广告", "唰丹找我")


async def test_the_same_request_again_is_answered_before_any_rule(desk: Desk) -> None:
    event = await desk.event()
    async with phone(desk.hub, event, "speaker") as speaker:
        first = await speaker.done("comment", text="只说一次", client_id="1")
        for _ in range(6):  # more than the pace allows, and the same words
            assert (await speaker.done("comment", text="只说一次", client_id="1"))["id"] == first["id"]
        refused = await speaker.call("comment", {"text": "只说一次！", "client_id": "2"})
        assert refused["error"]["code"] == "duplicate" and refused["error"]["retry_after"] > 0
        sanction = {"comment_id": first["id"], "kind": "mute", "minutes": 5}
        await desk.moderator.ok("POST", f"{API}/events/{event}/sanctions", sanction)
        assert (await speaker.done("comment", text="只说一次", client_id="1"))["id"] == first["id"]


async def test_slow_mode_tells_the_wait_and_is_switched_live(desk: Desk) -> None:
    event = await desk.event()
    async with phone(desk.hub, event, "speaker") as speaker:
        await desk.moderator.ok("PATCH", f"{API}/events/{event}/moderation", {"slow_seconds": 300})
        await speaker.done("comment", text="第一句", client_id="1")
        refused = await speaker.call("comment", {"text": "第二句", "client_id": "2"})
        assert refused["error"]["code"] == "slow_mode" and 0 < refused["error"]["retry_after"] <= 300
        await desk.moderator.ok("PATCH", f"{API}/events/{event}/moderation", {"slow_seconds": 0})
        await speaker.done("comment", text="第二句", client_id="2")


async def test_links_and_numbers_wait_for_a_person(desk: Desk) -> None:
    event = await desk.event()
    async with phone(desk.hub, event, "speaker") as speaker:
        assert (await speaker.done("comment", text="看 www.example.com", client_id="1"))["status"] == "held"
        assert (await speaker.done("comment", text="电话一三八 0013 八000", client_id="2"))["status"] == "held"
        assert (await speaker.done("comment", text="2026-10-01 国庆见", client_id="3"))["status"] == "shown"
    assert {tuple(one["held_for"]) for one in await desk.queue(event)} == {("rule:link",)}


async def test_hearts_and_the_pinned_comment_reach_everybody(desk: Desk) -> None:
    event = await desk.event()
    async with phone(desk.hub, event, "speaker") as speaker, phone(desk.hub, event, "reader") as reader:
        id_ = (await speaker.done("comment", text="置顶我", client_id="1"))["id"]
        for _ in range(3):
            assert (await reader.done("comment_like", comment_id=id_))["likes"] == 1
        assert (await speaker.done("comment_like", comment_id=id_))["likes"] == 2
        counted = {"type": "comment_likes", "counts": {id_: 2}}
        await eventually(lambda: counted in reader.items, 30.0)
        reply = await reader.done("comment", text="赞同", client_id="1", reply_to=id_)
        await desk.moderator.ok("POST", f"{API}/events/{event}/comments/pin", {"comment_id": id_})
        await eventually(lambda: any(item["type"] == "pinned" for item in reader.items), 30.0)
        snapshot = await desk.hub.stranger().ok("GET", f"{API}/events/{event}/snapshot")
        assert snapshot["pinned"]["id"] == id_
        listed = (await desk.hub.stranger().ok("GET", f"{API}/events/{event}/comments"))["items"]
        assert {one["id"]: (one["likes"], one["reply_to"]) for one in listed} == {
            id_: (2, None),
            reply["id"]: (0, id_),
        }
        await desk.moderator.ok("POST", f"{API}/events/{event}/comments/reject", {"ids": [id_]})
        unpinned = {"type": "pinned", "comment": None}
        await eventually(lambda: unpinned in reader.items, 30.0)
        assert await reader.refused("comment_like", comment_id=id_) == "no_such_comment"


async def test_a_ban_holds_on_a_new_device_with_the_same_account_and_in_every_event(desk: Desk) -> None:
    event, other = await desk.event(), await desk.event()
    async with phone(desk.hub, event, "old phone", app_token=desk.token("spammer")) as old:
        said = [await old.done("comment", text=f"广告{n}", client_id=str(n)) for n in range(2)]
        body = {"comment_id": said[0]["id"], "kind": "ban", "reason": "广告", "remove_comments": True}
        sanction = await desk.moderator.ok("POST", f"{API}/events/{event}/sanctions", body)
        assert await old.refused("comment", text="还在说", client_id="9") == "banned"
        removed = {one["id"] for one in await desk.queue(event, "removed")}
        assert removed == {one["id"] for one in said}
    async with phone(desk.hub, other, "new phone", app_token=desk.token("spammer")) as new:
        assert await new.refused("comment", text="我又来了", client_id="1") == "banned"
        listed = await desk.moderator.ok("GET", f"{API}/events/{other}/sanctions")
        assert [one["id"] for one in listed["items"]] == [sanction["id"]]
        await desk.moderator.ok("POST", f"{API}/events/{other}/sanctions/{sanction['id']}/lift")
        await new.done("comment", text="我又来了", client_id="1")


async def test_the_journal_names_who_did_what_and_is_whole(desk: Desk) -> None:
    event = await desk.event(moderation="pre")
    async with phone(desk.hub, event, "speaker") as speaker:
        ids = [(await speaker.done("comment", text=f"话{n}", client_id=str(n)))["id"] for n in range(3)]
    await desk.moderator.ok("POST", f"{API}/events/{event}/comments/approve", {"ids": ids[:2]})
    await desk.moderator.ok("POST", f"{API}/events/{event}/comments/reject", {"ids": ids[2:], "reason": "刷屏"})
    page = await desk.moderator.ok("GET", f"{API}/events/{event}/moderation/journal?limit=1")
    older = await desk.moderator.ok(
        "GET", f"{API}/events/{event}/moderation/journal?limit=1&cursor={page['next_cursor']}"
    )
    assert [(one["act"], one["reason"]) for one in page["items"] + older["items"]] == [
        ("remove", "刷屏"),
        ("approve", ""),
    ]
    checked = await desk.moderator.ok("GET", f"{API}/events/{event}/moderation/journal/check")
    assert checked == {"first_broken": None}
    figures = await desk.moderator.ok("GET", f"{API}/events/{event}/moderation")
    assert figures["counts"] == {"held": 0, "shown": 2, "removed": 1}


async def test_a_list_is_imported_whole_or_not_at_all(hub: InProcessHub) -> None:
    center = await hub.center("岱山融媒体中心")
    moderator = await hub.crew(center, "moderator")
    path = f"{API}/words/{center}"
    good = "词,处理\r\n网赌,拒绝\r\n刷单,hold,yes\r\n".encode("gb18030")
    assert (await moderator.ok("POST", f"{path}/import", data=good))["total"] == 2
    bad = await moderator("POST", f"{path}/import?mode=replace", data="好词\n坏词,没有\n".encode())
    assert bad.status == 422 and [error["loc"] for error in bad.json["errors"]] == ["2"]
    assert (await moderator.ok("GET", path))["total"] == 2
    exported = await moderator("GET", f"{path}/export")
    again = await moderator.ok("POST", f"{path}/import?mode=replace", data=exported.body)
    assert again["total"] == 2
    tried = await moderator.ok("POST", f"{path}/try", {"text": "一起网·賭"})
    assert [(word["word"], word["level"]) for word in tried["words"]] == [("网赌", "refuse")]
    assert (await moderator.ok("POST", f"{path}/remove", {"words": ["网赌"]}))["total"] == 1
    refused = await moderator("GET", f"{API}/words/platform")
    assert refused.status == 403
    assert (await hub.admin.ok("GET", f"{API}/words/platform"))["total"] == 0
