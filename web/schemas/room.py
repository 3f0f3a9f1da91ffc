"""The room: joining, what sockets send, comments for the crew."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from web.schemas.base import Body, Instant, View


class JoinBody(Body):
    device_id: str = Field(min_length=1, max_length=128, description="Random, kept by the phone")
    nickname: str | None = Field(default=None, max_length=20)
    app_token: str | None = Field(default=None, max_length=4000)


class JoinView(View):
    token: str = Field(description="For the socket's auth, a day long")
    viewer_id: str


class Sent(BaseModel):
    """What a socket sends; unknown fields are ignored, so that newer pages may talk to older hubs."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class CommentSent(Sent):
    text: str = Field(max_length=2000)
    client_id: str = Field(min_length=1, max_length=64)
    reply_to: str | None = Field(default=None, max_length=64)


class LikeSent(Sent):
    count: int = Field(ge=1, le=1000)


class HeartbeatSent(Sent):
    venue_id: str = Field(max_length=64)
    position: str | float | None = Field(default=None, description="UTC of the picture on screen")
    playing: bool = False


class CommentQuery(Body):
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=200)


class CommentViewer(View):
    id: str
    nickname: str


class CommentView(View):
    id: str
    text: str
    viewer: CommentViewer
    at: Instant
    status: str


class CommentPage(View):
    items: list[CommentView]
    next_cursor: str | None


class ReviewBody(Body):
    ids: list[str] = Field(min_length=1, max_length=200)


class ReviewView(View):
    changed: list[str]
