"""Sign-in: the token and the cookie, other sites, lock-out and its release, sessions and how they end."""

from __future__ import annotations

import asyncio
import secrets
import time
from http.cookies import SimpleCookie
from pathlib import Path

import jwt
import pytest

from config.ids import new_id
from config.mongodb import Database
from tests.support.hub import ADMIN_PASSWORD, CREW_PASSWORD, Answer, Caller, InProcessHub
from web.auth import sessions as sessions_module
from web.auth.lockout import ADDRESS_FAILURES, FIRST_PAUSE, FORGET_SECONDS, FREE_FAILURES, MAX_PAUSE, Lockout
from web.auth.passwords import hash_password, verify_password
from web.auth.sessions import ACCESS_SECONDS, CACHE_SECONDS, IDLE_SECONDS, MAX_SECONDS, Sessions, signing_secret

pytestmark = pytest.mark.service
in_hub = pytest.mark.asyncio(loop_scope="module")

LOGIN, ME = "/api/v1/auth/login", "/api/v1/auth/me"
COOKIE = "venuecast_session"


async def username_of(caller: Caller) -> str:
    return str((await caller.ok("GET", ME))["username"])


async def log_in(caller: Caller, username: str, password: str, **headers: str) -> Answer:
    return await caller("POST", LOGIN, {"username": username, "password": password}, headers=headers)


def cookie_of(answer: Answer) -> str:
    return SimpleCookie(answer.headers["set-cookie"])[COOKIE].value


@in_hub
async def test_the_answer_is_a_bearer_token_and_a_cookie_that_scripts_cannot_read(hub: InProcessHub) -> None:
    answer = await log_in(hub.stranger(), "admin", ADMIN_PASSWORD)
    assert answer.status == 200
    assert answer.json["token_type"] == "Bearer" and answer.json["expires_in"] == ACCESS_SECONDS
    assert answer.headers["cache-control"] == "no-store"
    cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert int(cookie["max-age"]) == IDLE_SECONDS
    assert cookie.value not in answer.json["access_token"]
    claims = jwt.decode(answer.json["access_token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == ACCESS_SECONDS


@in_hub
@pytest.mark.parametrize("username", ["Admin", " admin ", "ADMIN"])
async def test_a_name_signs_in_however_a_phone_capitalises_it(hub: InProcessHub, username: str) -> None:
    assert (await log_in(hub.stranger(), username, ADMIN_PASSWORD)).status == 200


@in_hub
async def test_a_wrong_password_and_an_unknown_name_are_answered_alike(hub: InProcessHub) -> None:
    wrong = await log_in(hub.stranger(), "admin", "wrong")
    unknown = await log_in(hub.stranger(), f"nobody-{new_id()}", "wrong")
    assert wrong.status == unknown.status == 401
    assert wrong.body == unknown.body and "set-cookie" not in wrong.headers


@in_hub
async def test_the_cookie_signs_in_the_console(hub: InProcessHub) -> None:
    cookie = cookie_of(await log_in(hub.stranger(), "admin", ADMIN_PASSWORD))
    stranger = hub.stranger()
    me = await stranger.ok("GET", ME, headers={"Cookie": f"{COOKIE}={cookie}"})
    assert me["username"] == "admin" and me["platform_admin"]
    assert (await stranger("GET", ME, headers={"Cookie": f"{COOKIE}=x{cookie}"})).status == 401


@in_hub
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "{own}"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, 403),
    ],
)
async def test_another_site_changes_nothing_with_the_cookie(
    hub: InProcessHub, headers: dict[str, str], status: int
) -> None:
    cookie = cookie_of(await log_in(hub.stranger(), "admin", ADMIN_PASSWORD))
    sent = {name: value.replace("{own}", hub.url) for name, value in headers.items()}
    stranger = hub.stranger()
    answer = await stranger("POST", "/api/v1/auth/token", headers={**sent, "Cookie": f"{COOKIE}={cookie}"})
    assert answer.status == status
    if status == 403:
        assert answer.json["code"] == "cross_site"
        assert (await stranger("GET", ME, headers={**sent, "Cookie": f"{COOKIE}={cookie}"})).status == 200
    # nor does it sign a visitor in as somebody else
    assert (await log_in(stranger, "admin", ADMIN_PASSWORD, **sent)).status == status


@in_hub
async def test_a_token_is_renewed_by_the_cookie(hub: InProcessHub) -> None:
    cookie = cookie_of(await log_in(hub.stranger(), "admin", ADMIN_PASSWORD))
    someone = hub.stranger()
    renewed = await someone.ok("POST", "/api/v1/auth/token", headers={"Cookie": f"{COOKIE}={cookie}"})
    someone.token = renewed["access_token"]
    assert await username_of(someone) == "admin"


@in_hub
@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ey" * 4000])
async def test_a_token_that_is_none_is_refused(hub: InProcessHub, token: str) -> None:
    someone = Caller(hub.session, hub.url, token)
    assert (await someone("GET", ME)).json["code"] == "not_signed_in"


@in_hub
async def test_a_viewers_token_is_no_crew_token(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin, starts_at="2030-01-01T00:00:00Z")
    path = f"/api/v1/events/{event['id']}/join"
    joined = await hub.stranger().ok("POST", path, {"device_id": "a-phone-of-auth"})
    assert (await Caller(hub.session, hub.url, joined["token"])("GET", ME)).status == 401


@in_hub
async def test_an_unsigned_or_foreign_token_is_refused(hub: InProcessHub) -> None:
    assert hub.admin.token is not None
    claims = jwt.decode(hub.admin.token, options={"verify_signature": False})
    for forged in (
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, secrets.token_hex(32), algorithm="HS256"),
        hub.admin.token[:-4] + ("AAAA" if not hub.admin.token.endswith("AAAA") else "BBBB"),
    ):
        assert (await Caller(hub.session, hub.url, forged)("GET", ME)).status == 401


@in_hub
async def test_repeated_failures_pause_that_account_from_that_address_alone(hub: InProcessHub) -> None:
    crew = await hub.crew(hub.first_center, "editor")
    name = await username_of(crew)
    guesser, owner = hub.stranger(), hub.stranger()
    statuses = [(await log_in(guesser, name, "wrong")).status for _ in range(FREE_FAILURES)]
    assert statuses == [401] * FREE_FAILURES
    paused = await log_in(guesser, name, CREW_PASSWORD, **{"Accept-Language": "en"})
    assert (paused.status, paused.json["code"]) == (429, "locked_out")
    assert 0 < int(paused.headers["retry-after"]) <= FIRST_PAUSE
    assert f"{paused.json['seconds']} seconds" in paused.json["title"]
    assert (await log_in(guesser, name.upper(), CREW_PASSWORD)).status == 429, "spelling is no way around"
    assert (await log_in(owner, name, CREW_PASSWORD)).status == 200, "nobody locks others out"
    assert await username_of(crew) == name, "who is signed in stays"


@in_hub
async def test_guessing_the_current_password_counts_too(hub: InProcessHub) -> None:
    crew = await hub.crew(hub.first_center, "editor")
    change = {"current": "wrong", "password": "another good password"}
    statuses = [(await crew("POST", "/api/v1/auth/password", change)).status for _ in range(FREE_FAILURES + 1)]
    assert statuses == [403] * FREE_FAILURES + [429]


@in_hub
async def test_signing_out_ends_this_session_alone(hub: InProcessHub) -> None:
    crew = await hub.crew(hub.first_center, "editor")
    elsewhere = await hub.sign_in(await username_of(crew), CREW_PASSWORD)
    answer = await crew("POST", "/api/v1/auth/logout")
    assert answer.json == {"done": True} and SimpleCookie(answer.headers["set-cookie"])[COOKIE]["max-age"] == "0"
    assert (await crew("GET", ME)).status == 401
    assert (await elsewhere("GET", ME)).status == 200


@in_hub
async def test_signing_out_everywhere_ends_every_session(hub: InProcessHub) -> None:
    crew = await hub.crew(hub.first_center, "editor")
    elsewhere = await hub.sign_in(await username_of(crew), CREW_PASSWORD)
    assert (await elsewhere("GET", ME)).status == 200
    await crew.ok("POST", "/api/v1/auth/logout-everywhere")
    assert [(await caller("GET", ME)).status for caller in (crew, elsewhere)] == [401, 401]


@in_hub
async def test_a_new_password_ends_every_session_and_replaces_the_old(hub: InProcessHub) -> None:
    crew = await hub.crew(hub.first_center, "editor")
    name = await username_of(crew)
    elsewhere = await hub.sign_in(name, CREW_PASSWORD)
    weak = await crew("POST", "/api/v1/auth/password", {"current": CREW_PASSWORD, "password": "short"})
    assert (weak.status, weak.json["code"]) == (422, "weak_password")
    await crew.ok("POST", "/api/v1/auth/password", {"current": CREW_PASSWORD, "password": "another good password"})
    assert [(await caller("GET", ME)).status for caller in (crew, elsewhere)] == [401, 401]
    assert (await log_in(hub.stranger(), name, CREW_PASSWORD)).status == 401
    assert (await log_in(hub.stranger(), name, "another good password")).status == 200


@in_hub
async def test_sign_ins_are_audited_with_their_address(hub: InProcessHub) -> None:
    name = f"nobody-{new_id()}"
    stranger = hub.stranger()
    await log_in(stranger, name, "wrong")
    entry = await hub.database["audit"].find_one({"by": name})
    assert entry is not None
    assert (entry["act"], entry["outcome"], entry["address"]) == ("sign_in", "wrong_credentials", stranger.address)


@in_hub
async def test_no_password_and_no_cookie_is_kept_as_it_is(hub: InProcessHub) -> None:
    cookie = cookie_of(await log_in(hub.stranger(), "admin", ADMIN_PASSWORD))
    for collection in ("crew", "sessions", "audit", "sign_in_failures"):
        text = str(await hub.database[collection].find({}).to_list(None))
        assert ADMIN_PASSWORD not in text and CREW_PASSWORD not in text and cookie not in text, collection


# The parts alone, with a clock moved by hand


class HandClock:
    def __init__(self) -> None:
        self.now = time.time()

    def utc(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


async def test_a_pause_grows_ends_and_is_forgotten(database: Database) -> None:
    clock = HandClock()
    lockout = Lockout(database, clock)
    for _ in range(FREE_FAILURES):
        assert await lockout.pause_left("xiaowang", "10.0.0.1") == 0
        await lockout.failed("xiaowang", "10.0.0.1")
    pauses = []
    for _ in range(10):
        pauses.append(await lockout.pause_left("xiaowang", "10.0.0.1"))
        clock.now += pauses[-1]
        assert await lockout.pause_left("xiaowang", "10.0.0.1") == 0, "released"
        await lockout.failed("xiaowang", "10.0.0.1")
    assert pauses == [pytest.approx(min(FIRST_PAUSE * 2**n, MAX_PAUSE)) for n in range(10)]
    assert await lockout.pause_left("xiaowang", "10.0.0.2") == 0
    clock.now += FORGET_SECONDS + MAX_PAUSE
    await lockout.failed("xiaowang", "10.0.0.1")
    assert await lockout.pause_left("xiaowang", "10.0.0.1") == 0, "an hour later a typing error costs nothing again"


async def test_success_wipes_the_slate(database: Database) -> None:
    lockout = Lockout(database, HandClock())
    for _ in range(FREE_FAILURES - 1):
        await lockout.failed("xiaowang", "10.0.0.1")
    await lockout.succeeded("xiaowang", "10.0.0.1")
    await lockout.failed("xiaowang", "10.0.0.1")
    assert await lockout.pause_left("xiaowang", "10.0.0.1") == 0


async def test_an_address_that_tries_many_names_pauses_for_all(database: Database) -> None:
    lockout = Lockout(database, HandClock())
    for number in range(ADDRESS_FAILURES):
        assert await lockout.pause_left("xiaowang", "10.0.0.1") == 0
        await lockout.failed(f"name{number}", "10.0.0.1")
    assert await lockout.pause_left("xiaowang", "10.0.0.1") == pytest.approx(FIRST_PAUSE)


async def test_failures_at_once_are_all_counted(database: Database) -> None:
    lockout = Lockout(database, HandClock())
    await asyncio.gather(*(lockout.failed("xiaowang", "10.0.0.1") for _ in range(FREE_FAILURES)))
    assert await lockout.pause_left("xiaowang", "10.0.0.1") > 0


async def test_a_session_ends_when_unused_or_old(database: Database) -> None:
    clock = HandClock()
    sessions = Sessions(database, clock, "s" * 64)
    cookie = await sessions.begin("crew", "10.0.0.1", "a browser")
    for _ in range(round(MAX_SECONDS / IDLE_SECONDS) - 1):
        clock.now += IDLE_SECONDS - 1
        assert await sessions.by_cookie(cookie) is not None, "used: it goes on"
    idle = await sessions.begin("crew", "10.0.0.1", "a browser")
    clock.now += IDLE_SECONDS + 1
    assert await sessions.by_cookie(idle) is None
    assert await sessions.by_cookie(cookie) is None
    old = await sessions.begin("crew", "10.0.0.1", "a browser")
    for _ in range(round(MAX_SECONDS / IDLE_SECONDS) + 1):
        clock.now += IDLE_SECONDS - 1
        await sessions.by_cookie(old)
    assert await sessions.by_cookie(old) is None, "used all the time, and old all the same"


async def test_a_token_lives_a_quarter_of_an_hour(database: Database) -> None:
    clock = HandClock()
    sessions = Sessions(database, clock, "s" * 64)
    cookie = await sessions.begin("crew", "10.0.0.1", "a browser")
    session_id = sessions_module.session_id_of(cookie)
    fresh = sessions.access_token(session_id, "crew")
    clock.now -= ACCESS_SECONDS + 1
    stale = sessions.access_token(session_id, "crew")
    clock.now += ACCESS_SECONDS + 1
    assert await sessions.by_token(fresh) is not None
    assert await sessions.by_token(stale) is None


async def test_another_process_believes_a_revoked_session_for_seconds_at_most(database: Database) -> None:
    clock = HandClock()
    here, there = Sessions(database, clock, "s" * 64), Sessions(database, clock, "s" * 64)
    cookie = await here.begin("crew", "10.0.0.1", "a browser")
    assert await there.by_cookie(cookie) is not None
    await here.end_all("crew")
    assert await here.by_cookie(cookie) is None
    clock.now += CACHE_SECONDS
    assert await there.by_cookie(cookie) is None


async def test_a_hash_fits_its_password_alone() -> None:
    kept = await hash_password("灯会开始了吗 2026")
    assert kept.startswith("$argon2id$")
    assert await verify_password(kept, "灯会开始了吗 2026")
    assert not await verify_password(kept, "灯会开始了吗 2027")
    assert not await verify_password(None, "nobody has this password")
    assert not await verify_password("not a hash", "x")


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = signing_secret(tmp_path)
    assert len(made) == 64 and signing_secret(tmp_path) == made
    assert (tmp_path / "token.secret").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["token.secret"]


def test_a_crash_while_the_secret_was_made_leaves_none_behind(tmp_path: Path) -> None:
    (tmp_path / "token.secret.part").write_text("")
    assert len(signing_secret(tmp_path)) == 64
