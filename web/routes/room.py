"""The room over HTTP: joining, the snapshot that a CDN may keep, comments, and the crew's review of held ones."""

from __future__ import annotations

from aiohttp import web

from interaction.rooms import Rooms
from interaction.store.comments import Comment, Status
from streaming.events.model import Event, EventState
from streaming.events.store import EventStore
from web.access import access_event
from web.accounts.model import Permission
from web.app_sign_on.entrance import AppSignOn
from web.auth.audit import Audit
from web.cursors import from_cursor, to_cursor
from web.identity import address_of, caller
from web.problems import Problem
from web.realtime.viewers import ViewerTokens
from web.routes.snapshot import Snapshots
from web.routing import Access, Endpoint, answer, body_of
from web.schemas.room import (
    CommentPage,
    CommentQuery,
    CommentView,
    CommentViewer,
    JoinBody,
    JoinView,
    ReviewBody,
    ReviewView,
    SnapshotView,
)


def room_endpoints(
    rooms: Rooms, events: EventStore, tokens: ViewerTokens, sign_on: AppSignOn, audit: Audit
) -> list[Endpoint]:
    snapshots = Snapshots(rooms)

    async def public_event(request: web.Request) -> Event:
        event = await events.get(request.match_info["event_id"])
        if event is None or event.state is EventState.DRAFT:
            raise Problem(404, "not_found")
        return event

    async def join(request: web.Request) -> web.StreamResponse:
        event = await public_event(request)
        body = body_of(request, JoinBody)
        if body.app_token is not None:
            account = await sign_on.enter(event.center_id, body.app_token, body.device_id)
            token, viewer = tokens.account(event.id, event.center_id, account)
        else:
            token, viewer = tokens.anonymous(event.id, body.device_id, body.nickname)
        return answer(
            JoinView(
                token=token,
                viewer_id=viewer.id,
                anonymous=viewer.anonymous,
                nickname=viewer.nickname,
                avatar=viewer.avatar,
            )
        )

    async def snapshot(request: web.Request) -> web.StreamResponse:
        event_id = request.match_info["event_id"]
        rules = rooms.rules(event_id)
        if rules is None or rules.state == "draft":
            event_id = (await public_event(request)).id
        return await snapshots.answer(request, event_id)

    async def comments(request: web.Request) -> web.StreamResponse:
        event = await public_event(request)
        return await _page(request, event.id, Status.SHOWN)

    async def held(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.MODERATE)
        return await _page(request, event.id, Status.HELD)

    async def _page(request: web.Request, event_id: str, status: Status) -> web.StreamResponse:
        query = CommentQuery.model_validate(dict(request.query))
        found = await rooms.comments.page(event_id, status, before=from_cursor(query.cursor), limit=query.limit + 1)
        more, found = len(found) > query.limit, found[: query.limit]
        cursor = to_cursor(found[-1].at, found[-1].id) if more else None
        likes = await rooms.comments.likes_of([comment.id for comment in found])
        items = [_view(comment, likes.get(comment.id, 0)) for comment in found]
        return answer(CommentPage(items=items, next_cursor=cursor))

    async def approve(request: web.Request) -> web.StreamResponse:
        return await _review(request, approve=True)

    async def reject(request: web.Request) -> web.StreamResponse:
        return await _review(request, approve=False)

    async def _review(request: web.Request, *, approve: bool) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.MODERATE)
        body = body_of(request, ReviewBody)
        changed = await rooms.review(event.id, body.ids, approve=approve, by=caller(request).id, reason=body.reason)
        await audit.write(
            "approve_comments" if approve else "remove_comments",
            by=caller(request).id,
            address=address_of(request),
            center_id=event.center_id,
            target=",".join(comment.id for comment in changed)[:2000],
        )
        return answer(ReviewView(changed=[comment.id for comment in changed]))

    event, public, crew = "/api/v1/events/{event_id}", Access.PUBLIC, Access.CREW
    return [
        Endpoint("POST", f"{event}/join", join, public, "Join the room", body=JoinBody, returns=JoinView),
        Endpoint("GET", f"{event}/snapshot", snapshot, public, "The room for a newcomer", returns=SnapshotView),
        Endpoint("GET", f"{event}/comments", comments, public, "Comments", query=CommentQuery, returns=CommentPage),
        Endpoint("GET", f"{event}/comments/held", held, crew, "Held", query=CommentQuery, returns=CommentPage),
        Endpoint("POST", f"{event}/comments/approve", approve, crew, "Show", body=ReviewBody, returns=ReviewView),
        Endpoint("POST", f"{event}/comments/reject", reject, crew, "Remove", body=ReviewBody, returns=ReviewView),
    ]


def _view(comment: Comment, likes: int) -> CommentView:
    return CommentView(
        id=comment.id,
        text=comment.text,
        viewer=CommentViewer(id=comment.viewer_id[:12], nickname=comment.nickname, avatar=comment.avatar),
        at=comment.at,
        status=comment.status.value,
        reply_to=comment.reply_to,
        likes=likes,
    )
