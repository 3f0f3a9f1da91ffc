"""The room: joining, what sockets send, comments for the crew."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streaming.events.model import EventState
from web.schemas.base import Body, Instant, View


class JoinBody(Body):
    device_id: str = Field(min_length=1, max_length=128, description="Random, kept by the phone")
    nickname: str | None = Field(default=None, max_length=20)
    app_token: str | None = Field(default=None, max_length=4000)


class JoinView(View):
    token: str = Field(description="For the socket's auth, a day long")
    viewer_id: str
    anonymous: bool = True
    nickname: str = ""
    avatar: str | None = None


class Sent(BaseModel):
    """What a socket sends; unknown fields are ignored, so that newer pages may talk to older hubs."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class CommentSent(Sent):
    text: str = Field(max_length=2000)
    client_id: str = Field(min_length=1, max_length=64)
    reply_to: str | None = Field(default=None, max_length=64)


class CommentLikeSent(Sent):
    comment_id: str = Field(min_length=1, max_length=64)


class LikeSent(Sent):
    count: int = Field(ge=1, le=1000)


class HeartbeatSent(Sent):
    venue_id: str = Field(max_length=64)
    position: str | float | None = Field(default=None, description="UTC of the picture on screen")
    playing: bool = False
    protocol: str | None = Field(default=None, max_length=16, description="How the stream is played: hls, flv, whep")


class ActivitySent(Sent):
    activity_id: str = Field(min_length=1, max_length=64)


class VoteSent(ActivitySent):
    options: list[Annotated[str, Field(max_length=64)]] = Field(max_length=100)
    client_id: str | None = Field(default=None, max_length=64, pattern=r"^[\w-]+$")
    """Tells several votes of one viewer apart, so that each may be repeated."""


class AnswerSent(ActivitySent):
    question_id: str = Field(min_length=1, max_length=64)
    options: list[Annotated[str, Field(max_length=64)]] = Field(max_length=100)


class EnterSent(ActivitySent):
    fields: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=200)]] = Field(
        default_factory=dict, max_length=20
    )


class CheckinSent(ActivitySent):
    pass


class RedeemSent(Sent):
    item_id: str = Field(min_length=1, max_length=64)
    request_id: str = Field(min_length=1, max_length=64)


class CommentQuery(Body):
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=200)


class CommentViewer(View):
    id: str
    nickname: str
    avatar: str | None = None


class CommentView(View):
    id: str
    text: str
    viewer: CommentViewer
    at: Instant
    status: str
    reply_to: str | None = None
    likes: int = 0


class CommentPage(View):
    items: list[CommentView]
    next_cursor: str | None


class SnapshotViewer(View):
    id: str
    nickname: str
    avatar: str | None = None


class SnapshotComment(View):
    id: str
    text: str
    viewer: SnapshotViewer
    at: str = Field(description="RFC 3339 UTC")
    status: str
    reply_to: str | None = None
    likes: int = 0


class SnapshotEvent(View):
    state: EventState
    moderation: Literal["pre", "post"]
    anonymous_may: list[str]
    venues: dict[str, bool] = Field(description="Which venues are on air, by id")


class SnapshotView(View):
    """The room after batch `seq` of `epoch`; the socket's `snapshot` event carries the same."""

    epoch: int
    seq: int
    at: str = Field(description="RFC 3339 UTC")
    event: SnapshotEvent
    cut: bool
    level: Literal["quick", "half", "slow", "polling", "state_only"] = "quick"
    """Of the ladder (docs/rooms.md): on `polling` pages load this for comments; on `state_only` none are shown."""
    open: bool = Field(description="Whether comments and likes are taken now")
    comments: list[SnapshotComment]
    pinned: SnapshotComment | None = None
    viewers: dict[str, int] = Field(description="By venue id, and of the whole room")
    likes: int
    activities: list[dict[str, Any]] = Field(description="Those that were ever opened, each with its kind's own fields")


class ReviewBody(Body):
    ids: list[str] = Field(min_length=1, max_length=200)
    reason: str = Field(default="", max_length=200)


class ReviewView(View):
    changed: list[str]
