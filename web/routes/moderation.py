"""The moderation desk of an event: its queue and past, pace, pin, sanctions and journal."""

from __future__ import annotations

from aiohttp import web

from config.clock import Clock
from interaction.room import Room
from interaction.rooms import Rooms
from interaction.store.comments import Comment, Status
from interaction.store.journal import Act
from interaction.store.sanctions import Sanction
from streaming.events.model import Event
from web.access import access_event
from web.accounts.model import Permission
from web.cursors import from_cursor, to_cursor
from web.identity import caller
from web.routing import Access, Endpoint, answer, body_of
from web.schemas.auth import DoneView
from web.schemas.moderation import (
    CommentCounts,
    JournalCheck,
    JournalEntry,
    JournalPage,
    JournalQuery,
    ModerationView,
    PinBody,
    ReviewedComment,
    ReviewedPage,
    ReviewQuery,
    SanctionBody,
    SanctionList,
    SanctionView,
    TalkRulesBody,
)
from web.schemas.room import CommentViewer


def moderation_endpoints(rooms: Rooms, clock: Clock) -> list[Endpoint]:
    talk = rooms.talk

    async def _event(request: web.Request) -> Event:
        return await access_event(request, request.match_info["event_id"], Permission.MODERATE)

    async def _room(event: Event) -> Room:
        return await rooms.room(event.id)

    async def _view(event: Event) -> ModerationView:
        rules, counts = talk.guard.event_rules(event.id), await talk.store.counts(event.id)
        return ModerationView(
            moderation="pre" if event.rules.moderation == "pre" else "post",
            slow_seconds=rules.slow_seconds,
            hold_links=rules.hold_links,
            pinned=rules.pinned,
            counts=CommentCounts(held=counts[Status.HELD], shown=counts[Status.SHOWN], removed=counts[Status.REMOVED]),
        )

    async def show(request: web.Request) -> web.StreamResponse:
        return answer(await _view(await _event(request)))

    async def change(request: web.Request) -> web.StreamResponse:
        event = await _event(request)
        changes = body_of(request, TalkRulesBody).model_dump(exclude_none=True)
        if changes:
            await talk.change_rules(await _room(event), changes, caller(request).id)
        return answer(await _view(event))

    async def comments(request: web.Request) -> web.StreamResponse:
        event = await _event(request)
        query = ReviewQuery.model_validate(dict(request.query))
        found = await talk.store.page(
            event.id,
            Status(query.status),
            before=from_cursor(query.cursor),
            limit=query.limit + 1,
            containing=query.q,
        )
        more, found = len(found) > query.limit, found[: query.limit]
        likes = await talk.store.likes_of([comment.id for comment in found])
        cursor = to_cursor(found[-1].at, found[-1].id) if more else None
        items = [_comment_view(comment, likes.get(comment.id, 0)) for comment in found]
        return answer(ReviewedPage(items=items, next_cursor=cursor))

    async def pin(request: web.Request) -> web.StreamResponse:
        event = await _event(request)
        await talk.pin(await _room(event), body_of(request, PinBody).comment_id, caller(request).id)
        return answer(DoneView())

    async def sanctions(request: web.Request) -> web.StreamResponse:
        event = await _event(request)
        found = await talk.guard.sanctions.standing(event.center_id, event.id, clock.utc())
        return answer(SanctionList(items=[_sanction_view(sanction) for sanction in found]))

    async def give(request: web.Request) -> web.StreamResponse:
        event = await _event(request)
        body = body_of(request, SanctionBody)
        sanction = await talk.sanction(
            await _room(event),
            body.comment_id,
            body.kind,
            minutes=body.minutes,
            reason=body.reason,
            by=caller(request).id,
            remove_comments=body.remove_comments,
        )
        return answer(_sanction_view(sanction), status=201)

    async def lift(request: web.Request) -> web.StreamResponse:
        event = await _event(request)
        lifted = await talk.lift(await _room(event), request.match_info["sanction_id"], caller(request).id)
        return answer(_sanction_view(lifted))

    async def journal(request: web.Request) -> web.StreamResponse:
        event = await _event(request)
        query = JournalQuery.model_validate(dict(request.query))
        before = int(query.cursor) if query.cursor is not None else None
        found = await talk.journal.page(event.id, before=before, limit=query.limit + 1)
        more, found = len(found) > query.limit, found[: query.limit]
        return answer(
            JournalPage(items=[_entry(act) for act in found], next_cursor=str(found[-1].number) if more else None)
        )

    async def check(request: web.Request) -> web.StreamResponse:
        event = await _event(request)
        return answer(JournalCheck(first_broken=await talk.journal.first_broken(event.id)))

    event, crew = "/api/v1/events/{event_id}", Access.CREW
    desk, given = f"{event}/moderation", f"{event}/sanctions"
    return [
        Endpoint("GET", desk, show, crew, "Rules and figures of the desk", returns=ModerationView),
        Endpoint("PATCH", desk, change, crew, "Pace and links", body=TalkRulesBody, returns=ModerationView),
        Endpoint("GET", f"{desk}/comments", comments, crew, "By status", query=ReviewQuery, returns=ReviewedPage),
        Endpoint("GET", f"{desk}/journal", journal, crew, "Acts", query=JournalQuery, returns=JournalPage),
        Endpoint("GET", f"{desk}/journal/check", check, crew, "Whether the journal is whole", returns=JournalCheck),
        Endpoint("POST", f"{event}/comments/pin", pin, crew, "Above the list", body=PinBody, returns=DoneView),
        Endpoint("GET", given, sanctions, crew, "Who may not speak", returns=SanctionList),
        Endpoint("POST", given, give, crew, "Mute or ban", body=SanctionBody, returns=SanctionView, status=201),
        Endpoint("POST", f"{given}/{{sanction_id}}/lift", lift, crew, "Let speak again", returns=SanctionView),
    ]


def _comment_view(comment: Comment, likes: int) -> ReviewedComment:
    return ReviewedComment(
        id=comment.id,
        text=comment.text,
        viewer=CommentViewer(id=comment.viewer_id[:12], nickname=comment.nickname, avatar=comment.avatar),
        at=comment.at,
        status=comment.status.value,
        reply_to=comment.reply_to,
        likes=likes,
        held_for=list(comment.held_for),
        reviewed_by=comment.reviewed_by,
        reason=comment.reason,
    )


def _sanction_view(sanction: Sanction) -> SanctionView:
    return SanctionView(
        id=sanction.id,
        kind=sanction.kind,
        viewer=sanction.viewer_id[:12],
        nickname=sanction.nickname,
        event_id=sanction.event_id,
        until=sanction.until,
        reason=sanction.reason,
        by=sanction.by,
        at=sanction.at,
    )


def _entry(act: Act) -> JournalEntry:
    return JournalEntry(
        number=act.number, at=act.at, act=act.act, by=act.by, target=act.target, reason=act.reason, hash=act.hash
    )
