"""The composition root: the whole hub, built once, in order, and closed in reverse."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

import socketio
from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from config.backing import Backing, open_backing
from config.clock import SystemClock
from config.settings import Settings
from interaction.activities.checkin.checkins import Checkins
from interaction.activities.engine import Activities, open_activities
from interaction.activities.quiz.quizzes import Quizzes, running_quizzes
from interaction.activities.vote.votes import Votes
from interaction.commit import open_commit
from interaction.points.earning import Earning
from interaction.points.mall import Mall
from interaction.positions import Positions
from interaction.room import RoomRules
from interaction.rooms import Rooms, open_rooms
from interaction.store.activities import ActivityStore
from interaction.store.ballots import BallotStore
from interaction.store.checkins import CheckinStore
from interaction.store.ledger import LedgerStore
from interaction.store.mall import MallStore
from interaction.store.quiz_answers import QuizAnswerStore
from interaction.store.quiz_releases import QuizReleaseStore
from recorder.catalog import Catalog, ItemState
from recorder.recording import Recording
from recorder.replay import Replays
from streaming.disk import DiskMeter
from streaming.events.actions import EventActions
from streaming.events.model import Event, EventState
from streaming.events.store import EventStore
from streaming.hls.writer import open_writer
from streaming.hub import Hub
from streaming.notices import FeedNotices
from streaming.outputs import Outputs
from streaming.program.slate import Slates
from streaming.pull.address import Networks
from streaming.pull.puller import PullRules
from streaming.pull.pullers import Pullers, open_pullers
from streaming.rtmp.player import Players
from streaming.rtmp.server import serve_rtmp
from streaming.srt.front import serve_srt
from streaming.status import FeedStatus
from streaming.transcode import Transcoders
from streaming.webrtc.ice_servers import parse_ice_servers, with_credentials
from streaming.webrtc.send.sessions import WhepSessions
from streaming.webrtc.sessions import WhipSessions
from streaming.webrtc.transport import UdpRoad, open_road
from web.accounts.actions import Accounts
from web.accounts.store import AccountStore
from web.app import make_app
from web.app_sign_on.entrance import AppSignOn
from web.app_sign_on.keys import PublishedKeys
from web.app_sign_on.store import SignOnStore
from web.auth.audit import Audit
from web.auth.lockout import Lockout
from web.auth.sessions import Sessions, signing_secret
from web.cam.cameras import Cameras
from web.cam.cues import Cues
from web.keys import ACCOUNTS, EVENTS, SESSIONS
from web.library_access import CrewLibrary
from web.lotteries import open_lotteries, watching_claims
from web.play_admission import CrewAdmission
from web.posters import Posters
from web.realtime.broadcast import RoomBroadcast, make_server
from web.realtime.namespace import MAX_MESSAGE_BYTES, RoomNamespace
from web.realtime.points import RoomPoints
from web.realtime.viewers import ViewerTokens
from web.routes.accounts import account_endpoints
from web.routes.activities import activity_endpoints
from web.routes.auth import auth_endpoints
from web.routes.cam import cam_endpoints
from web.routes.events import EventViews, event_endpoints
from web.routes.flv import flv_endpoints
from web.routes.hls import hls_endpoints
from web.routes.library import library_endpoints
from web.routes.lottery import lottery_endpoints
from web.routes.meta import Ready, meta_endpoints
from web.routes.moderation import moderation_endpoints
from web.routes.pages import page_endpoints
from web.routes.points import points_endpoints
from web.routes.preview import preview_endpoints
from web.routes.quiz import quiz_endpoints
from web.routes.room import room_endpoints
from web.routes.sign_on import sign_on_endpoints
from web.routes.system import system_endpoints
from web.routes.whep import whep_endpoints
from web.routes.whip import whip_endpoints
from web.routes.words import word_endpoints
from web.routing import Endpoint
from web.source_metrics import register_source_metrics
from web.urls import Urls
from web.webrtc_metrics import WebRtcMetrics
from web.whep_metrics import WhepMetrics

DECODER_THREADS = 2
"""PyAV work of the whole process (stills, health, slates): bounded, so that it never starves the loop."""
CODEC_THREADS = max(2, min(os.cpu_count() or 2, 8))
"""Transcoding has threads of its own: a still never waits for a B-frame feed, and the other way round."""
ON_AIR_SECONDS = 0.5
"""How soon the audience learns that a venue went on or off air."""


@dataclass(frozen=True, slots=True)
class Running:
    """A hub that serves."""

    url: str
    http_port: int
    rtmp_port: int
    rtmps_port: int | None
    srt_port: int
    admin_user: str
    generated_password: str | None
    """Only on the very first start; shown once, kept nowhere."""
    app: web.Application
    sockets: socketio.AsyncServer
    activities: Activities
    """What is served, for tests that enumerate it."""


class EventBridge:
    """Tells the hub, the rooms and the recorder of an event's changes, in that order."""

    def __init__(self, hub: Hub, pullers: Pullers, rooms: Rooms, activities: Activities, recording: Recording) -> None:
        self._hub, self._rooms, self._activities, self._recording = hub, rooms, activities, recording
        self._pullers = pullers
        self._live: dict[str, Event] = {}

    async def event_changed(self, event: Event) -> None:
        self._tell_room(event)
        await self._hub.event_changed(event)
        self._pullers.event_changed(event)
        if event.state is EventState.LIVE:
            self._live[event.id] = event
            await self._rooms.room(event.id)
        else:
            self._live.pop(event.id, None)
        self._tell_room(event)
        if event.state is EventState.ENDED:
            await self._activities.event_ended(event.id)
            await self._recording.event_ended(event)

    def feed_key_changed(self, feed_id: str) -> None:
        self._hub.feed_key_changed(feed_id)

    def choose(self, event_id: str, venue_id: str, feed_id: str | None) -> None:
        self._hub.choose(event_id, venue_id, feed_id)

    def cut(self, event_id: str) -> None:
        rules = self._rooms.rules(event_id)
        if rules is not None:
            self._rooms.apply_rules(event_id, replace(rules, cut=True))
        self._hub.cut(event_id)

    def resume(self, event_id: str) -> None:
        self._hub.resume(event_id)

    def _tell_room(self, event: Event) -> None:
        on_air = {venue.id: self._hub.program_status(event.id, venue.id).feed_id is not None for venue in event.venues}
        rules = RoomRules(
            event.state.value,
            event.rules.moderation,
            event.rules.anonymous_may,
            event.cut,
            on_air,
            event.center_id,
        )
        self._rooms.apply_rules(event.id, rules)

    async def watch_programs(self) -> None:
        """Keep the rooms told of what is on air; for as long as the process lives."""
        while True:
            await asyncio.sleep(ON_AIR_SECONDS)
            for event in tuple(self._live.values()):
                self._tell_room(event)


class LiveStatus:
    def __init__(self, hub: Hub, notices: FeedNotices, pullers: Pullers) -> None:
        self._hub, self._notices = hub, notices
        self.program_status = hub.program_status
        self.pull_status = pullers.status

    def feed_status(self, feed_id: str) -> FeedStatus:
        """What the hub knows, and who was turned away lately."""
        status, notices = self._hub.feed_status(feed_id), self._notices.of(feed_id)
        return replace(status, health=(*status.health, *notices)) if notices else status


class ReplayIndex:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def replay_of(self, event_id: str) -> str | None:
        item = await self._catalog.of_event(event_id)
        return item.id if item is not None and item.state is ItemState.PUBLISHED else None


@asynccontextmanager
async def open_hub(settings: Settings) -> AsyncIterator[Running]:
    """Everything, serving, while the context is open."""
    async with AsyncExitStack() as stack:
        backing = await stack.enter_async_context(open_backing(settings.store))
        yield await _open_on(stack, settings, backing)


async def _open_on(stack: AsyncExitStack, settings: Settings, backing: Backing) -> Running:
    clock = SystemClock()
    database = backing.database
    secret = await asyncio.to_thread(signing_secret, settings.web.data_dir)

    # stores and people
    events, account_store, catalog = EventStore(database), AccountStore(database), Catalog(database)
    sessions, audit = Sessions(database, clock, secret), Audit(database, clock)
    lockout = Lockout(database, clock)
    for owner in (events, account_store, catalog, sessions, lockout, audit):
        await owner.ensure_indexes()
    accounts = Accounts(account_store, sessions, clock)
    password = settings.web.admin_password
    generated = await accounts.ensure_first_admin(
        settings.web.admin_user, password.get_secret_value() if password is not None else None
    )

    # media
    decoders = stack.enter_context(ThreadPoolExecutor(DECODER_THREADS, thread_name_prefix="decoder"))
    writer = await stack.enter_async_context(open_writer())
    slates = Slates(decoders)
    stack.push_async_callback(slates.close)
    codecs = stack.enter_context(ThreadPoolExecutor(CODEC_THREADS, thread_name_prefix="codec"))
    forms = Transcoders(codecs, clock, reencode_for_browsers=settings.streaming.whep_reencode)
    outputs = Outputs(settings.streaming.media_dir, writer, clock, decoders, forms)
    hub = Hub(events, clock, slates, outputs, grace_seconds=settings.streaming.grace_seconds)
    stack.push_async_callback(hub.close)

    # rooms and recordings
    rooms = await stack.enter_async_context(
        open_rooms(database, backing.redis, clock, tick_seconds=settings.interaction.tick_seconds)
    )
    ballots = BallotStore(database)
    votes = Votes(ballots, await stack.enter_async_context(open_commit(ballots.collection)), clock)
    mall_store, ledger, checkin_store = MallStore(database), LedgerStore(database), CheckinStore(database)
    await mall_store.ensure_indexes()
    await ledger.ensure_indexes()
    ledger_commit = await stack.enter_async_context(open_commit(ledger.collection))
    earning = Earning(ledger, mall_store, ledger_commit, clock, told=rooms.earned)
    mall = Mall(mall_store, ledger, clock)
    checkin_commit = await stack.enter_async_context(open_commit(checkin_store.collection))
    checkins = Checkins(checkin_store, checkin_commit, clock, earning)
    positions, quiz_answers = Positions(clock), QuizAnswerStore(database)
    answer_commit = await stack.enter_async_context(open_commit(quiz_answers.collection))
    quizzes = Quizzes(quiz_answers, QuizReleaseStore(database), answer_commit, positions, clock)
    lottery = await stack.enter_async_context(
        open_lotteries(database, rooms, ballots, quiz_answers, checkin_store, clock)
    )
    activities = await stack.enter_async_context(
        open_activities(ActivityStore(database), rooms, clock, [votes, quizzes, checkins, lottery.kind])
    )
    lottery.join(activities)
    await stack.enter_async_context(watching_claims(lottery.winners))
    quizzes.engine = activities
    await stack.enter_async_context(running_quizzes(quizzes))
    rooms.activities = activities
    recording = Recording(settings.recorder.media_dir, catalog, clock)
    await asyncio.to_thread(settings.streaming.pull_dir.mkdir, parents=True, exist_ok=True)
    pull_rules = PullRules(settings.streaming.pull_dir, Networks(settings.streaming.pull_networks))
    pullers = await stack.enter_async_context(open_pullers(hub, clock, pull_rules))
    bridge = EventBridge(hub, pullers, rooms, activities, recording)
    disk = DiskMeter(settings.streaming.media_dir, outputs.bits_per_second)
    actions = EventActions(events, bridge, disk, clock)

    # encoders
    players = Players(outputs, CrewAdmission(sessions, accounts, events))
    rtmp = await stack.enter_async_context(
        serve_rtmp(hub, clock, settings.streaming.rtmp_host, settings.streaming.rtmp_port, players=players)
    )
    tls = _tls(settings)
    rtmps_port = None
    if settings.streaming.rtmps_port is not None and tls is not None:
        rtmps = await stack.enter_async_context(
            serve_rtmp(hub, clock, settings.streaming.rtmp_host, settings.streaming.rtmps_port, tls, players)
        )
        rtmps_port = rtmps.port
    notices = FeedNotices(events, clock)
    passphrase = settings.streaming.srt_passphrase
    srt = await stack.enter_async_context(
        serve_srt(
            hub,
            notices,
            clock,
            settings.streaming.srt_host,
            settings.streaming.srt_port,
            latency_ms=settings.streaming.srt_latency_ms,
            passphrase=passphrase.get_secret_value() if passphrase is not None else None,
        )
    )

    webrtc = settings.streaming.webrtc
    ice_servers = parse_ice_servers(webrtc.ice_servers.get_secret_value() if webrtc.ice_servers else "")
    turn_secret = webrtc.turn_secret.get_secret_value() if webrtc.turn_secret else None
    stun = next(((server.host, server.port) for server in ice_servers if not server.is_turn), None)
    road = await stack.enter_async_context(
        open_road(webrtc.host, webrtc.port, webrtc.public_addresses, loopback=webrtc.loopback, stun_server=stun)
    )
    whip = WhipSessions(road, hub, events, clock, forms)
    stack.push_async_callback(whip.close)
    whep = WhepSessions(road, outputs, clock, max_viewers=webrtc.max_viewers)
    stack.callback(whep.close)

    # pages, API and sockets
    urls = Urls(settings.web.public_url, rtmp.port, srt.port)
    replays = ReplayIndex(catalog)
    views = EventViews(LiveStatus(hub, notices, pullers), rooms, replays, urls, accounts, earning)
    posters = Posters(settings.web.data_dir / "posters")
    tokens = ViewerTokens(secret, clock)
    sign_ons, published_keys = SignOnStore(database), PublishedKeys(clock.monotonic)
    stack.push_async_callback(published_keys.close)
    await sign_ons.ensure_indexes()
    cameras = Cameras(hub, whip, Cues(), clock)
    endpoints: list[Endpoint] = [
        *auth_endpoints(accounts, sessions, lockout, audit),
        *account_endpoints(accounts, audit, clock),
        *event_endpoints(events, actions, views, accounts, rooms, posters, audit, urls),
        *room_endpoints(rooms, events, tokens, AppSignOn(sign_ons, published_keys, clock), audit),
        *sign_on_endpoints(sign_ons, audit, clock),
        *moderation_endpoints(rooms, clock),
        *word_endpoints(rooms.talk.guard, audit, clock),
        *points_endpoints(mall_store, mall, earning, events, tokens, audit, clock),
        *activity_endpoints(activities, votes, events, tokens, audit),
        *quiz_endpoints(activities, quizzes, audit),
        *lottery_endpoints(activities, lottery.kind, lottery.winners, lottery.store, tokens, audit),
        *library_endpoints(catalog, Replays(settings.recorder.media_dir), CrewLibrary(), clock, urls.base),
        *hls_endpoints(outputs, replays.replay_of),
        *flv_endpoints(outputs),
        *cam_endpoints(events, cameras),
        *whip_endpoints(whip, lambda: with_credentials(ice_servers, turn_secret, clock.utc()), urls),
        *whep_endpoints(whep, lambda: with_credentials(ice_servers, turn_secret, clock.utc()), urls),
        *preview_endpoints(outputs),
        *system_endpoints(settings.web, rtmp.port, disk),
        *page_endpoints(events, views, catalog, urls, clock, cameras),
    ]
    registry = _metrics(hub, rooms, road, whip)
    endpoints += meta_endpoints(_ready(backing), registry, endpoints)
    register_source_metrics(registry, srt, pullers, forms, players)
    registry.register(WhepMetrics(whep))
    app = make_app(endpoints)
    app[EVENTS], app[ACCOUNTS], app[SESSIONS] = events, accounts, sessions
    server = make_server(max_http_buffer_size=MAX_MESSAGE_BYTES, cors_allowed_origins="*", async_handlers=False)
    broadcast = RoomBroadcast(server)
    rooms.broadcast = broadcast
    quizzes.audience = broadcast

    async def center_of_event(event_id: str) -> str | None:
        event = await events.get(event_id)
        return event.center_id if event is not None else None

    server.register_namespace(
        RoomNamespace(
            rooms,
            activities,
            tokens,
            broadcast,
            positions,
            RoomPoints(earning, mall, center_of_event),
            lottery.kind,
        )
    )
    server.attach(app)

    # what was going on when the last process ended
    for event in await events.in_states((EventState.LIVE, EventState.SCHEDULED, EventState.ENDED)):
        await bridge.event_changed(event)
    watcher = asyncio.create_task(bridge.watch_programs())
    stack.push_async_callback(_cancelled, watcher)

    http_port = await _listen(stack, app, settings, tls)
    scheme, host = ("https" if tls else "http"), "127.0.0.1"
    running = Running(
        url=settings.web.public_url or f"{scheme}://{host}:{http_port}",
        http_port=http_port,
        rtmp_port=rtmp.port,
        rtmps_port=rtmps_port,
        srt_port=srt.port,
        admin_user=settings.web.admin_user,
        generated_password=generated,
        app=app,
        sockets=server,
        activities=activities,
    )
    stack.enter_context(_told(settings, running))
    return running


async def _listen(stack: AsyncExitStack, app: web.Application, settings: Settings, tls: ssl.SSLContext | None) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0, handler_cancellation=True)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, settings.web.host, settings.web.port, ssl_context=tls, backlog=1024)
    await site.start()
    port: int = runner.addresses[0][1]
    return port


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.web.tls_cert is None or settings.web.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.web.tls_cert, settings.web.tls_key)
    return context


def _ready(backing: Backing) -> Ready:
    async def ready() -> dict[str, bool]:
        services = {"mongodb": True, "redis": True}
        try:
            async with asyncio.timeout(2):
                await backing.database.command("ping")
        except (PyMongoError, TimeoutError):
            services["mongodb"] = False
        try:
            async with asyncio.timeout(2):
                await backing.redis.ping()
        except (RedisError, OSError, TimeoutError):
            services["redis"] = False
        return services

    return ready


def _metrics(hub: Hub, rooms: Rooms, road: UdpRoad, whip: WhipSessions) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(WebRtcMetrics(road, whip))
    feeds = Gauge("venuecast_feeds_live", "Feeds with a connected encoder", registry=registry)
    feeds.set_function(lambda: hub.live_feeds)
    programs = Gauge("venuecast_programs", "Venues of live events", registry=registry)
    programs.set_function(lambda: hub.program_count)
    viewers = Gauge("venuecast_viewers", "Viewers by heartbeat", registry=registry)
    viewers.set_function(lambda: rooms.viewer_count)
    return registry


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@contextmanager
def _told(settings: Settings, running: Running) -> Iterator[None]:
    """`running.json` in the data directory while the hub serves: process id and ports, for tools and tests."""
    path = settings.web.data_dir / "running.json"
    content = {
        "pid": os.getpid(),
        "url": running.url,
        "http_port": running.http_port,
        "rtmp_port": running.rtmp_port,
        "rtmps_port": running.rtmps_port,
        "srt_port": running.srt_port,
    }
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(content))
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
