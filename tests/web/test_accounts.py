"""Centers and crew over the API: invitations, roles, disabling, passwords, quotas, the last administrator."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from config.ids import new_id
from tests.support.hub import ADMIN_PASSWORD, CREW_PASSWORD, Answer, Caller, InProcessHub

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

API, CREW, CENTERS, ME = "/api/v1", "/api/v1/crew", "/api/v1/centers", "/api/v1/auth/me"


def somebody(**fields: object) -> dict[str, Any]:
    return {"username": f"new-{new_id()}", "name": "小李", "roles": ["editor"]} | fields


async def log_in(hub: InProcessHub, username: str, password: str) -> Answer:
    return await hub.stranger()("POST", f"{API}/auth/login", {"username": username, "password": password})


async def me(caller: Caller) -> dict[str, Any]:
    answer: dict[str, Any] = await caller.ok("GET", ME)
    return answer


async def test_the_first_start_makes_one_center_and_its_admin(hub: InProcessHub) -> None:
    shown = await me(hub.admin)
    assert shown["platform_admin"] and shown["centers"][0]["center_id"] == hub.first_center
    assert "manage_crew" in shown["centers"][0]["permissions"]
    assert not shown["must_change_password"], "a password given by setting is taken as it is"


async def test_an_invitation_opens_nothing_but_the_change_of_its_password(hub: InProcessHub) -> None:
    center = await hub.center()
    admin = await hub.crew(center, "center_admin")
    body = somebody(roles=["director", "moderator"])
    invited = await admin.ok("POST", CREW, body)
    assert invited["crew"] == {
        "id": invited["crew"]["id"],
        "username": body["username"],
        "name": "小李",
        "platform_admin": False,
        "disabled": False,
        "must_change_password": True,
        "roles": {center: ["director", "moderator"]},
        "created_at": invited["crew"]["created_at"],
    }
    once = invited["one_time_password"]
    assert len(once) >= 10
    new = await hub.sign_in(body["username"], once)
    assert (await me(new))["must_change_password"]
    for method, path in (("GET", f"{API}/events"), ("GET", CENTERS), ("GET", f"{API}/library/items")):
        refused = await new(method, path)
        assert (refused.status, refused.json["code"]) == (403, "password_change_due")
    await new.ok("POST", f"{API}/auth/password", {"current": once, "password": CREW_PASSWORD})
    assert (await log_in(hub, body["username"], once)).status == 401
    signed_in = await hub.sign_in(body["username"], CREW_PASSWORD)
    assert not (await me(signed_in))["must_change_password"]
    assert (await signed_in("GET", f"{API}/events")).status == 200
    # the one-time password is shown in this one answer
    listed = await admin("GET", CREW)
    assert once.encode() not in listed.body and b"password_hash" not in listed.body


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "x"},
        {"username": "two words"},
        {"username": "a" * 65},
        {"name": ""},
        {"name": "字" * 61},
        {"roles": []},
        {"roles": ["king"]},
        {"password": "mine"},
    ],
)
async def test_an_invitation_says_what_is_wrong(hub: InProcessHub, wrong: dict[str, object]) -> None:
    answer = await hub.admin("POST", CREW, somebody(**wrong))
    assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert answer.json["errors"][0]["loc"].startswith(next(iter(wrong)))


async def test_a_user_name_is_given_once(hub: InProcessHub) -> None:
    body = somebody()
    await hub.admin.ok("POST", CREW, body)
    again = await hub.admin("POST", CREW, body | {"username": body["username"].upper()})
    assert (again.status, again.json["code"]) == (409, "username_taken")


async def test_of_two_invitations_of_one_name_at_once_one_is_taken(hub: InProcessHub) -> None:
    body = somebody()
    answers = await asyncio.gather(*(hub.admin("POST", CREW, body) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409]


async def test_disabling_somebody_counts_at_once_and_can_be_undone(hub: InProcessHub) -> None:
    center = await hub.center()
    admin, editor = await hub.crew(center, "center_admin"), await hub.crew(center, "editor")
    who = await me(editor)
    changed = await admin.ok("PATCH", f"{CREW}/{who['id']}", {"disabled": True})
    assert changed["disabled"]
    assert (await editor("GET", ME)).status == 401
    refused = await log_in(hub, who["username"], CREW_PASSWORD)
    assert (refused.status, refused.json["code"]) == (403, "account_disabled")
    await admin.ok("PATCH", f"{CREW}/{who['id']}", {"disabled": False})
    assert (await editor("GET", ME)).status == 401, "an old session does not come back"
    assert (await log_in(hub, who["username"], CREW_PASSWORD)).status == 200


async def test_other_roles_count_at_once(hub: InProcessHub) -> None:
    center = await hub.center()
    admin, editor = await hub.crew(center, "center_admin"), await hub.crew(center, "editor")
    who = (await me(editor))["id"]
    refused = await editor("POST", f"{API}/events", {"title": "x", "venues": [{"name": "y", "main": True}]})
    assert refused.status == 403
    await admin.ok("PATCH", f"{CREW}/{who}", {"roles": ["director"]})
    await hub.event(editor)
    await admin.ok("PATCH", f"{CREW}/{who}", {"roles": []})
    assert (await editor.ok("GET", f"{API}/events"))["items"] == []
    assert (await editor.ok("GET", CENTERS))["items"] == [], "who has no role left sees no center"
    assert who in [crew["id"] for crew in (await admin.ok("GET", CREW))["items"]], "and can be given one again"


async def test_a_reset_password_is_for_once_and_ends_every_session(hub: InProcessHub) -> None:
    center = await hub.center()
    admin, editor = await hub.crew(center, "center_admin"), await hub.crew(center, "editor")
    who = await me(editor)
    reset = await admin.ok("POST", f"{CREW}/{who['id']}/reset-password")
    assert reset["crew"]["must_change_password"]
    assert (await editor("GET", ME)).status == 401
    assert (await log_in(hub, who["username"], CREW_PASSWORD)).status == 401
    new = await hub.sign_in(who["username"], reset["one_time_password"])
    assert (await me(new))["must_change_password"]


async def test_an_admin_signs_somebody_out_everywhere(hub: InProcessHub) -> None:
    center = await hub.center()
    admin, editor = await hub.crew(center, "center_admin"), await hub.crew(center, "editor")
    who = await me(editor)
    elsewhere = await hub.sign_in(who["username"], CREW_PASSWORD)
    assert await admin.ok("POST", f"{CREW}/{who['id']}/sign-out") == {"done": True}
    assert [(await caller("GET", ME)).status for caller in (editor, elsewhere)] == [401, 401]
    assert (await admin("GET", ME)).status == 200


async def test_a_center_admin_lists_and_changes_ones_own_crew_alone(hub: InProcessHub) -> None:
    center, other = await hub.center(), await hub.center("山南")
    admin, _ = await hub.crew(center, "center_admin"), await hub.crew(other, "editor")
    listed = (await admin.ok("GET", CREW))["items"]
    assert [crew["username"] for crew in listed] == [(await me(admin))["username"]]
    platform = (await me(hub.admin))["id"]
    for path in (f"{CREW}/{platform}/reset-password", f"{CREW}/{platform}/sign-out"):
        assert (await admin("POST", path)).status == 404


async def test_an_account_of_two_centers_is_changed_by_neither_alone(hub: InProcessHub) -> None:
    center, other = await hub.center(), await hub.center("山南")
    admin, shared = await hub.crew(center, "center_admin"), await hub.crew(center, "editor")
    who = (await me(shared))["id"]
    await hub.admin.ok("PATCH", f"{CREW}/{who}", {"center_id": other, "roles": ["viewer"]})
    listed = {crew["id"]: crew for crew in (await admin.ok("GET", CREW))["items"]}
    assert listed[who]["roles"] == {center: ["editor"]}, "the other center is not named"
    assert (await admin("POST", f"{CREW}/{who}/reset-password")).status == 403
    assert (await admin("PATCH", f"{CREW}/{who}", {"disabled": True})).status == 403
    # in two centers, a center has to be named where it matters
    assert {entry["center_id"] for entry in (await me(shared))["centers"]} == {center, other}


async def test_nobody_becomes_more_than_crew_of_the_center(hub: InProcessHub) -> None:
    center = await hub.center()
    admin = await hub.crew(center, "center_admin")
    for body in ({"platform_admin": True}, {"roles": ["platform_admin"]}, {"username": "root"}):
        answer = await admin("PATCH", f"{CREW}/{(await me(admin))['id']}", body)
        assert (answer.status, answer.json["code"]) == (422, "invalid")


async def test_the_last_platform_admin_stays(hub: InProcessHub) -> None:
    answer = await hub.admin("PATCH", f"{CREW}/{(await me(hub.admin))['id']}", {"disabled": True})
    assert (answer.status, answer.json["code"]) == (409, "last_admin")
    assert (await log_in(hub, "admin", ADMIN_PASSWORD)).status == 200


@pytest.mark.parametrize("change", [{"disabled": True}, {"roles": ["editor"]}, {"roles": []}])
async def test_the_last_admin_of_a_center_does_not_leave_it_alone(hub: InProcessHub, change: dict[str, object]) -> None:
    center = await hub.center()
    admin = await hub.crew(center, "center_admin")
    path = f"{CREW}/{(await me(admin))['id']}"
    answer = await admin("PATCH", path, change)
    assert (answer.status, answer.json["code"]) == (409, "last_admin")
    await hub.crew(center, "center_admin")
    assert (await admin("PATCH", path, change)).status == 200


async def test_a_quota_of_crew(hub: InProcessHub) -> None:
    center = await hub.center(quotas={"live_events": 1, "crew": 2})
    admin = await hub.crew(center, "center_admin")
    await admin.ok("POST", CREW, somebody())
    full = await admin("POST", CREW, somebody())
    assert (full.status, full.json["code"]) == (409, "quota_crew")
    quotas = {"quotas": {"live_events": 1, "crew": 3}}
    assert (await admin("PATCH", f"{CENTERS}/{center}", quotas)).status == 403, "quotas are the platform's"
    await hub.admin.ok("PATCH", f"{CENTERS}/{center}", quotas)
    await admin.ok("POST", CREW, somebody())


async def test_a_quota_of_live_events(hub: InProcessHub) -> None:
    center = await hub.center(quotas={"live_events": 1, "crew": 5})
    director = await hub.crew(center, "director")
    first, second = await hub.event(director), await hub.event(director)
    await director.ok("POST", f"{API}/events/{first['id']}/start")
    full = await director("POST", f"{API}/events/{second['id']}/start")
    assert (full.status, full.json["code"]) == (409, "quota_events")
    await director.ok("POST", f"{API}/events/{first['id']}/start")  # what is live is no second one
    await director.ok("POST", f"{API}/events/{first['id']}/end")
    await director.ok("POST", f"{API}/events/{second['id']}/start")
    await director.ok("POST", f"{API}/events/{second['id']}/end")


async def test_a_center_is_made_changed_and_disabled(hub: InProcessHub) -> None:
    made = await hub.admin.ok("POST", CENTERS, {"name": " 江北 "})
    assert (made["name"], made["accent"], made["disabled"]) == ("江北", "#1f6feb", False)
    assert made["quotas"] == {"live_events": 10, "crew": 200}
    path = f"{CENTERS}/{made['id']}"
    admin, editor = await hub.crew(made["id"], "center_admin"), await hub.crew(made["id"], "editor")
    changed = await admin.ok("PATCH", path, {"name": "江北融媒", "accent": "#AA0011"})
    assert (changed["name"], changed["accent"]) == ("江北融媒", "#AA0011")
    assert (await admin("PATCH", path, {"disabled": True})).status == 403, "only the platform's"
    assert (await admin("PATCH", path, {"accent": "red"})).status == 422
    await hub.admin.ok("PATCH", path, {"disabled": True})
    assert (await editor.ok("GET", f"{API}/events"))["items"] == []
    assert (await editor("GET", f"{API}/events?center_id={made['id']}")).status == 404
    await hub.admin.ok("PATCH", path, {"disabled": False})
    assert (await editor("GET", f"{API}/events?center_id={made['id']}")).status == 200


async def test_a_center_that_is_not_there_takes_nobody_in(hub: InProcessHub) -> None:
    for center in (new_id(), "roles.x", "$where"):
        assert (await hub.admin("POST", CREW, somebody(center_id=center))).status == 404
        answer = await hub.admin("PATCH", f"{CREW}/{(await me(hub.admin))['id']}", {"center_id": center, "roles": []})
        assert answer.status == 404


async def test_crew_changes_are_audited(hub: InProcessHub) -> None:
    center = await hub.center()
    admin = await hub.crew(center, "center_admin")
    crew = (await admin.ok("POST", CREW, somebody()))["crew"]["id"]
    await admin.ok("PATCH", f"{CREW}/{crew}", {"name": "小张"})
    await admin.ok("POST", f"{CREW}/{crew}/reset-password")
    entries = await hub.database["audit"].find({"target": crew}).sort("at", 1).to_list(None)
    assert [entry["act"] for entry in entries] == ["invite", "change_crew", "reset_password"]
    by = (await me(admin))["id"]
    assert {(entry["by"], entry["center_id"], entry["address"]) for entry in entries} == {(by, center, admin.address)}
