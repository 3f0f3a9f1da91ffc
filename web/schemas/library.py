"""Library items: views and queries."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from web.schemas.base import Body, Instant, View


class LibraryQuery(Body):
    event_id: str | None = Field(default=None, max_length=64)
    q: str | None = Field(default=None, max_length=80, description="Looked for in titles and descriptions")
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=200)


class ItemVenueView(View):
    id: str
    name: str
    main: bool
    duration: float = Field(description="Seconds of media; gaps do not count")
    gap_seconds: float = Field(description="Seconds that were on air and could not be kept")
    bytes: int
    width: int
    height: int
    codecs: str = Field(description="RFC 6381, comma-separated")
    hls_url: str


class ItemView(View):
    id: str
    kind: Literal["replay"] = "replay"
    center_id: str
    event_id: str
    title: str
    description: str
    poster: str | None
    state: Literal["review", "published"]
    created_at: Instant
    published_at: Instant | None
    started_at: Instant | None
    ended_at: Instant | None
    duration: float = Field(description="Seconds, of the main venue")
    venues: list[ItemVenueView]
    hls_url: str
    page_url: str
