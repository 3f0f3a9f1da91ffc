"""Where the hub fetches a feed itself, and how that goes."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from streaming.events.model import Source
from streaming.gateway.outcome import WORDS, Reason
from streaming.link import LinkStatus
from streaming.pull.address import SourceRefused, check_address
from streaming.pull.puller import PullStatus
from web.schemas.base import Body, Instant, View
from web.source_words import SOURCE_PROBLEMS


class SourceBody(Body):
    """A camera, a web stream, or files of the hub's `sources` folder, played in a loop."""

    url: str = Field(
        min_length=3, max_length=1000, description="rtsp, rtsps, rtmp, rtmps, http, https, srt, or file:ONE.mp4,TWO.mp4"
    )
    transport: Literal["auto", "tcp", "udp"] = Field(default="auto", description="RTSP only")
    start: Literal["with_event", "scheduled"] = "with_event"
    from_at: AwareDatetime | None = Field(default=None, description="scheduled: from then; null: at once")
    until_at: AwareDatetime | None = Field(default=None, description="scheduled: until then; null: the event's end")

    @field_validator("url")
    @classmethod
    def _allowed(cls, url: str) -> str:
        try:
            check_address(url.strip())
        except SourceRefused as refusal:
            raise PydanticCustomError(refusal.code, SOURCE_PROBLEMS[refusal.code][1]) from None
        return url.strip()

    @model_validator(mode="after")
    def _forward(self) -> SourceBody:
        if self.from_at is not None and self.until_at is not None and self.until_at <= self.from_at:
            raise PydanticCustomError("source_times", "The end should be later than the start")
        return self

    def source(self) -> Source:
        return Source(
            self.url,
            self.transport,
            self.start,
            self.from_at.timestamp() if self.from_at else None,
            self.until_at.timestamp() if self.until_at else None,
        )


class SourceView(View):
    url: str = Field(description="Without user name and password for those who may not see keys")
    transport: Literal["auto", "tcp", "udp"]
    start: Literal["with_event", "scheduled"]
    from_at: Instant | None
    until_at: Instant | None


class PullView(View):
    """How fetching a source goes; absent while it is not due."""

    state: Literal["connecting", "live", "waiting", "refused"]
    reason: str | None = Field(description="What went wrong last, as a code")
    zh: str | None = Field(description="The same in words")
    en: str | None
    since: Instant
    attempts: int
    next_attempt: Instant | None


class LinkView(View):
    """The road between encoder and hub, since it connected."""

    packets: int
    retransmitted: int
    lost: int
    rtt_ms: float
    latency_ms: int


def source_view(source: Source | None, *, secrets: bool) -> SourceView | None:
    if source is None:
        return None
    return SourceView(
        url=source.url if secrets else _without_user(source.url),
        transport=source.transport,
        start=source.start,
        from_at=source.from_at,
        until_at=source.until_at,
    )


def _without_user(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


def pull_view(status: PullStatus | None) -> PullView | None:
    if status is None:
        return None
    words: tuple[str | None, str | None] = (None, None)
    if status.reason in SOURCE_PROBLEMS:
        words = SOURCE_PROBLEMS[status.reason]
    elif status.reason is not None:
        words = WORDS[Reason(status.reason)]
    return PullView(
        state=status.state,
        reason=status.reason,
        zh=words[0],
        en=words[1],
        since=status.since,
        attempts=status.attempts,
        next_attempt=status.next_attempt,
    )


def link_view(link: LinkStatus | None) -> LinkView | None:
    if link is None:
        return None
    return LinkView(
        packets=link.packets,
        retransmitted=link.retransmitted,
        lost=link.lost,
        rtt_ms=link.rtt_ms,
        latency_ms=link.latency_ms,
    )
