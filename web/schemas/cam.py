"""The camera page: what it is told of itself, and what the crew says to it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from web.schemas.base import Body, Instant, View


class CueBody(Body):
    message: str | None = Field(default=None, max_length=60, description="Shown on the phone; empty clears it")
    next: bool | None = Field(default=None, description="Green light: this camera is the next one")


class CueView(View):
    message: str
    next: bool


class CameraMessage(View):
    text: str
    at: Instant


class CameraLink(View):
    """How the phone's stream arrives here."""

    bits_per_second: float
    lost_percent: float = Field(description="Of the last second, before packets were sent again")
    frozen: bool = Field(description="Waiting for a key frame: viewers see a still picture")


class CameraState(View):
    feed_id: str
    feed: str
    venue: str
    event: str
    state: Literal["draft", "scheduled", "live", "ended", "archived"]
    tally: Literal["air", "next", "off"]
    message: CameraMessage | None
    publishing: bool = Field(description="This feed is delivered by a camera page or another WHIP encoder now")
    session: str | None = Field(description="ETag of that WHIP session, so that a page knows its own")
    elsewhere: bool = Field(description="Another encoder delivers this feed now")
    link: CameraLink | None
