"""An event, its venues and feeds, as the hub knows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EventState(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Rules:
    anonymous_may: tuple[str, ...] = ("watch", "like")
    moderation: str = "pre"
    """`pre`: comments are held for review; `post`: shown at once."""
    delay_seconds: float = 0.0
    replay: str = "at_end"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the hub fetches a feed itself (`streaming.pull`)."""

    url: str
    transport: str = "auto"
    """RTSP: `tcp`, `udp`, or one after the other."""
    start: str = "with_event"
    """`with_event`: while it is live; `scheduled`: between the times."""
    from_at: float | None = None
    until_at: float | None = None
    """UTC, Unix seconds."""


@dataclass(frozen=True, slots=True)
class Feed:
    id: str
    name: str
    stream_key: str | None
    """None once revoked: nothing can push until a new key is rotated in."""
    source: Source | None = None
    """None: an encoder pushes."""


@dataclass(frozen=True, slots=True)
class Venue:
    id: str
    name: str
    main: bool
    feeds: tuple[Feed, ...]


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    center_id: str
    title: str
    description: str
    state: EventState
    rules: Rules
    venues: tuple[Venue, ...]
    created_at: float
    starts_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    poster: str | None = None
    cut: bool = False
    """The red key is pressed."""

    @property
    def main_venue(self) -> Venue:
        return next(venue for venue in self.venues if venue.main)

    def venue(self, venue_id: str) -> Venue | None:
        """The venue with that id; `main` names the main venue."""
        if venue_id == "main":
            return self.main_venue
        return next((venue for venue in self.venues if venue.id == venue_id), None)


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """Where a feed stands: what a stream key is resolved to."""

    center_id: str
    event_id: str
    venue_id: str
    feed_id: str
    feed_name: str
    venue_name: str
    event_state: EventState
