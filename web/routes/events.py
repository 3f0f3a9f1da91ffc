"""Events, venues, feeds, the program and the red key."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Protocol

from aiohttp import web

from streaming.disk import DiskFull
from streaming.events.actions import EventActions, NotAllowed, NotThere
from streaming.events.life import WrongState
from streaming.events.model import Event, EventState, Feed, Rules, Venue
from streaming.events.store import Conflict, EventStore
from streaming.program.program import ProgramStatus
from streaming.pull.puller import PullStatus
from streaming.status import FeedStatus
from web.access import access_event, access_feed, chosen_center
from web.accounts.actions import Accounts
from web.accounts.model import Center, Permission
from web.auth.audit import Audit
from web.cursors import from_cursor, to_cursor
from web.identity import address_of, caller
from web.posters import BadPicture, Posters
from web.problems import Problem
from web.routing import Access, Endpoint, answer, body_of
from web.schemas.events import (
    AnonymousMay,
    AudienceCenter,
    AudienceEvent,
    AudienceVenue,
    AudioStatus,
    Contest,
    DumpView,
    EventCreate,
    EventPage,
    EventPatch,
    EventQuery,
    EventSummary,
    EventView,
    FeedAdd,
    FeedPatch,
    FeedPreview,
    FeedView,
    HealthNotice,
    Ingest,
    PosterView,
    ProgramChoice,
    ProgramView,
    RulesBody,
    StatsView,
    VenueAdd,
    VenuePatch,
    VenuePlay,
    VenueStats,
    VenueView,
    VideoStatus,
    Viewers,
)
from web.schemas.events import FeedStatus as FeedStatusView
from web.schemas.sources import link_view, pull_view, source_view
from web.urls import Urls, absolute


class LiveStatus(Protocol):
    """What is going on in feeds and programs."""

    def feed_status(self, feed_id: str) -> FeedStatus: ...

    def program_status(self, event_id: str, venue_id: str) -> ProgramStatus: ...

    def pull_status(self, feed_id: str) -> PullStatus | None: ...


class Audience(Protocol):
    """Who is watching."""

    def viewers(self, event_id: str, venue_id: str | None) -> tuple[int, int, int]:
        """Current, peak and unique viewers of a venue, or with None of the event."""

    async def comment_count(self, event_id: str) -> int: ...


class ReplayIndex(Protocol):
    async def replay_of(self, event_id: str) -> str | None:
        """Id of the event's published replay."""


class Points(Protocol):
    async def offered(self, center_id: str) -> bool:
        """Whether the center gives points for anything."""


class EventViews:
    """Shapes events for the crew and for the audience."""

    def __init__(
        self, live: LiveStatus, audience: Audience, replays: ReplayIndex, urls: Urls, accounts: Accounts, points: Points
    ) -> None:
        self._live, self._audience, self._replays, self._urls = live, audience, replays, urls
        self._accounts, self._points = accounts, points

    async def crew(self, request: web.Request, event: Event) -> EventView:
        base = self._urls.base(request)
        keys = caller(request).may(Permission.SEE_KEYS, event.center_id)
        return EventView(
            id=event.id,
            center_id=event.center_id,
            title=event.title,
            description=event.description,
            state=event.state,
            starts_at=event.starts_at,
            started_at=event.started_at,
            ended_at=event.ended_at,
            created_at=event.created_at,
            poster=absolute(base, event.poster),
            rules=_rules_view(event.rules),
            venues=[self._venue(base, event, venue, keys) for venue in event.venues],
            cut=event.cut,
            viewers=self._viewers(event.id, None),
            page_url=f"{base}/e/{event.id}",
            replay_item_id=await self._replays.replay_of(event.id) if event.ended_at else None,
        )

    def summary(self, request: web.Request, event: Event) -> EventSummary:
        base = self._urls.base(request)
        return EventSummary(
            id=event.id,
            center_id=event.center_id,
            title=event.title,
            state=event.state,
            starts_at=event.starts_at,
            started_at=event.started_at,
            ended_at=event.ended_at,
            created_at=event.created_at,
            poster=absolute(base, event.poster),
            venue_count=len(event.venues),
            page_url=f"{base}/e/{event.id}",
        )

    async def audience(self, base: str, event: Event, now: float) -> AudienceEvent:
        center: Center | None = await self._accounts.store.center(event.center_id)
        item_id = await self._replays.replay_of(event.id) if event.ended_at else None
        return AudienceEvent(
            id=event.id,
            title=event.title,
            description=event.description,
            state=event.state,
            starts_at=event.starts_at,
            started_at=event.started_at,
            ended_at=event.ended_at,
            poster=absolute(base, event.poster),
            center=AudienceCenter(name=center.name if center else "", accent=center.accent if center else "#1f6feb"),
            anonymous_may=[AnonymousMay(right) for right in event.rules.anonymous_may],
            moderation="pre" if event.rules.moderation == "pre" else "post",
            points=await self._points.offered(event.center_id),
            venues=[
                AudienceVenue(
                    id=venue.id,
                    name=venue.name,
                    main=venue.main,
                    on_air=(status := self._live.program_status(event.id, venue.id)).feed_id is not None,
                    still_url=f"/live/{event.id}/{venue.id}/still.jpg" if status.feed_id or status.slate else None,
                    play=_play(base, self._urls.rtmp_play(base), event.id, venue.id),
                )
                for venue in event.venues
            ],
            cut=event.cut,
            replay_url=f"{base}/r/{item_id}" if item_id else None,
            now=now,
        )

    def stats(self, event: Event, comments: int) -> StatsView:
        return StatsView(
            viewers=self._viewers(event.id, None),
            comments=comments,
            votes=0,
            venues=[VenueStats(id=v.id, name=v.name, viewers=self._viewers(event.id, v.id)) for v in event.venues],
        )

    def _viewers(self, event_id: str, venue_id: str | None) -> Viewers:
        current, peak, unique = self._audience.viewers(event_id, venue_id)
        return Viewers(current=current, peak=peak, unique=unique)

    def _venue(self, base: str, event: Event, venue: Venue, keys: bool) -> VenueView:
        status = self._live.program_status(event.id, venue.id)
        return VenueView(
            id=venue.id,
            name=venue.name,
            main=venue.main,
            feeds=[self._feed(base, feed, keys) for feed in venue.feeds],
            program=ProgramView(
                feed_id=status.feed_id,
                chosen=status.chosen,
                slate=status.slate,
                pending_feed_id=status.pending_feed_id,
            ),
            on_air=status.feed_id is not None,
            viewers=self._viewers(event.id, venue.id),
            play=_play(base, self._urls.rtmp_play(base), event.id, venue.id),
        )

    def _feed(self, base: str, feed: Feed, keys: bool) -> FeedView:
        key = feed.stream_key if keys and feed.stream_key is not None else ""
        server = self._urls.rtmp_server(base)
        return FeedView(
            id=feed.id,
            name=feed.name,
            source=source_view(feed.source, secrets=keys),
            ingest=Ingest(
                stream_key=key,
                rtmp_url=f"{server}/{key}",
                rtmp_server=server,
                whip_url=f"{base}/whip/{key}",
                srt_url=self._urls.srt(base, key),
            ),
            status=_status_view(self._live.feed_status(feed.id), self._live.pull_status(feed.id)),
            preview=FeedPreview(
                jpg_url=f"{base}/preview/{feed.id}.jpg",
                flv_url=f"{base}/preview/{feed.id}.flv",
                rtmp_url=f"{self._urls.rtmp_play(base)}/feed/{feed.id}",
            ),
        )


def event_endpoints(
    store: EventStore,
    actions: EventActions,
    views: EventViews,
    accounts: Accounts,
    audience: Audience,
    posters: Posters,
    audit: Audit,
    urls: Urls,
) -> list[Endpoint]:
    starting = asyncio.Lock()

    async def create(request: web.Request) -> web.StreamResponse:
        body = body_of(request, EventCreate)
        centers = await accounts.store.centers()
        center_id = chosen_center(request, body.center_id, Permission.EDIT_EVENTS, centers[0].id if centers else None)
        if center_id not in {center.id for center in centers}:
            raise Problem(404, "not_found")
        event = await actions.create(
            center_id,
            body.title,
            [(venue.name, venue.main, [feed.name for feed in venue.feeds]) for venue in body.venues],
            description=body.description,
            starts_at=body.starts_at.timestamp() if body.starts_at else None,
            poster=body.poster,
            rules=_rules(body.rules),
        )
        await log(request, "create_event", event)
        return answer(await views.crew(request, event), status=201)

    async def listing(request: web.Request) -> web.StreamResponse:
        query = EventQuery.model_validate(dict(request.query))
        allowed = caller(request).centers_with(Permission.SEE_EVENTS)
        centers = allowed
        if query.center_id is not None:
            if allowed is not None and query.center_id not in allowed:
                raise Problem(404, "not_found")
            centers = frozenset({query.center_id})
        found = await store.page(
            None if centers is None else sorted(centers),
            state=query.state,
            before=from_cursor(query.cursor),
            limit=query.limit + 1,
        )
        more = len(found) > query.limit
        found = found[: query.limit]
        cursor = to_cursor(found[-1].created_at, found[-1].id) if more else None
        return answer(EventPage(items=[views.summary(request, event) for event in found], next_cursor=cursor))

    async def one(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.SEE_EVENTS)
        return answer(await views.crew(request, event))

    async def patch(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.EDIT_EVENTS)
        body = body_of(request, EventPatch)

        def change(current: Event) -> Event:
            changed = replace(
                current,
                title=body.title if body.title is not None else current.title,
                description=body.description if body.description is not None else current.description,
                poster=body.poster if "poster" in body.model_fields_set else current.poster,
                rules=_patched_rules(current.rules, body),
            )
            if "starts_at" in body.model_fields_set:
                changed = replace(changed, starts_at=body.starts_at.timestamp() if body.starts_at else None)
                if changed.state in (EventState.DRAFT, EventState.SCHEDULED):
                    state = EventState.SCHEDULED if changed.starts_at is not None else EventState.DRAFT
                    changed = replace(changed, state=state)
            return changed

        return await done(request, "change_event", await actions.edit(event.id, change))

    async def start(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.DIRECT)
        center = await accounts.store.center(event.center_id)
        async with starting:  # counted and started as one, or two clicks at once would pass the quota
            starts = event.state is not EventState.LIVE and center is not None
            if starts and center and await store.count_live(center.id) >= center.quotas.live_events:
                raise Problem(409, "quota_events")
            started = await actions.start(event.id)
        return await done(request, "start_event", started)

    async def end(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.DIRECT)
        return await done(request, "end_event", await actions.end(event.id))

    async def archive(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.EDIT_EVENTS)
        return await done(request, "archive_event", await actions.archive(event.id))

    async def add_venue(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.EDIT_EVENTS)
        body = body_of(request, VenueAdd)
        changed = await actions.add_venue(event.id, body.name, [feed.name for feed in body.feeds])
        return await done(request, "add_venue", changed, status=201)

    async def patch_venue(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.EDIT_EVENTS)
        body = body_of(request, VenuePatch)
        if event.venue(request.match_info["venue_id"]) is None:
            raise Problem(404, "not_found")
        if body.name is not None:
            event = await actions.rename_venue(event.id, request.match_info["venue_id"], body.name)
        return await done(request, "rename_venue", event)

    async def remove_venue(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.EDIT_EVENTS)
        return await done(request, "remove_venue", await actions.remove_venue(event.id, request.match_info["venue_id"]))

    async def add_feed(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.EDIT_EVENTS)
        body = body_of(request, FeedAdd)
        source = body.source.source() if body.source else None
        changed = await actions.add_feed(event.id, request.match_info["venue_id"], body.name, source)
        return await done(request, "add_feed", changed, status=201)

    async def patch_feed(request: web.Request) -> web.StreamResponse:
        feed = await access_feed(request, request.match_info["feed_id"], Permission.EDIT_EVENTS)
        body = body_of(request, FeedPatch)
        event = await access_event(request, feed.event_id, Permission.EDIT_EVENTS)
        if body.name is not None:
            event = await actions.rename_feed(event.id, feed.feed_id, body.name)
        if "source" in body.model_fields_set:
            event = await actions.set_source(event.id, feed.feed_id, body.source.source() if body.source else None)
        return await done(request, "rename_feed", event)

    async def remove_feed(request: web.Request) -> web.StreamResponse:
        feed = await access_feed(request, request.match_info["feed_id"], Permission.EDIT_EVENTS)
        return await done(request, "remove_feed", await actions.remove_feed(feed.event_id, feed.feed_id))

    async def rotate(request: web.Request) -> web.StreamResponse:
        feed = await access_feed(request, request.match_info["feed_id"], Permission.SEE_KEYS)
        return await done(request, "rotate_key", await actions.rotate_key(feed.event_id, feed.feed_id))

    async def revoke(request: web.Request) -> web.StreamResponse:
        feed = await access_feed(request, request.match_info["feed_id"], Permission.SEE_KEYS)
        return await done(request, "revoke_key", await actions.revoke_key(feed.event_id, feed.feed_id))

    async def choose(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.DIRECT)
        body = body_of(request, ProgramChoice)
        await actions.choose(event, request.match_info["venue_id"], body.feed_id)
        return await done(request, "choose_program", event)

    async def cut(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.DIRECT)
        return await done(request, "cut", await actions.cut(event.id))

    async def resume(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.DIRECT)
        return await done(request, "resume", await actions.resume(event.id))

    async def dump(request: web.Request) -> web.StreamResponse:
        await access_event(request, request.match_info["event_id"], Permission.DIRECT)
        return answer(DumpView(dropped_seconds=0.0))

    async def stats(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.SEE_FIGURES)
        return answer(views.stats(event, await audience.comment_count(event.id)))

    async def poster(request: web.Request) -> web.StreamResponse:
        event = await access_event(request, request.match_info["event_id"], Permission.EDIT_EVENTS)
        try:
            name = await posters.keep(request.content)
        except BadPicture as error:
            raise Problem(413 if error.too_large else 422, "too_large" if error.too_large else "bad_picture") from None
        path = f"/posters/{name}.jpg"
        changed = await actions.edit(event.id, lambda e: replace(e, poster=path))
        await log(request, "replace_poster", changed)
        base = urls.base(request)
        return answer(PosterView(poster=f"{base}{path}", square=f"{base}/posters/{name}-square.jpg"))

    async def poster_file(request: web.Request) -> web.StreamResponse:
        data = await posters.read(request.match_info["name"])
        if data is None:
            raise Problem(404, "not_found")
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Access-Control-Allow-Origin": "*"}
        return web.Response(body=data, content_type="image/jpeg", headers=headers)

    async def done(request: web.Request, act: str, event: Event, *, status: int = 200) -> web.StreamResponse:
        await log(request, act, event)
        return answer(await views.crew(request, event), status=status)

    async def log(request: web.Request, act: str, event: Event) -> None:
        await audit.write(
            act, by=caller(request).id, address=address_of(request), center_id=event.center_id, target=event.id
        )

    events, event = "/api/v1/events", "/api/v1/events/{event_id}"
    venue, feed = event + "/venues/{venue_id}", "/api/v1/feeds/{feed_id}"
    crew = Access.CREW
    return [
        Endpoint("POST", events, create, crew, "A new event", body=EventCreate, returns=EventView, status=201),
        Endpoint("GET", events, listing, crew, "Events, newest first", query=EventQuery, returns=EventPage),
        Endpoint("GET", event, one, crew, "An event with its live status", returns=EventView),
        Endpoint("PATCH", event, patch, crew, "Change an event", body=EventPatch, returns=EventView),
        Endpoint("POST", f"{event}/start", start, crew, "On air", returns=EventView),
        Endpoint("POST", f"{event}/end", end, crew, "Off air", returns=EventView),
        Endpoint("POST", f"{event}/archive", archive, crew, "Out of the lists", returns=EventView),
        Endpoint("POST", f"{event}/cut", cut, crew, "The red key", returns=EventView),
        Endpoint("POST", f"{event}/resume", resume, crew, "Back from the red key", returns=EventView),
        Endpoint("POST", f"{event}/dump", dump, crew, "Throw away what the delay holds", returns=DumpView),
        Endpoint("GET", f"{event}/stats", stats, crew, "Figures of an event", returns=StatsView),
        Endpoint(
            "POST", f"{event}/poster", poster, crew, "Upload a poster",
            returns=PosterView, upload=("image/jpeg", "image/png", "image/webp"),
        ),
        Endpoint(
            "POST", f"{event}/venues", add_venue, crew, "Add a venue", body=VenueAdd, returns=EventView, status=201
        ),
        Endpoint("PATCH", venue, patch_venue, crew, "Rename a venue", body=VenuePatch, returns=EventView),
        Endpoint("DELETE", venue, remove_venue, crew, "Remove a branch venue", returns=EventView),
        Endpoint(
            "POST", f"{venue}/feeds", add_feed, crew, "Add a feed", body=FeedAdd, returns=EventView, status=201
        ),
        Endpoint(
            "POST", f"{venue}/program", choose, crew, "Feed or slate on air", body=ProgramChoice, returns=EventView
        ),
        Endpoint("PATCH", feed, patch_feed, crew, "Rename it or set its source", body=FeedPatch, returns=EventView),
        Endpoint("DELETE", feed, remove_feed, crew, "Remove a feed", returns=EventView),
        Endpoint("POST", f"{feed}/rotate-key", rotate, crew, "A new stream key", returns=EventView),
        Endpoint("POST", f"{feed}/revoke-key", revoke, crew, "No stream key", returns=EventView),
        Endpoint("GET", "/posters/{name}.jpg", poster_file, Access.PUBLIC, "An uploaded poster"),
    ]  # fmt: skip


@web.middleware
async def event_errors(request: web.Request, handler: object) -> web.StreamResponse:
    """What event actions raise, as problems."""
    try:
        return await handler(request)  # type: ignore[operator,no-any-return]
    except NotThere:
        raise Problem(404, "not_found") from None
    except WrongState:
        raise Problem(409, "wrong_state") from None
    except NotAllowed as error:
        raise Problem(409, error.code) from None
    except Conflict:
        raise Problem(409, "conflict") from None
    except DiskFull:
        raise Problem(409, "disk_full") from None


def _play(base: str, rtmp: str, event_id: str, venue_id: str) -> VenuePlay:
    path = f"{base}/live/{event_id}/{venue_id}"
    return VenuePlay(
        hls_url=f"{path}/index.m3u8",
        flv_url=f"{path}.flv",
        whep_url=f"{base}/whep/{event_id}/{venue_id}",
        rtmp_url=f"{rtmp}/{event_id}/{venue_id}",
    )


def _rules(body: RulesBody) -> Rules:
    return Rules(tuple(body.anonymous_may), body.moderation, body.delay_seconds, body.replay)


def _rules_view(rules: Rules) -> RulesBody:
    return RulesBody.model_validate(
        {
            "anonymous_may": list(rules.anonymous_may),
            "moderation": rules.moderation,
            "delay_seconds": rules.delay_seconds,
            "replay": rules.replay,
        }
    )


def _patched_rules(rules: Rules, body: EventPatch) -> Rules:
    if body.rules is None:
        return rules
    given = body.rules.model_dump(exclude_none=True)
    if "anonymous_may" in given:
        given["anonymous_may"] = tuple(given["anonymous_may"])
    return replace(rules, **given)


def _status_view(status: FeedStatus, pull: PullStatus | None) -> FeedStatusView:
    video, audio, contest = status.video, status.audio, status.contest
    return FeedStatusView(
        state=status.state,
        since=status.since,
        address=status.address,
        encoder=status.encoder,
        video=VideoStatus(
            codec=video.codec,
            width=video.width,
            height=video.height,
            frames_per_second=video.frames_per_second,
            bits_per_second=video.bits_per_second,
            gop_seconds=video.gop_seconds,
        )
        if video
        else None,
        audio=AudioStatus(
            codec=audio.codec,
            sample_rate=audio.sample_rate,
            channels=audio.channels,
            bits_per_second=audio.bits_per_second,
        )
        if audio
        else None,
        health=[
            HealthNotice(code=finding.code, level=finding.level, since=finding.since, values=dict(finding.values))
            for finding in status.health
        ],
        contest=Contest(
            current_address=contest.current_address,
            current_encoder=contest.current_encoder,
            refused_address=contest.refused_address,
            refused_encoder=contest.refused_encoder,
            until=contest.until,
        )
        if contest
        else None,
        protocol=status.protocol,
        link=link_view(status.link),
        pull=pull_view(pull),
    )
