"""Nobody sees or guesses what belongs to another center: every route and socket event of the running app has a case.

What a case claims is tried by everybody: strangers, each role of another center, each role of the own one. An id that
belongs to another center and an id that never was are answered alike, byte for byte.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jwt
import pytest
import pytest_asyncio
import socketio

from config.ids import new_id
from tests.support.hub import Answer, Caller, InProcessHub
from tests.support.hub_process import encoder
from tests.support.pictures import picture
from tests.support.waiting import eventually_async
from web.accounts.model import Role

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

Route = tuple[str, str]

ADMIN = {Role.CENTER_ADMIN}
DIRECTORS = ADMIN | {Role.DIRECTOR}
MAKERS = DIRECTORS | {Role.OPERATOR}
REVIEWERS = DIRECTORS | {Role.MODERATOR, Role.OPERATOR}
PUBLISHERS = ADMIN | {Role.EDITOR}
ALL_BUT_VIEWERS = set(Role) - {Role.VIEWER}
EVERYBODY = set(Role)
VIEWERS = frozenset({Role.VIEWER})
NO_ADMINS = frozenset(EVERYBODY - ADMIN)

API = "/api/v1"
EVENT, FEED = f"{API}/events/{{event_id}}", f"{API}/feeds/{{feed_id}}"
VENUE = f"{EVENT}/venues/{{venue_id}}"
CENTER = f"{API}/centers/{{center_id}}"
ACTIVITY = f"{API}/activities/{{activity_id}}"
WORDS, CENTER = f"{API}/words/{{owner}}", f"{API}/centers/{{center_id}}"
VOTE = {"kind": "vote", "title": "最喜欢的花灯", "options": [{"text": "鲤鱼灯"}, {"text": "走马灯"}]}
QUIZ = {
    "kind": "quiz",
    "title": "消防知识",
    "mode": "elimination",
    "begin": "by_hand",
    "questions": [{"text": "火警电话是？", "options": [{"text": "119", "correct": True}, {"text": "120"}]}],
}
LOTTERY = {"kind": "lottery", "title": "抽奖", "pool": "import", "prizes": [{"name": "雨伞"}], "outside": "witness"}
LOTTERY |= {"outside_source": "现场观众报数"}
CLAIM = {"winner_id": "none:0", "name": "张三", "phone": "13800001234"}
LIST = "发票号码,姓名\n1,张三\n2,李四\n".encode()
LOTTERY_COMMANDS = {"pool", "winners.csv", "winners.xlsx", "given", "forfeit"}
QUIZ_COMMANDS = {"ask", "reveal", "revive", "leaderboard"}
ITEM, CREW = f"{API}/library/items/{{item_id}}", f"{API}/crew/{{crew_id}}"
LIVE = "/live/{event_id}/{venue_id}"


@dataclass(frozen=True)
class Owned:
    """Belongs to a center: 401 for strangers, 404 for other centers, 403 for its own crew without the role."""

    allowed: set[Role]
    body: dict[str, Any] | None = None
    hidden: frozenset[Role] = frozenset()
    """Roles of its own center that do not even see that it is there: 404."""


@dataclass(frozen=True)
class Audience:
    """For everybody once the event is out of its draft; a draft's answers are those of an event that never was.

    Who asks makes no difference, and nothing of the crew's stands in it.
    """

    body: dict[str, Any] | None = None
    status: int = 200


@dataclass(frozen=True)
class Replay:
    """A replay: for everybody when published, before that for the crew that reviews it."""

    status: int = 200


@dataclass(frozen=True)
class Listing:
    """A list of the caller's own centers, for these roles."""

    allowed: set[Role] = field(default_factory=lambda: EVERYBODY)
    filters: tuple[str, ...] = ()
    """Query parameters that name something that may be another center's."""


@dataclass(frozen=True)
class Into:
    """Makes something in the center that the body names."""

    allowed: set[Role]
    body: dict[str, Any]


@dataclass(frozen=True)
class Platform:
    """For the platform's administrator alone."""

    body: dict[str, Any]


@dataclass(frozen=True)
class Own:
    """Concerns the caller's own account or the installation: signed in, any role."""

    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class Open:
    """The same for everybody, and holds nothing of any center."""

    statuses: tuple[int, ...] = (200,)
    path: str | None = None
    body: dict[str, Any] | None = None


Case = Owned | Audience | Replay | Listing | Into | Platform | Own | Open

CASES: dict[Route, Case] = {
    # sign-in
    ("POST", f"{API}/auth/login"): Open((401,), body={"username": "nobody-at-all", "password": "wrong"}),
    ("POST", f"{API}/auth/token"): Own(),
    ("POST", f"{API}/auth/logout"): Own(),
    ("POST", f"{API}/auth/logout-everywhere"): Own(),
    ("GET", f"{API}/auth/me"): Own(),
    ("POST", f"{API}/auth/password"): Own({"current": "not the password", "password": "another password"}),
    # centers and crew
    ("GET", f"{API}/centers"): Listing(),
    ("POST", f"{API}/centers"): Platform({"name": "江南"}),
    ("PATCH", f"{API}/centers/{{center_id}}"): Owned(ADMIN, {"name": "改名"}),
    ("GET", f"{API}/crew"): Listing(ADMIN),
    ("POST", f"{API}/crew"): Into(ADMIN, {"username": "{new}", "name": "新人", "roles": ["editor"]}),
    ("PATCH", CREW): Owned(ADMIN, {"name": "改名"}, hidden=NO_ADMINS),
    ("POST", f"{CREW}/reset-password"): Owned(ADMIN, hidden=NO_ADMINS),
    ("POST", f"{CREW}/sign-out"): Owned(ADMIN, hidden=NO_ADMINS),
    # events
    ("GET", f"{API}/events"): Listing(filters=("center_id",)),
    ("POST", f"{API}/events"): Into(MAKERS, {"title": "新活动", "venues": [{"name": "主会场", "main": True}]}),
    ("GET", EVENT): Owned(EVERYBODY),
    ("PATCH", EVENT): Owned(MAKERS, {"title": "改名"}),
    ("POST", f"{EVENT}/start"): Owned(DIRECTORS),
    ("POST", f"{EVENT}/end"): Owned(DIRECTORS),
    ("POST", f"{EVENT}/archive"): Owned(MAKERS),
    ("POST", f"{EVENT}/cut"): Owned(DIRECTORS),
    ("POST", f"{EVENT}/resume"): Owned(DIRECTORS),
    ("POST", f"{EVENT}/dump"): Owned(DIRECTORS),
    ("GET", f"{EVENT}/stats"): Owned(EVERYBODY),
    ("POST", f"{EVENT}/poster"): Owned(MAKERS),
    ("POST", f"{EVENT}/venues"): Owned(MAKERS, {"name": "新会场"}),
    ("PATCH", VENUE): Owned(MAKERS, {"name": "改名"}),
    ("DELETE", VENUE): Owned(MAKERS),
    ("POST", f"{VENUE}/feeds"): Owned(MAKERS, {"name": "新机位"}),
    ("POST", f"{VENUE}/program"): Owned(DIRECTORS, {"slate": True}),
    ("PATCH", FEED): Owned(MAKERS, {"name": "改名"}),
    ("DELETE", FEED): Owned(MAKERS),
    ("POST", f"{FEED}/rotate-key"): Owned(DIRECTORS),
    ("POST", f"{FEED}/revoke-key"): Owned(DIRECTORS),
    ("POST", f"{FEED}/cue"): Owned(DIRECTORS, {"message": "往左一点"}),
    ("GET", "/posters/{name}.jpg"): Open(path="{poster}"),
    # the room
    ("POST", f"{EVENT}/join"): Audience({"device_id": "device-of-isolation"}),
    ("GET", f"{EVENT}/snapshot"): Audience(),
    ("GET", f"{EVENT}/comments"): Audience(),
    ("GET", f"{EVENT}/comments/held"): Owned(REVIEWERS),
    ("POST", f"{EVENT}/comments/approve"): Owned(REVIEWERS, {"ids": ["{comment}"]}),
    ("POST", f"{EVENT}/comments/reject"): Owned(REVIEWERS, {"ids": ["{comment}"]}),
    ("POST", f"{EVENT}/comments/pin"): Owned(REVIEWERS, {"comment_id": None}),
    # moderation and sign-on from the app
    ("GET", f"{EVENT}/moderation"): Owned(REVIEWERS),
    ("PATCH", f"{EVENT}/moderation"): Owned(REVIEWERS, {"slow_seconds": 0}),
    ("GET", f"{EVENT}/moderation/comments"): Owned(REVIEWERS),
    ("GET", f"{EVENT}/moderation/journal"): Owned(REVIEWERS),
    ("GET", f"{EVENT}/moderation/journal/check"): Owned(REVIEWERS),
    ("GET", f"{EVENT}/sanctions"): Owned(REVIEWERS),
    ("POST", f"{EVENT}/sanctions"): Owned(REVIEWERS, {"comment_id": "{comment}", "kind": "mute"}),
    ("POST", f"{EVENT}/sanctions/{{sanction_id}}/lift"): Owned(REVIEWERS),
    ("GET", WORDS): Owned(REVIEWERS),
    ("POST", WORDS): Owned(REVIEWERS, {"words": [{"word": "词"}]}),
    ("POST", f"{WORDS}/remove"): Owned(REVIEWERS, {"words": ["词"]}),
    ("POST", f"{WORDS}/import"): Owned(REVIEWERS),
    ("GET", f"{WORDS}/export"): Owned(REVIEWERS),
    ("POST", f"{WORDS}/try"): Owned(REVIEWERS, {"text": "词"}),
    ("GET", f"{CENTER}/outside-review"): Owned(ADMIN),
    ("PUT", f"{CENTER}/outside-review"): Owned(set(), {"url": None}),
    ("GET", f"{CENTER}/app-sign-on"): Owned(ADMIN),
    ("PUT", f"{CENTER}/app-sign-on"): Owned(ADMIN, {"method": "off"}),
    ("POST", f"{CENTER}/app-sign-on/secret"): Owned(ADMIN),
    # activities
    ("GET", f"{EVENT}/activities"): Owned(EVERYBODY),
    ("POST", f"{EVENT}/activities"): Owned(MAKERS, VOTE),
    ("GET", f"{EVENT}/me"): Audience(status=401),
    ("GET", ACTIVITY): Owned(EVERYBODY),
    ("PATCH", ACTIVITY): Owned(MAKERS, VOTE),
    ("DELETE", ACTIVITY): Owned(MAKERS),
    ("POST", f"{ACTIVITY}/open"): Owned(MAKERS),
    ("POST", f"{ACTIVITY}/close"): Owned(MAKERS),
    ("POST", f"{ACTIVITY}/settle"): Owned(MAKERS, {"count_held": True}),
    ("POST", f"{ACTIVITY}/void"): Owned(MAKERS, {"reason": "测试"}),
    ("GET", f"{ACTIVITY}/results"): Owned(EVERYBODY),
    ("POST", f"{ACTIVITY}/recount"): Owned(EVERYBODY),
    ("POST", f"{ACTIVITY}/ask"): Owned(MAKERS, {}),
    ("POST", f"{ACTIVITY}/reveal"): Owned(MAKERS),
    ("POST", f"{ACTIVITY}/revive"): Owned(MAKERS),
    ("GET", f"{ACTIVITY}/leaderboard"): Owned(EVERYBODY),
    ("POST", f"{ACTIVITY}/pool"): Owned(MAKERS),
    ("GET", f"{ACTIVITY}/transcript"): Open((404,), path=f"{API}/activities/none/transcript"),
    ("POST", f"{ACTIVITY}/claim"): Open((401,), path=f"{API}/activities/none/claim", body=CLAIM),
    ("GET", f"{ACTIVITY}/winners.csv"): Owned(MAKERS),
    ("GET", f"{ACTIVITY}/winners.xlsx"): Owned(MAKERS),
    ("POST", f"{ACTIVITY}/winners/{{winner_id}}/given"): Owned(MAKERS),
    ("POST", f"{ACTIVITY}/winners/{{winner_id}}/forfeit"): Owned(MAKERS, {"reason": "测试"}),
    # points and the mall
    ("GET", f"{CENTER}/points-rules"): Owned(EVERYBODY),
    ("PUT", f"{CENTER}/points-rules"): Owned(MAKERS, {"checkin": 10}),
    ("GET", f"{CENTER}/mall/items"): Owned(EVERYBODY),
    ("POST", f"{CENTER}/mall/items"): Owned(MAKERS, {"name": "雨伞", "price": 10, "stock": 5}),
    ("PATCH", f"{API}/mall/items/{{mall_item_id}}"): Owned(MAKERS, {"stock": 4}),
    ("GET", f"{CENTER}/mall/orders"): Owned(MAKERS),
    ("POST", f"{API}/mall/orders/{{order_id}}/collect"): Owned(MAKERS),
    ("POST", f"{API}/mall/orders/{{order_id}}/cancel"): Owned(MAKERS),
    ("GET", f"{EVENT}/mall"): Audience(status=401),
    # library and replays: a viewer of figures reads no library
    ("GET", f"{API}/library/items"): Listing(filters=("event_id",)),
    ("GET", ITEM): Owned(ALL_BUT_VIEWERS, hidden=VIEWERS),
    ("POST", f"{ITEM}/publish"): Owned(PUBLISHERS, hidden=VIEWERS),
    ("GET", "/replay/{item_id}/index.m3u8"): Replay(),
    ("GET", "/replay/{item_id}/{venue_id}/{name}"): Replay(),
    # pictures
    ("GET", f"{LIVE}/index.m3u8"): Audience(),
    ("GET", f"{LIVE}/media.m3u8"): Audience(),
    ("GET", f"{LIVE}/{{name}}"): Audience(),
    ("GET", f"{LIVE}.flv"): Audience(),
    ("GET", f"{LIVE}/still.jpg"): Audience(),
    ("GET", "/preview/{feed_id}.jpg"): Owned(EVERYBODY),
    ("GET", "/preview/{feed_id}.flv"): Owned(EVERYBODY),
    # publishing from browsers: the stream key, or the session's address, is the right
    ("POST", "/whip"): Open((401, 415)),
    ("OPTIONS", "/whip"): Open((204,)),
    ("POST", "/whip/{stream_key}"): Open((415,), path="/whip/no-such-key"),
    ("OPTIONS", "/whip/{stream_key}"): Open((204,), path="/whip/no-such-key"),
    ("PATCH", "/whip/sessions/{session_id}"): Open((415,), path="/whip/sessions/none"),
    ("DELETE", "/whip/sessions/{session_id}"): Open((404,), path="/whip/sessions/none"),
    ("OPTIONS", "/whip/sessions/{session_id}"): Open((204,), path="/whip/sessions/none"),
    # playing in browsers: as public as HLS and FLV, the session's address is the right to end it
    ("POST", "/whep/{event_id}/{venue_id}"): Open((415,), path="/whep/none/main"),
    ("OPTIONS", "/whep/{event_id}/{venue_id}"): Open((204,), path="/whep/none/main"),
    ("PATCH", "/whep/sessions/{session_id}"): Open((415,), path="/whep/sessions/none"),
    ("DELETE", "/whep/sessions/{session_id}"): Open((404,), path="/whep/sessions/none"),
    ("OPTIONS", "/whep/sessions/{session_id}"): Open((204,), path="/whep/sessions/none"),
    ("GET", f"{API}/cam/{{stream_key}}"): Open((404,), path=f"{API}/cam/no-such-key"),
    ("GET", f"{API}/cam/{{stream_key}}/events"): Open((404,), path=f"{API}/cam/no-such-key/events"),
    ("GET", "/cam/{stream_key}"): Open((404,), path="/cam/no-such-key"),
    # the installation
    ("GET", f"{API}/addresses"): Own(),
    ("GET", f"{API}/disk"): Own(),
    ("GET", "/healthz"): Open(),
    ("GET", "/readyz"): Open(),
    ("GET", "/metrics"): Open(),
    ("GET", f"{API}/openapi.json"): Open(),
    ("GET", "/api/docs"): Open(),
    # pages
    ("GET", "/"): Open((302,)),
    ("GET", "/e/{event_id}"): Audience(),
    ("GET", "/screen/{event_id}"): Audience(),
    ("GET", f"{EVENT}/page"): Audience(),
    ("GET", "/r/{item_id}"): Open((404,), path="/r/{item_id}"),
    ("GET", "/verify"): Open(),
    ("GET", "/console"): Open((302,)),
    ("GET", "/console/{path}"): Open(path="/console/events"),
    ("GET", "/assets/{path}"): Open(path="/assets/main-1a2b.js"),
    # sockets: what travels inside them stands in SOCKET_CASES
    ("GET", "/socket.io/"): Open((400,)),
    ("HEAD", "/socket.io/"): Open((400, 405)),
    ("POST", "/socket.io/"): Open((400,)),
    ("OPTIONS", "/socket.io/"): Open((200, 400)),
}


@dataclass
class House:
    """A center with an event on air, one that has ended, a draft, and crew of every role."""

    center: str
    crew: dict[Role, Caller]
    live: dict[str, Any] = field(default_factory=dict)
    """The event on air: its first feed delivers; its crew has a held comment."""
    draft: dict[str, Any] = field(default_factory=dict)
    item: dict[str, Any] = field(default_factory=dict)
    segment: str = ""
    """A segment's name, live and in the replay."""
    poster: str = ""
    comment: str = ""
    activity: str = ""
    """A vote in its draft."""
    mall_item: str = ""
    order: str = ""
    colleague: str = ""
    """Id of an account of this center."""

    @property
    def secrets(self) -> list[str]:
        """What nobody outside the center may read anywhere: keys, feeds, the draft, the people, what is held."""
        feeds = [feed for event in (self.live, self.draft) for venue in event["venues"] for feed in venue["feeds"]]
        keys = [feed["ingest"]["stream_key"] for feed in feeds]
        return [*keys, *(feed["id"] for feed in feeds), self.draft["id"], self.comment, self.colleague, HELD]

    def path(self, route: Route, event: dict[str, Any] | None = None, **ids: str) -> str:
        """The route's path to this center's objects."""
        event = event or self.live
        values = {
            "event_id": event["id"],
            "venue_id": event["venues"][0]["id"],
            "feed_id": event["venues"][0]["feeds"][0]["id"],
            "item_id": self.item.get("id", ""),
            "center_id": self.center,
            "crew_id": self.colleague,
            "activity_id": self.activity,
            "mall_item_id": self.mall_item,
            "order_id": self.order,
            "name": self.segment,
            "owner": self.center,
            "sanction_id": "nobody",
            "winner_id": f"{ids.get('activity_id', self.activity)}:0",
        }
        if route[1].startswith("/replay/"):
            values["venue_id"] = self.item["venues"][0]["id"]
        return route[1].format(**(values | ids))


HELD = "这条评论还没有审核"
PICTURE = picture()


@dataclass
class Two:
    ours: House
    theirs: House
    stranger: Caller


async def _house(hub: InProcessHub, name: str) -> House:
    center = await hub.center(name, quotas={"live_events": 1000, "crew": 200})  # every case starts some of its own
    callers = await asyncio.gather(*(hub.crew(center, role) for role in Role))
    return House(center, dict(zip(Role, callers, strict=True)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(hub: InProcessHub) -> AsyncIterator[Two]:
    """Two centers; ours has pictures, theirs has the same life without them."""
    ours, theirs = await _house(hub, "江北融媒体中心"), await _house(hub, "山南融媒体中心")
    with ExitStack() as pushes:
        for house in (ours, theirs):
            admin = house.crew[Role.CENTER_ADMIN]
            rules = {"anonymous_may": ["watch", "like", "comment"], "replay": "after_review"}
            house.live = await hub.event(admin, rules=rules)
            house.draft = await hub.event(admin, title=f"{house.center} 的草稿")
            await admin.ok("POST", f"{API}/events/{house.live['id']}/start")
            somebody = {"username": f"colleague-{new_id()}", "name": "小李", "roles": ["editor"]}
            house.colleague = (await admin.ok("POST", f"{API}/crew", somebody))["crew"]["id"]
            house.comment = await _comment(hub, house.live["id"])
            house.mall_item, house.order = await _order(hub, admin, house.center, house.live["id"], "shared")
            house.activity = (await admin.ok("POST", f"{API}/events/{house.live['id']}/activities", VOTE))["id"]
        admin = ours.crew[Role.CENTER_ADMIN]
        recorded = await hub.event(admin, rules={"replay": "after_review"})
        await admin.ok("POST", f"{API}/events/{recorded['id']}/start")
        for event in (ours.live, recorded):
            key = event["venues"][0]["feeds"][0]["ingest"]["stream_key"]
            url = f"rtmp://127.0.0.1:{hub.running.rtmp_port}/live/{key}"
            pushes.enter_context(encoder(url, size="160x90", rate=10, gop_seconds=2, audio=False, b_frames=0))
        for event in (ours.live, recorded):
            playlist = f"/live/{event['id']}/main/media.m3u8"
            await eventually_async(partial(_has, hub.stranger(), playlist, "\nseg-1.m4s"), 30.0)
        ours.segment = "seg-1.m4s"
        feed = ours.live["venues"][0]["feeds"][0]["id"]
        await eventually_async(partial(_has, admin, f"/preview/{feed}.jpg", ""), 30.0)
        await admin.ok("POST", f"{API}/events/{recorded['id']}/end")
        found = await admin.ok("GET", f"{API}/library/items?event_id={recorded['id']}")
        ours.item = found["items"][0]
        posted = await admin.ok("POST", f"{API}/events/{ours.live['id']}/poster", data=PICTURE)
        ours.poster = posted["poster"].removeprefix(hub.url)
        yield Two(ours, theirs, hub.stranger())


async def _has(caller: Caller, path: str, text: str) -> bool:
    answer = await caller("GET", path)
    return answer.status == 200 and text.encode() in answer.body


async def _comment(hub: InProcessHub, event_id: str) -> str:
    async with socketio.AsyncSimpleClient() as client:
        await _connect(client, hub, await _joined(hub, event_id))
        sent = await client.call("comment", {"text": HELD, "client_id": "1"})
        assert sent["ok"], sent
        return str(sent["id"])


async def _joined(hub: InProcessHub, event_id: str, device: str = "device-of-isolation") -> str:
    joined = await hub.stranger().ok("POST", f"{API}/events/{event_id}/join", {"device_id": device})
    return str(joined["token"])


async def _connect(client: socketio.AsyncSimpleClient, hub: InProcessHub, token: object) -> None:
    await client.connect(hub.url, namespace="/room", auth={"token": token}, transports=["websocket"])


async def _ask(caller: Caller, route: Route, path: str, case: Case | None = None, **ids: str) -> Answer:
    """One request with the case's body."""
    body = getattr(case, "body", None)
    more: dict[str, Any] = {"data": PICTURE} if path.endswith("/poster") else {}
    more |= {"data": LIST} if path.endswith("/pool") else {}
    if body is not None:
        fill = {"{new}": f"new-{new_id()}", "{comment}": ids.get("comment", "")}
        body = {name: _filled(value, fill) for name, value in body.items()}
    return await caller(route[0], path, body, **more)


def _filled(value: object, fill: dict[str, str]) -> object:
    if isinstance(value, list):
        return [_filled(part, fill) for part in value]
    return fill.get(value, value) if isinstance(value, str) else value


def _seen(answer: Answer) -> tuple[object, ...]:
    """All that tells one refusal from another."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status, headers, answer.body


def _of(kind: type[Case]) -> list[Any]:
    return [pytest.param(route, case, id=" ".join(route)) for route, case in CASES.items() if isinstance(case, kind)]


def _routes(hub: InProcessHub) -> set[Route]:
    found = set()
    for route in hub.running.app.router.routes():
        assert route.resource is not None
        found.add((route.method, route.resource.canonical))
    return found


async def test_every_route_of_the_running_app_has_a_case(hub: InProcessHub) -> None:
    routes = _routes(hub)
    assert sorted(routes - CASES.keys()) == [], "a route without a case: say above whose it is"
    assert sorted(CASES.keys() - routes) == [], "a case without a route"


@pytest.mark.parametrize(("route", "case"), _of(Owned))
async def test_another_centers_object_is_one_that_never_was(two: Two, route: Route, case: Owned) -> None:
    foreign, unknown = two.ours.path(route), route[1].format_map(defaultdict(new_id))
    assert foreign != unknown
    for role, caller in two.theirs.crew.items():
        answer = await _ask(caller, route, foreign, case, comment=two.ours.comment)
        assert answer.status == 404, role
        assert _seen(answer) == _seen(await _ask(caller, route, unknown, case, comment=two.ours.comment)), role
    stranger = await _ask(two.stranger, route, foreign, case)
    assert stranger.status == 401
    assert _seen(stranger) == _seen(await _ask(two.stranger, route, unknown, case))


@pytest.mark.parametrize(("route", "case"), [case for case in _of(Owned) if "{venue_id}" in case.values[0][1]])
async def test_another_centers_venue_is_not_in_ones_own_event(two: Two, route: Route, case: Owned) -> None:
    admin, theirs = two.theirs.crew[Role.CENTER_ADMIN], two.theirs.live["id"]
    foreign = two.ours.path(route, event_id=theirs)
    answer = await _ask(admin, route, foreign, case)
    assert answer.status == 404
    assert _seen(answer) == _seen(
        await _ask(admin, route, two.ours.path(route, event_id=theirs, venue_id=new_id()), case)
    )


async def test_another_centers_feed_does_not_go_on_ones_own_air(two: Two) -> None:
    admin, event = two.theirs.crew[Role.CENTER_ADMIN], two.theirs.live
    path = f"{API}/events/{event['id']}/venues/{event['venues'][0]['id']}/program"
    feed = two.ours.live["venues"][0]["feeds"][0]["id"]
    answer = await admin("POST", path, {"feed_id": feed})
    assert answer.status == 404
    assert _seen(answer) == _seen(await admin("POST", path, {"feed_id": new_id()}))


@pytest.mark.parametrize("act", ["approve", "reject"])
async def test_another_centers_comment_is_not_reviewed_from_ones_own_event(two: Two, act: str) -> None:
    reviewer = two.theirs.crew[Role.MODERATOR]
    path = f"{API}/events/{two.theirs.live['id']}/comments/{act}"
    assert await reviewer.ok("POST", path, {"ids": [two.ours.comment]}) == {"changed": []}
    held = await two.ours.crew[Role.MODERATOR].ok("GET", f"{API}/events/{two.ours.live['id']}/comments/held")
    assert [comment["id"] for comment in held["items"]] == [two.ours.comment]


@pytest.mark.parametrize(("route", "case"), _of(Owned))
async def test_ones_own_crew_without_the_role_is_refused(two: Two, route: Route, case: Owned) -> None:
    for role in EVERYBODY - case.allowed:
        answer = await _ask(two.ours.crew[role], route, two.ours.path(route), case, comment=two.ours.comment)
        assert answer.status == (404 if role in case.hidden else 403), role


async def test_keys_are_shown_to_those_who_set_up_encoders(two: Two) -> None:
    for role, caller in two.ours.crew.items():
        event = await caller.ok("GET", f"{API}/events/{two.ours.live['id']}")
        shown = [feed["ingest"]["stream_key"] for venue in event["venues"] for feed in venue["feeds"]]
        assert all(shown) if role in DIRECTORS else not any(shown), role
        text = str(await caller.ok("GET", f"{API}/events?limit=200"))
        assert not [key for key in two.ours.secrets[:3] if key in text], role


@pytest.mark.parametrize(("route", "case"), _of(Audience))
async def test_the_audience_sees_the_same_whoever_asks(two: Two, route: Route, case: Audience) -> None:
    path = two.ours.path(route)
    callers = [two.stranger, *two.theirs.crew.values(), *two.ours.crew.values()]
    statuses = set()
    for caller in callers:
        answer = await _ask(caller, route, path, case)
        statuses.add(answer.status)
        assert [secret for secret in two.ours.secrets if secret.encode() in answer.body] == []
    assert statuses == {case.status}


@pytest.mark.parametrize(("route", "case"), _of(Audience))
async def test_a_draft_is_an_event_that_never_was_to_the_audience(two: Two, route: Route, case: Audience) -> None:
    draft = two.ours.path(route, event=two.ours.draft)
    unknown = two.ours.path(route, event_id=new_id(), venue_id=new_id())
    for caller in (two.stranger, two.theirs.crew[Role.CENTER_ADMIN], two.ours.crew[Role.CENTER_ADMIN]):
        answer = await _ask(caller, route, draft, case)
        assert answer.status == 404
        assert _seen(answer) == _seen(await _ask(caller, route, unknown, case))


@pytest.mark.parametrize(("route", "case"), _of(Replay))
async def test_a_replay_in_review_is_one_that_never_was(two: Two, route: Route, case: Replay) -> None:
    path, unknown = two.ours.path(route), two.ours.path(route, item_id=new_id())
    for caller in (two.stranger, *two.theirs.crew.values(), two.ours.crew[Role.VIEWER]):
        answer = await _ask(caller, route, path)
        assert answer.status == 404
        assert _seen(answer) == _seen(await _ask(caller, route, unknown))
    for role in ALL_BUT_VIEWERS:
        answer = await _ask(two.ours.crew[role], route, path)
        assert answer.status == case.status
        assert answer.headers["cache-control"] == "private, no-store", "a CDN must not keep it"


@pytest.mark.parametrize(("route", "case"), _of(Listing))
async def test_a_list_holds_ones_own_alone(two: Two, route: Route, case: Listing) -> None:
    marks = [two.ours.center, two.ours.live["id"], two.ours.item["id"], *two.ours.secrets]
    for role, caller in two.theirs.crew.items():
        answer = await _ask(caller, route, f"{route[1]}?limit=200" if case.filters else route[1])
        assert answer.status == (200 if role in case.allowed else 403), role
        assert [mark for mark in marks if mark.encode() in answer.body] == []
        for name in case.filters:
            value = two.ours.center if name == "center_id" else two.ours.item["event_id"]
            asked = await _ask(caller, route, f"{route[1]}?{name}={value}")
            assert [mark for mark in marks if mark.encode() in asked.body] == []
            assert _seen(asked) == _seen(await _ask(caller, route, f"{route[1]}?{name}={new_id()}"))
    assert (await _ask(two.stranger, route, route[1])).status == 401


@pytest.mark.parametrize(("route", "case"), _of(Into))
async def test_nothing_is_made_in_another_center(two: Two, route: Route, case: Into) -> None:
    for role, caller in two.theirs.crew.items():
        refused = 404 if role in case.allowed else 403
        for center in (two.ours.center, new_id()):
            into = Into(case.allowed, {**case.body, "center_id": center})
            answer = await _ask(caller, route, route[1], into)
            assert answer.status == 404, (role, center)
        if role not in case.allowed:
            assert (await _ask(caller, route, route[1], case)).status == refused, role
            named = Into(case.allowed, {**case.body, "center_id": two.theirs.center})
            assert (await _ask(caller, route, route[1], named)).status == refused, role
    assert (await _ask(two.stranger, route, route[1], case)).status == 401


@pytest.mark.parametrize(("route", "case"), _of(Platform))
async def test_the_platforms_own_is_refused_to_every_center(two: Two, route: Route, case: Platform) -> None:
    for caller in (*two.ours.crew.values(), *two.theirs.crew.values()):
        assert (await _ask(caller, route, route[1], case)).status == 403
    assert (await _ask(two.stranger, route, route[1], case)).status == 401


@pytest.mark.parametrize(("route", "case"), _of(Own))
async def test_ones_own_account_needs_a_sign_in_and_shows_nothing_of_others(
    hub: InProcessHub, two: Two, route: Route, case: Own
) -> None:
    somebody = await hub.crew(two.theirs.center, Role.VIEWER)  # some of these sign out
    answer = await _ask(somebody, route, route[1], case)
    assert answer.status == (403 if route[1].endswith("/password") else 200)
    marks = [two.ours.center, two.ours.live["id"], *two.ours.secrets]
    assert [mark for mark in marks if mark.encode() in answer.body] == []
    assert (await _ask(two.stranger, route, route[1], case)).status == 401


@pytest.mark.parametrize(("route", "case"), _of(Open))
async def test_what_is_open_holds_nothing_of_any_center(two: Two, route: Route, case: Open) -> None:
    path = (case.path or route[1]).format(poster=two.ours.poster, item_id=two.ours.item["id"])
    marks = [two.ours.center, two.ours.live["id"], *two.ours.secrets]
    for caller in (two.stranger, two.theirs.crew[Role.CENTER_ADMIN], two.ours.crew[Role.CENTER_ADMIN]):
        answer = await _ask(caller, route, path, case)
        assert answer.status in case.statuses
        assert [mark for mark in marks if mark.encode() in answer.body] == []


# Sockets


async def _refused(hub: InProcessHub, token: object) -> bool:
    async with socketio.AsyncSimpleClient() as client:
        try:
            await _connect(client, hub, token)
        except socketio.exceptions.ConnectionError:
            return True
        return False


async def socket_connect(hub: InProcessHub, two: Two) -> None:
    """Only a token of ours for viewers opens a room, and only the room of its event."""
    assert await _refused(hub, None)
    assert await _refused(hub, two.theirs.crew[Role.CENTER_ADMIN].token)
    claims = {"sub": "d0", "ev": two.ours.live["id"], "name": "谁", "anon": False, "use": "viewer"}
    assert await _refused(hub, jwt.encode(claims, "somebody else's secret, long enough", algorithm="HS256"))
    assert await _refused(hub, jwt.encode(claims, "", algorithm="none"))
    async with socketio.AsyncSimpleClient() as client:
        await _connect(client, hub, await _joined(hub, two.theirs.live["id"]))
        name, received = await client.receive(timeout=30)
        ours, theirs = await _snapshot(two, two.ours), await _snapshot(two, two.theirs)
        assert name == "snapshot" and received["epoch"] == theirs["epoch"]
        assert received["event"]["venues"].keys() == theirs["event"]["venues"].keys() != ours["event"]["venues"].keys()


async def socket_comment(hub: InProcessHub, two: Two) -> None:
    """A comment appears in its own room, with no way to name another."""
    async with socketio.AsyncSimpleClient() as client:
        await _connect(client, hub, await _joined(hub, two.theirs.live["id"], "commenter"))
        told = {"text": "山南的话", "client_id": "2", "event_id": two.ours.live["id"], "reply_to": two.ours.comment}
        sent = await client.call("comment", told)
    assert sent["ok"]
    held = await two.ours.crew[Role.MODERATOR].ok("GET", f"{API}/events/{two.ours.live['id']}/comments/held")
    assert [comment["id"] for comment in held["items"]] == [two.ours.comment]
    theirs = await two.theirs.crew[Role.MODERATOR].ok("GET", f"{API}/events/{two.theirs.live['id']}/comments/held")
    assert sent["id"] in [comment["id"] for comment in theirs["items"]]
    assert two.ours.comment not in [comment["id"] for comment in theirs["items"]]


async def socket_comment_like(hub: InProcessHub, two: Two) -> None:
    """A heart reaches comments of one's own room alone, and none that waits for review."""
    async with socketio.AsyncSimpleClient() as client:
        await _connect(client, hub, await _joined(hub, two.theirs.live["id"]))
        for comment in (two.ours.comment, two.theirs.comment, new_id()):
            answer = await client.call("comment_like", {"comment_id": comment})
            assert answer["error"]["code"] == "no_such_comment"


async def socket_like(hub: InProcessHub, two: Two) -> None:
    """Likes count in their own room."""
    before = (await _snapshot(two, two.ours))["likes"]
    async with socketio.AsyncSimpleClient() as client:
        await _connect(client, hub, await _joined(hub, two.theirs.live["id"], "liker-of-theirs"))
        assert (await client.call("like", {"count": 3, "event_id": two.ours.live["id"]}))["ok"]

    async def counted() -> bool:
        return bool((await _snapshot(two, two.theirs))["likes"] >= 3)

    await eventually_async(counted)
    assert (await _snapshot(two, two.ours))["likes"] == before


async def socket_heartbeat(hub: InProcessHub, two: Two) -> None:
    """Nobody is counted at another center's venue."""
    beat = {"venue_id": two.ours.live["venues"][0]["id"], "playing": True}
    async with socketio.AsyncSimpleClient() as here, socketio.AsyncSimpleClient() as there:
        await _connect(there, hub, await _joined(hub, two.theirs.live["id"], "watcher-of-theirs"))
        assert (await there.call("heartbeat", beat))["ok"]
        await _connect(here, hub, await _joined(hub, two.ours.live["id"], "watcher-of-ours"))
        assert (await here.call("heartbeat", beat))["ok"]
        await eventually_async(partial(_watching, two.ours, 1))
        assert await _watching(two.theirs, 0)


async def socket_disconnect(hub: InProcessHub, two: Two) -> None:
    """A phone that leaves one room stays in the other."""
    beat = {"venue_id": two.ours.live["venues"][0]["id"], "playing": True}
    async with socketio.AsyncSimpleClient() as here:
        await _connect(here, hub, await _joined(hub, two.ours.live["id"], "in-both-rooms"))
        async with socketio.AsyncSimpleClient() as there:
            await _connect(there, hub, await _joined(hub, two.theirs.live["id"], "in-both-rooms"))
            assert (await here.call("heartbeat", beat))["ok"]
            await eventually_async(partial(_watching, two.ours, 1))
        # a second phone of ours comes: when it is counted, the one that left theirs still is
        async with socketio.AsyncSimpleClient() as second:
            await _connect(second, hub, await _joined(hub, two.ours.live["id"], "another-phone"))
            assert (await second.call("heartbeat", beat))["ok"]
            await eventually_async(partial(_watching, two.ours, 2))


async def socket_vote(hub: InProcessHub, two: Two) -> None:
    """A ballot is for an activity of the own event; another's is one that never was."""
    admin = two.ours.crew[Role.CENTER_ADMIN]
    activity = await _activity(admin, two.ours.live["id"], "close")
    async with socketio.AsyncSimpleClient() as client:
        await _connect(client, hub, await _joined(hub, two.theirs.live["id"], "voter-of-theirs"))
        foreign = await client.call("vote", {"activity_id": activity, "options": ["o1"]})
        unknown = await client.call("vote", {"activity_id": new_id(), "options": ["o1"]})
    assert foreign == unknown and foreign["error"]["code"] == "no_such_activity"
    assert (await admin.ok("GET", f"{API}/activities/{activity}/results"))["total"] == 0
    await admin.ok("POST", f"{API}/activities/{activity}/close")


async def _elsewhere(hub: InProcessHub, two: Two, event: str, more: dict[str, Any]) -> None:
    async with socketio.AsyncSimpleClient() as client:
        await _connect(client, hub, await _joined(hub, two.theirs.live["id"], "visitor-of-theirs"))
        foreign = await client.call(event, {"activity_id": two.ours.activity, **more})
        unknown = await client.call(event, {"activity_id": new_id(), **more})
    assert foreign == unknown and foreign["error"]["code"] == "no_such_activity"


async def socket_answer(hub: InProcessHub, two: Two) -> None:
    """Nobody answers in another center's quiz."""
    await _elsewhere(hub, two, "answer", {"question_id": "q1", "options": ["o1"]})


async def socket_enter(hub: InProcessHub, two: Two) -> None:
    """Nobody enters another center's lottery."""
    await _elsewhere(hub, two, "enter", {})


async def socket_redeem(hub: InProcessHub, two: Two) -> None:
    """Another center's item is one that never was."""
    async with socketio.AsyncSimpleClient() as client:
        await _connect(client, hub, await _joined(hub, two.theirs.live["id"], "redeemer-of-theirs"))
        foreign = await client.call("redeem", {"item_id": two.ours.mall_item, "request_id": "1"})
        unknown = await client.call("redeem", {"item_id": new_id(), "request_id": "2"})
    assert foreign == unknown and foreign["error"]["code"] == "no_such_item"


async def socket_checkin(hub: InProcessHub, two: Two) -> None:
    """Nobody checks in at another center's event."""
    await _elsewhere(hub, two, "checkin", {})


async def _watching(house: House, viewers: int) -> bool:
    figures = await house.crew[Role.VIEWER].ok("GET", f"{API}/events/{house.live['id']}/stats")
    return bool(figures["viewers"]["current"] == viewers)


async def _snapshot(two: Two, house: House) -> dict[str, Any]:
    snapshot: dict[str, Any] = await two.stranger.ok("GET", f"{API}/events/{house.live['id']}/snapshot")
    return snapshot


SOCKET_CASES = {
    ("/room", "connect"): socket_connect,
    ("/room", "comment"): socket_comment,
    ("/room", "comment_like"): socket_comment_like,
    ("/room", "like"): socket_like,
    ("/room", "vote"): socket_vote,
    ("/room", "answer"): socket_answer,
    ("/room", "enter"): socket_enter,
    ("/room", "checkin"): socket_checkin,
    ("/room", "redeem"): socket_redeem,
    ("/room", "heartbeat"): socket_heartbeat,
    ("/room", "disconnect"): socket_disconnect,
}


async def test_every_socket_event_has_a_case(hub: InProcessHub) -> None:
    sockets = hub.running.sockets
    events = {
        (namespace, name.removeprefix("on_"))
        for namespace, handler in sockets.namespace_handlers.items()
        for name in dir(handler)
        if name.startswith("on_")
    }
    events |= {(namespace, name) for namespace, handlers in sockets.handlers.items() for name in handlers}
    assert events == SOCKET_CASES.keys()


@pytest.mark.parametrize("event", SOCKET_CASES)
async def test_a_socket_event_stays_in_its_own_room(hub: InProcessHub, two: Two, event: tuple[str, str]) -> None:
    await SOCKET_CASES[event](hub, two)


# Last, because it changes what the others look at


@pytest.mark.parametrize(("route", "case"), _of(Owned))
async def test_the_roles_that_may_are_let_in(hub: InProcessHub, two: Two, route: Route, case: Owned) -> None:
    admin = two.ours.crew[Role.CENTER_ADMIN]
    for role in case.allowed:
        event = two.ours.live
        if not route[1].startswith("/preview/"):
            event = await hub.event(admin)
            if not route[1].endswith("/start"):
                await admin.ok("POST", f"{API}/events/{event['id']}/start")
            if route[1].endswith("/archive"):
                await admin.ok("POST", f"{API}/events/{event['id']}/end")
        ids = {"venue_id": event["venues"][1]["id"]}  # the main venue cannot be removed
        if "{order_id}" in route[1]:
            ids["order_id"] = (await _order(hub, admin, two.ours.center, two.ours.live["id"], new_id()))[1]
        comment = ""
        if route[1].startswith(f"{EVENT}/sanctions"):
            event, comment = two.ours.live, two.ours.comment
            given = {"comment_id": comment, "kind": "mute"}
            ids["sanction_id"] = (await admin.ok("POST", f"{API}/events/{event['id']}/sanctions", given))["id"]
        if route[1].startswith(ACTIVITY):
            ids["activity_id"] = await _activity(admin, event["id"], route[1].rpartition("/")[2])
        path = two.ours.path(route, event=event, **ids)
        answer = await _ask(two.ours.crew[role], route, path, case, comment=comment)
        assert answer.status < 300, (role, answer.body)
        if event is not two.ours.live:
            await admin("POST", f"{API}/events/{event['id']}/end")


async def _order(hub: InProcessHub, admin: Caller, center_id: str, event_id: str, device: str) -> tuple[str, str]:
    """An item that costs nothing, and somebody's order of it."""
    free = {"name": "扇子", "price": 0, "stock": 100}
    item = await admin.ok("POST", f"{API}/centers/{center_id}/mall/items", free)
    async with socketio.AsyncSimpleClient() as client:
        await _connect(client, hub, await _joined(hub, event_id, device))
        done = await client.call("redeem", {"item_id": item["id"], "request_id": "1"})
        assert done["ok"], done
    return item["id"], done["order"]["id"]


BEFORE = {command: ["open"] for command in QUIZ_COMMANDS} | {
    "close": ["open"],
    "settle": ["open", "close"],
    "void": ["open"],
}


async def _activity(admin: Caller, event_id: str, command: str) -> str:
    """A vote that has come as far as the command asks."""
    body = QUIZ if command in QUIZ_COMMANDS else LOTTERY if command in LOTTERY_COMMANDS else VOTE
    activity = await admin.ok("POST", f"{API}/events/{event_id}/activities", body)
    if command in ("given", "forfeit"):
        path = f"{API}/activities/{activity['id']}"
        await admin.ok("POST", f"{path}/pool", data=LIST)
        await admin.ok("POST", f"{path}/open")
        await admin.ok("POST", f"{path}/close")
        await admin.ok("POST", f"{path}/settle", {"outside": "42"})
    for step in BEFORE.get(command, []):
        await admin.ok("POST", f"{API}/activities/{activity['id']}/{step}")
    return str(activity["id"])


async def test_a_published_replay_is_for_everybody(two: Two) -> None:
    item = two.ours.item["id"]
    await two.ours.crew[Role.EDITOR].ok("POST", f"{API}/library/items/{item}/publish")
    for route, case in CASES.items():
        if isinstance(case, Replay) or route[1].startswith("/r/"):
            for caller in (two.stranger, two.theirs.crew[Role.VIEWER]):
                answer = await _ask(caller, route, two.ours.path(route))
                assert answer.status == 200
                assert [secret for secret in two.ours.secrets if secret.encode() in answer.body] == []
    listed = await two.theirs.crew[Role.CENTER_ADMIN].ok("GET", f"{API}/library/items")
    assert listed["items"] == []
