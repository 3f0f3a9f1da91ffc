"""Centers (for the platform admin) and crew (for each center's admin)."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from config.clock import Clock
from config.ids import new_id
from web.access import chosen_center
from web.accounts.actions import AccountError, Accounts
from web.accounts.model import Center, Crew, Permission, Quotas
from web.accounts.store import UsernameTaken
from web.auth.audit import Audit
from web.identity import address_of, caller
from web.problems import Problem
from web.routing import Access, Endpoint, answer, body_of
from web.schemas.accounts import (
    CenterCreate,
    CenterList,
    CenterPatch,
    CenterView,
    CrewCreate,
    CrewList,
    CrewPatch,
    CrewView,
    InvitedView,
    QuotasBody,
)
from web.schemas.auth import DoneView


def account_endpoints(accounts: Accounts, audit: Audit, clock: Clock) -> list[Endpoint]:
    store = accounts.store

    async def centers(request: web.Request) -> web.StreamResponse:
        seen = caller(request).centers_with(Permission.SEE_EVENTS)
        found = await store.centers(None if seen is None else sorted(seen))
        return answer(CenterList(items=[_center_view(center) for center in found]))

    async def create_center(request: web.Request) -> web.StreamResponse:
        body = body_of(request, CenterCreate)
        center = Center(new_id(), body.name, body.accent, Quotas(**body.quotas.model_dump()), False, clock.utc())
        await store.insert_center(center)
        await _log(request, "create_center", center.id, center.id)
        return answer(_center_view(center), status=201)

    async def patch_center(request: web.Request) -> web.StreamResponse:
        center = await store.center(request.match_info["center_id"])
        crew = caller(request)
        if center is None or not crew.may(Permission.SEE_EVENTS, center.id):
            raise Problem(404, "not_found")
        if not crew.may(Permission.MANAGE_CREW, center.id):
            raise Problem(403, "forbidden")
        body = body_of(request, CenterPatch)
        if (body.quotas is not None or body.disabled is not None) and not crew.platform_admin:
            raise Problem(403, "forbidden")
        changed = replace(
            center,
            name=body.name or center.name,
            accent=body.accent or center.accent,
            quotas=Quotas(**body.quotas.model_dump()) if body.quotas else center.quotas,
            disabled=center.disabled if body.disabled is None else body.disabled,
        )
        await store.replace_center(changed)
        await _log(request, "change_center", center.id, center.id)
        return answer(_center_view(changed))

    async def crew_list(request: web.Request) -> web.StreamResponse:
        managed = caller(request).centers_with(Permission.MANAGE_CREW)
        if managed is not None and not managed:
            raise Problem(403, "forbidden")
        found = await store.crew_of(None if managed is None else sorted(managed))
        return answer(CrewList(items=[_crew_view(crew, managed) for crew in found]))

    async def invite(request: web.Request) -> web.StreamResponse:
        body = body_of(request, CrewCreate)
        all_centers = await store.centers()
        center_id = chosen_center(request, body.center_id, Permission.MANAGE_CREW, all_centers[0].id)
        center = next((center for center in all_centers if center.id == center_id), None)
        if center is None:
            raise Problem(404, "not_found")
        if len(await store.crew_of([center_id])) >= center.quotas.crew:
            raise Problem(409, "quota_crew")
        try:
            crew, password = await accounts.invite(body.username, body.name, {center_id: tuple(body.roles)})
        except UsernameTaken:
            raise Problem(409, "username_taken") from None
        await _log(request, "invite", crew.id, center_id)
        managed = caller(request).centers_with(Permission.MANAGE_CREW)
        return answer(InvitedView(crew=_crew_view(crew, managed), one_time_password=password), status=201)

    async def access_crew(request: web.Request) -> tuple[Crew, frozenset[str] | None]:
        """Somebody whose every center the caller manages: an account shared with others is not theirs to change."""
        managed = caller(request).centers_with(Permission.MANAGE_CREW)
        crew = await store.crew(request.match_info["crew_id"])
        if crew is None or (managed is not None and (crew.platform_admin or not managed & crew.roles.keys())):
            raise Problem(404, "not_found")
        if managed is not None and not crew.roles.keys() <= managed:
            raise Problem(403, "forbidden")
        return crew, managed

    async def patch_crew(request: web.Request) -> web.StreamResponse:
        crew, managed = await access_crew(request)
        body = body_of(request, CrewPatch)
        roles = None
        if body.roles is not None:
            center_id = body.center_id or next(iter(crew.roles), None)
            if center_id is None or (managed is not None and center_id not in managed):
                raise Problem(404, "not_found")
            if await store.center(center_id) is None:
                raise Problem(404, "not_found")
            roles = {**crew.roles, center_id: tuple(body.roles)}
        try:
            changed = await accounts.change(
                crew, name=body.name, disabled=body.disabled, roles=roles, may_leave_alone=managed is None
            )
        except AccountError as error:
            raise Problem(409, error.code) from None
        await _log(request, "change_crew", crew.id, next(iter(crew.roles), None))
        return answer(_crew_view(changed, managed))

    async def reset_password(request: web.Request) -> web.StreamResponse:
        crew, managed = await access_crew(request)
        changed, password = await accounts.reset_password(crew)
        await _log(request, "reset_password", crew.id, next(iter(crew.roles), None))
        return answer(InvitedView(crew=_crew_view(changed, managed), one_time_password=password))

    async def sign_out(request: web.Request) -> web.StreamResponse:
        crew, _ = await access_crew(request)
        await accounts.sign_out_everywhere(crew)
        await _log(request, "sign_out_crew", crew.id, next(iter(crew.roles), None))
        return answer(DoneView())

    async def _log(request: web.Request, act: str, target: str, center_id: str | None) -> None:
        await audit.write(act, by=caller(request).id, address=address_of(request), center_id=center_id, target=target)

    one = "/api/v1/crew/{crew_id}"
    return [
        Endpoint("GET", "/api/v1/centers", centers, Access.CREW, "Centers of the caller", returns=CenterList),
        Endpoint(
            "POST", "/api/v1/centers", create_center, Access.PLATFORM, "A new center",
            body=CenterCreate, returns=CenterView, status=201,
        ),
        Endpoint(
            "PATCH", "/api/v1/centers/{center_id}", patch_center, Access.CREW, "Change a center",
            body=CenterPatch, returns=CenterView,
        ),
        Endpoint("GET", "/api/v1/crew", crew_list, Access.CREW, "Crew of the caller's centers", returns=CrewList),
        Endpoint(
            "POST", "/api/v1/crew", invite, Access.CREW, "Invite somebody",
            body=CrewCreate, returns=InvitedView, status=201,
        ),
        Endpoint("PATCH", one, patch_crew, Access.CREW, "Change", body=CrewPatch, returns=CrewView),
        Endpoint("POST", f"{one}/reset-password", reset_password, Access.CREW, "New password", returns=InvitedView),
        Endpoint("POST", f"{one}/sign-out", sign_out, Access.CREW, "Sign somebody out everywhere", returns=DoneView),
    ]  # fmt: skip


def _center_view(center: Center) -> CenterView:
    quotas = QuotasBody(live_events=center.quotas.live_events, crew=center.quotas.crew)
    return CenterView(
        id=center.id,
        name=center.name,
        accent=center.accent,
        quotas=quotas,
        disabled=center.disabled,
        created_at=center.created_at,
    )


def _crew_view(crew: Crew, managed: frozenset[str] | None) -> CrewView:
    return CrewView(
        id=crew.id,
        username=crew.username,
        name=crew.name,
        platform_admin=crew.platform_admin,
        disabled=crew.disabled,
        must_change_password=crew.must_change_password,
        roles={center: list(roles) for center, roles in crew.roles.items() if managed is None or center in managed},
        created_at=crew.created_at,
    )
