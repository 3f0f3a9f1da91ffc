"""The `/room` namespace: sockets in, actions of the rooms out, each answered after it is durable."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, TypeVar

import socketio
from pydantic import BaseModel, ValidationError

from interaction.activities.engine import Activities
from interaction.activities.lottery.lotteries import Lotteries
from interaction.commit import Busy
from interaction.positions import Positions
from interaction.rejected import Rejected
from interaction.room import Room
from interaction.rooms import Rooms
from interaction.viewer import Viewer
from web.identity import address_of
from web.realtime.broadcast import NAMESPACE, RoomBroadcast
from web.realtime.points import RoomPoints
from web.realtime.viewers import ViewerTokens
from web.rejections import rejection
from web.schemas.room import (
    ActivitySent,
    AnswerSent,
    CheckinSent,
    CommentLikeSent,
    CommentSent,
    EnterSent,
    HeartbeatSent,
    LikeSent,
    RedeemSent,
    VoteSent,
)

MAX_MESSAGE_BYTES = 16_384
"""The largest thing that a phone sends is a comment of 200 characters."""

SentT = TypeVar("SentT", bound=BaseModel)
Ack = dict[str, Any]


class RoomNamespace(socketio.AsyncNamespace):  # type: ignore[misc]
    """Events of one socket are taken in their order; nothing here keeps state of the room."""

    def __init__(
        self,
        rooms: Rooms,
        activities: Activities,
        tokens: ViewerTokens,
        broadcast: RoomBroadcast,
        positions: Positions,
        points: RoomPoints,
        lotteries: Lotteries,
    ) -> None:
        super().__init__(NAMESPACE)
        self._rooms = rooms
        self._activities = activities
        self._points = points
        self._lotteries = lotteries
        self._tokens = tokens
        self._broadcast = broadcast
        self._positions = positions
        self._viewers: dict[str, tuple[Viewer, bool]] = {}
        self._sockets_of: dict[tuple[str, str], int] = {}

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        token = auth.get("token") if isinstance(auth, dict) else None
        viewer = self._tokens.read(token) if isinstance(token, str) else None
        if viewer is None:
            raise socketio.exceptions.ConnectionRefusedError({"code": "join_again", "message": "join first"})
        try:
            room = await self._rooms.room(viewer.event_id)
        except Busy:
            raise socketio.exceptions.ConnectionRefusedError({"code": "busy", "message": "come back soon"}) from None
        english = environ.get("HTTP_ACCEPT_LANGUAGE", "").lower().startswith("en")
        viewer = replace(viewer, address=_address(environ))
        self._viewers[sid] = (viewer, english)
        key = (viewer.event_id, viewer.id)
        self._sockets_of[key] = self._sockets_of.get(key, 0) + 1
        # once this handler has returned the connection is confirmed; the snapshot comes right behind that
        asyncio.get_running_loop().call_soon(self._welcome, sid, room)

    def _welcome(self, sid: str, room: Room) -> None:
        """From here on the socket gets the snapshot and every batch behind it, without a hole."""
        if sid in self._viewers:
            viewer, _ = self._viewers[sid]
            self._broadcast.join(room.event_id, sid, viewer.id)
            self._broadcast.welcome(room.event_id, sid, self._rooms.snapshot_of(room))

    async def on_disconnect(self, sid: str, reason: object = None) -> None:
        known = self._viewers.pop(sid, None)
        if known is None:
            return
        viewer, _ = known
        self._broadcast.leave(viewer.event_id, sid, viewer.id)
        key = (viewer.event_id, viewer.id)
        self._sockets_of[key] -= 1
        if not self._sockets_of[key]:
            del self._sockets_of[key]
            self._rooms.left(viewer.event_id, viewer.id)

    async def on_comment(self, sid: str, data: object = None) -> Ack:
        viewer, english = self._viewers[sid]
        try:
            sent = _read(CommentSent, data)
            comment = await self._rooms.comment(
                viewer.event_id,
                viewer.id,
                viewer.nickname,
                text=sent.text,
                client_id=sent.client_id,
                reply_to=sent.reply_to,
                anonymous=viewer.anonymous,
                avatar=viewer.avatar,
            )
        except Rejected as error:
            return _refused(error.code, english, error.retry_after)
        except Busy as error:
            return _refused("busy", english, error.retry_after)
        await self._points.commented(viewer, comment.id)
        return {"ok": True, "id": comment.id, "status": comment.status.value}

    async def on_comment_like(self, sid: str, data: object = None) -> Ack:
        viewer, english = self._viewers[sid]
        try:
            likes = await self._rooms.like_comment(viewer, _read(CommentLikeSent, data).comment_id)
        except Rejected as error:
            return _refused(error.code, english, error.retry_after)
        except Busy as error:
            return _refused("busy", english, error.retry_after)
        return {"ok": True, "likes": likes}

    async def on_like(self, sid: str, data: object = None) -> Ack:
        viewer, english = self._viewers[sid]
        try:
            await self._rooms.like(viewer.event_id, _read(LikeSent, data).count, anonymous=viewer.anonymous)
        except Rejected as error:
            return _refused(error.code, english, error.retry_after)
        return {"ok": True}

    async def on_vote(self, sid: str, data: object = None) -> Ack:
        return await self._act(sid, "vote", "vote", VoteSent, data)

    async def on_answer(self, sid: str, data: object = None) -> Ack:
        return await self._act(sid, "answer", "quiz", AnswerSent, data)

    async def on_enter(self, sid: str, data: object = None) -> Ack:
        return await self._act(sid, "enter", "lottery", EnterSent, data)

    async def on_checkin(self, sid: str, data: object = None) -> Ack:
        return await self._act(sid, "checkin", "checkin", CheckinSent, data)

    async def _act(self, sid: str, event: str, kind: str, schema: type[ActivitySent], data: object) -> Ack:
        """What a viewer does in an activity."""
        viewer, english = self._viewers[sid]
        try:
            sent = _read(schema, data)
            done = await self._activities.take(viewer, event, sent.activity_id, kind, sent)
        except Rejected as error:
            return _refused(error.code, english, error.retry_after)
        except Busy as error:
            return _refused("busy", english, error.retry_after)
        return {"ok": True, **done}

    async def on_redeem(self, sid: str, data: object = None) -> Ack:
        viewer, english = self._viewers[sid]
        try:
            sent = _read(RedeemSent, data)
            order, balance = await self._points.redeem(viewer, sent.item_id, sent.request_id)
        except Rejected as error:
            return _refused(error.code, english, error.retry_after)
        except Busy as error:
            return _refused("busy", english, error.retry_after)
        order_view = {"id": order.id, "item_name": order.item_name, "price": order.price, "code": order.code}
        return {"ok": True, "order": order_view, "points": balance}

    async def on_heartbeat(self, sid: str, data: object = None) -> Ack:
        viewer, english = self._viewers[sid]
        try:
            sent = _read(HeartbeatSent, data)
        except Rejected as error:
            return _refused(error.code, english, None)
        self._positions.heard(viewer.event_id, viewer.id, sent.position, sent.protocol)
        await self._rooms.heartbeat(viewer.event_id, viewer.id, sent.venue_id)
        if sent.playing:
            await self._points.watched(viewer)
            await self._lotteries.watched(viewer)
        return {"ok": True}


def _address(environ: dict[str, Any]) -> str:
    """Where a socket comes from, by the rule of the API."""
    request = environ.get("aiohttp.request")
    return address_of(request) if request is not None else ""


def _read(schema: type[SentT], data: object) -> SentT:
    try:
        return schema.model_validate(data)
    except ValidationError:
        raise Rejected("invalid") from None


def _refused(code: str, english: bool, retry_after: float | None) -> Ack:
    seconds = round(retry_after) or 1 if retry_after is not None else 0
    error: dict[str, Any] = {"code": code, "message": rejection(code, english=english, seconds=seconds)}
    if retry_after is not None:
        error["retry_after"] = retry_after
    return {"ok": False, "error": error}
