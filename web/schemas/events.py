"""Events, venues, feeds: bodies and views."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from streaming.events.model import EventState
from web.schemas.base import Body, Instant, View
from web.schemas.sources import LinkView, PullView, SourceBody, SourceView


def _near(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2100:  # at the calendar's ends a time in UTC has no year that can be written
        raise PydanticCustomError("time_out_of_range", "The time should be between the years 2000 and 2100")
    return moment


StartTime = Annotated[AwareDatetime, AfterValidator(_near)]


class AnonymousMay(StrEnum):
    WATCH = "watch"
    LIKE = "like"
    COMMENT = "comment"
    VOTE = "vote"
    ANSWER = "answer"
    ENTER = "enter"


class RulesBody(Body):
    anonymous_may: list[AnonymousMay] = Field(default_factory=lambda: [AnonymousMay.WATCH, AnonymousMay.LIKE])
    moderation: Literal["pre", "post"] = "pre"
    delay_seconds: float = Field(default=0, ge=0, le=600)
    replay: Literal["at_end", "after_review"] = "at_end"


class FeedCreate(Body):
    name: str = Field(min_length=1, max_length=40)


class VenueCreate(Body):
    name: str = Field(min_length=1, max_length=40)
    main: bool = False
    feeds: list[FeedCreate] = Field(default_factory=list, max_length=16)


class EventCreate(Body):
    center_id: str | None = None
    title: str = Field(min_length=1, max_length=80)
    description: str = Field(default="", max_length=4000)
    starts_at: StartTime | None = None
    poster: str | None = Field(default=None, max_length=2000, description="URL of an uploaded or outside picture")
    rules: RulesBody = Field(default_factory=RulesBody)
    venues: list[VenueCreate] = Field(min_length=1, max_length=32)

    @model_validator(mode="after")
    def _one_main(self) -> EventCreate:
        if sum(venue.main for venue in self.venues) != 1:
            raise PydanticCustomError("one_main_venue", "Exactly one venue is the main venue")
        return self


class Ingest(View):
    stream_key: str
    rtmp_url: str = Field(description="With the key: what most encoders take")
    rtmp_server: str = Field(description="Without the key: what OBS takes beside the key")
    whip_url: str
    srt_url: str


class VideoStatus(View):
    codec: str
    width: int
    height: int
    frames_per_second: float
    bits_per_second: float
    gop_seconds: float


class AudioStatus(View):
    codec: str
    sample_rate: int
    channels: int
    bits_per_second: float


class HealthNotice(View):
    """One thing that is wrong with a feed. `code` names a text in the console's language files."""

    code: str = Field(
        description="gop_long, no_audio, silence, bitrate_swing, clock_drift, frozen, black, lost, "
        "srt_wrong_passphrase, srt_not_encrypted, transcode_too_slow, transcode_failed"
    )
    level: Literal["warning", "critical"]
    since: Instant
    values: dict[str, float | str] = Field(description="What was measured, for the text: e.g. {seconds: 12}")


class EventQuery(Body):
    center_id: str | None = None
    state: EventState | None = None
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=200)


class Contest(View):
    """Two encoders fight over one key: the current one stays, the other is refused until `until`."""

    current_address: str
    current_encoder: str
    refused_address: str
    refused_encoder: str
    until: Instant


class FeedStatus(View):
    state: Literal["idle", "live", "lost"] = Field(description="lost: was live, is within or past its grace time")
    since: Instant | None
    address: str | None = Field(description="IP address of the encoder")
    encoder: str | None = Field(description="What the encoder calls itself")
    video: VideoStatus | None
    audio: AudioStatus | None
    health: list[HealthNotice]
    contest: Contest | None
    protocol: str | None = Field(description="rtmp, rtmps, whip, srt, or pull-rtsp and the like")
    link: LinkView | None = Field(description="Of protocols that count lost packets: SRT")
    pull: PullView | None = Field(description="How fetching the feed's source goes; null while it is not due")


class FeedView(View):
    id: str
    name: str
    source: SourceView | None = Field(description="Where the hub fetches the feed itself; null: an encoder pushes")
    ingest: Ingest
    status: FeedStatus
    preview: FeedPreview


class FeedPreview(View):
    jpg_url: str
    flv_url: str
    rtmp_url: str = Field(description="Add ?token= and your access token")


class ProgramView(View):
    feed_id: str | None = Field(description="The feed on air; null while the slate is")
    chosen: bool = Field(description="False while the hub follows its own rule: the first feed with a key frame")
    slate: bool
    pending_feed_id: str | None = Field(default=None, description="Chosen, waiting for its next key frame")


class Viewers(View):
    current: int
    peak: int
    unique: int = 0


class VenuePlay(View):
    hls_url: str
    flv_url: str
    whep_url: str
    rtmp_url: str = Field(description="For OBS, vMix and VLC")


class VenueView(View):
    id: str
    name: str
    main: bool
    feeds: list[FeedView]
    program: ProgramView
    on_air: bool
    viewers: Viewers
    play: VenuePlay


class EventView(View):
    """An event as its crew sees it."""

    id: str
    center_id: str
    title: str
    description: str
    state: EventState
    starts_at: Instant | None
    started_at: Instant | None
    ended_at: Instant | None
    created_at: Instant
    poster: str | None
    rules: RulesBody
    venues: list[VenueView]
    cut: bool = Field(description="The red key is pressed: every output shows the slate, the room is closed")
    viewers: Viewers
    page_url: str
    replay_item_id: str | None = Field(default=None, description="The replay in the library, once published")


class EventSummary(View):
    """An event in a list."""

    id: str
    center_id: str
    title: str
    state: EventState
    starts_at: Instant | None
    started_at: Instant | None
    ended_at: Instant | None
    created_at: Instant
    poster: str | None
    venue_count: int
    page_url: str


class EventPatch(Body):
    title: str | None = Field(default=None, min_length=1, max_length=80)
    description: str | None = Field(default=None, max_length=4000)
    starts_at: StartTime | None = None
    poster: str | None = Field(default=None, max_length=2000)
    rules: RulesPatch | None = None


class RulesPatch(Body):
    anonymous_may: list[AnonymousMay] | None = None
    moderation: Literal["pre", "post"] | None = None
    delay_seconds: float | None = Field(default=None, ge=0, le=600)
    replay: Literal["at_end", "after_review"] | None = None


class VenueAdd(Body):
    name: str = Field(min_length=1, max_length=40)
    feeds: list[FeedCreate] = Field(default_factory=list, max_length=16)


class VenuePatch(Body):
    name: str | None = Field(default=None, min_length=1, max_length=40)


class FeedAdd(FeedCreate):
    source: SourceBody | None = None


class FeedPatch(Body):
    name: str | None = Field(default=None, min_length=1, max_length=40)
    source: SourceBody | None = Field(default=None, description="null: leave the feed to an encoder")


class ProgramChoice(Body):
    """Exactly one of `feed_id` and `slate: true`."""

    feed_id: str | None = None
    slate: bool = False

    @model_validator(mode="after")
    def _one_choice(self) -> ProgramChoice:
        if (self.feed_id is None) == (not self.slate):
            raise PydanticCustomError("one_choice", "Name a feed_id, or slate: true, not both")
        return self


class DumpView(View):
    dropped_seconds: float = Field(description="What of the delay was thrown away; 0 without a delay")


class PosterView(View):
    poster: str
    square: str


class VenueStats(View):
    id: str
    name: str
    viewers: Viewers


class StatsView(View):
    viewers: Viewers
    comments: int
    votes: int
    venues: list[VenueStats]


class AudienceVenue(View):
    id: str
    name: str
    main: bool
    on_air: bool
    still_url: str | None = Field(description="A tiny live still for the tab; null before the first picture")
    play: VenuePlay


class AudienceCenter(View):
    name: str
    accent: str = Field(description="The center's accent colour, #rrggbb")


class AudienceEvent(View):
    """An event as its audience page needs it: no keys, no feeds. Also embedded in the page's HTML."""

    id: str
    title: str
    description: str
    state: EventState = Field(description="draft is never shown to the audience")
    starts_at: Instant | None
    started_at: Instant | None
    ended_at: Instant | None
    poster: str | None
    center: AudienceCenter
    anonymous_may: list[AnonymousMay]
    moderation: Literal["pre", "post"]
    venues: list[AudienceVenue]
    cut: bool
    replay_url: str | None
    points: bool = Field(description="Whether the center gives points; its mall is behind GET …/mall")
    now: Instant = Field(description="The hub's clock, for countdowns on phones that are wrong")


class EventPage(View):
    items: list[EventSummary]
    next_cursor: str | None


FeedView.model_rebuild()
EventPatch.model_rebuild()
