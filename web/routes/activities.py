"""Activities over the API: the crew's desk, and what one viewer did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from interaction.activities.engine import Activities
from interaction.activities.vote.votes import Votes
from interaction.activity import Activity
from streaming.events.model import EventState
from streaming.events.store import EventStore
from web.access import access_event
from web.accounts.model import Permission
from web.auth.audit import Audit
from web.identity import address_of, caller
from web.problems import Problem
from web.realtime.viewers import ViewerTokens
from web.routing import Access, Endpoint, Handler, answer, body_of
from web.schemas.activities import (
    ActivityBody,
    ActivityPage,
    ActivityView,
    RecountView,
    ResultsView,
    SettleBody,
    ViewerMeView,
    VoidBody,
)


def activity_endpoints(
    activities: Activities, votes: Votes, events: EventStore, tokens: ViewerTokens, audit: Audit
) -> list[Endpoint]:
    async def create(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.INTERACT)
        body = body_of(request, ActivityBody).root
        activity = await activities.create(
            event.id, event.center_id, body.kind, body.title, body.rules(), body.seconds, caller(request).id
        )
        await _audited(request, "create_activity", activity)
        return answer(view_of(activity), status=201)

    async def every(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.SEE_EVENTS)
        items = [view_of(activity) for activity in await activities.every(event.id)]
        return answer(ActivityPage(items=items, next_cursor=None))

    async def one(request: web.Request) -> web.StreamResponse:
        return answer(view_of(await access_activity(request, activities, Permission.SEE_EVENTS)))

    async def edit(request: web.Request) -> web.StreamResponse:
        activity = await access_activity(request, activities, Permission.INTERACT)
        body = body_of(request, ActivityBody).root
        if body.kind != activity.kind:
            raise Problem(409, "wrong_kind")
        changed = await activities.edit(activity.id, body.title, body.rules(), body.seconds)
        await _audited(request, "edit_activity", changed)
        return answer(view_of(changed))

    async def remove(request: web.Request) -> web.StreamResponse:
        activity = await access_activity(request, activities, Permission.INTERACT)
        await activities.remove(activity.id)
        await _audited(request, "remove_activity", activity)
        return web.Response(status=204)

    def command(name: str, act: Callable[[web.Request, str], Awaitable[Activity]]) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            activity = await access_activity(request, activities, Permission.INTERACT)
            changed = await act(request, activity.id)
            await _audited(request, f"{name}_activity", changed)
            return answer(view_of(changed))

        return handler

    async def results(request: web.Request) -> web.StreamResponse:
        activity = await access_activity(request, activities, Permission.SEE_FIGURES)
        return answer(ResultsView.model_validate(await activities.results(activity.id)))

    async def recount(request: web.Request) -> web.StreamResponse:
        activity = await access_activity(request, activities, Permission.SEE_FIGURES)
        if activity.kind != "vote":
            raise Problem(409, "wrong_kind")
        return answer(RecountView.model_validate(await votes.recount(activity)))

    async def me(request: web.Request) -> web.StreamResponse:
        event = await events.get(request.match_info["event_id"])
        if event is None or event.state is EventState.DRAFT:
            raise Problem(404, "not_found")
        viewer = tokens.read(request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ").strip())
        if viewer is None or viewer.event_id != event.id:
            raise Problem(401, "join_again")
        mine = await activities.mine(viewer.event_id, viewer.id)
        return answer(
            ViewerMeView(viewer_id=viewer.id, nickname=viewer.nickname, anonymous=viewer.anonymous, activities=mine)
        )

    async def _audited(request: web.Request, act: str, activity: Activity) -> None:
        await audit.write(
            act,
            by=caller(request).id,
            address=address_of(request),
            center_id=activity.center_id,
            target=activity.id,
        )

    event, activity, crew = "/api/v1/events/{event_id}", "/api/v1/activities/{activity_id}", Access.CREW
    opened = command("open", lambda _, id_: activities.open(id_))
    closed = command("close", lambda _, id_: activities.close(id_))
    settled = command("settle", lambda request, id_: activities.settle(id_, body_of(request, SettleBody).model_dump()))
    voided = command("void", lambda request, id_: activities.void(id_, body_of(request, VoidBody).reason))
    return [
        Endpoint(
            "POST",
            f"{event}/activities",
            create,
            crew,
            "Prepare an activity",
            body=ActivityBody,
            returns=ActivityView,
            status=201,
        ),
        Endpoint("GET", f"{event}/activities", every, crew, "The event's activities", returns=ActivityPage),
        Endpoint("GET", f"{event}/me", me, Access.PUBLIC, "What this viewer did", returns=ViewerMeView),
        Endpoint("GET", activity, one, crew, "One activity", returns=ActivityView),
        Endpoint("PATCH", activity, edit, crew, "Change a draft", body=ActivityBody, returns=ActivityView),
        Endpoint("DELETE", activity, remove, crew, "Forget a draft", status=204),
        Endpoint("POST", f"{activity}/open", opened, crew, "Open", returns=ActivityView),
        Endpoint("POST", f"{activity}/close", closed, crew, "Close", returns=ActivityView),
        Endpoint("POST", f"{activity}/settle", settled, crew, "Settle", body=SettleBody, returns=ActivityView),
        Endpoint("POST", f"{activity}/void", voided, crew, "Void", body=VoidBody, returns=ActivityView),
        Endpoint("GET", f"{activity}/results", results, crew, "Results", returns=ResultsView),
        Endpoint("POST", f"{activity}/recount", recount, crew, "Count the ballots again", returns=RecountView),
    ]


async def access_activity(request: web.Request, activities: Activities, permission: Permission) -> Activity:
    """The activity in the path, by its event's rule. Raises Problem."""
    activity = await activities.get(request.match_info["activity_id"])
    if activity is None:
        raise Problem(404, "not_found")
    await access_event(request, activity.event_id, permission)
    return activity


def view_of(activity: Activity) -> ActivityView:
    """An activity as the crew sees it."""
    return ActivityView.model_validate(
        {
            **activity.rules,
            "id": activity.id,
            "event_id": activity.event_id,
            "kind": activity.kind,
            "title": activity.title,
            "state": activity.state.value,
            "seconds": activity.seconds,
            "created_at": activity.created_at,
            "opened_at": activity.opened_at,
            "closes_at": activity.closes_at,
            "closed_at": activity.closed_at,
            "settled_at": activity.settled_at,
            "voided_at": activity.voided_at,
            "void_reason": activity.void_reason,
            "facts": activity.facts,
        }
    )
