"""Moderation: the desk's figures, pace rules, sanctions, word lists, the outside review, the journal."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from interaction.moderation.words import MAX_WORD, Ear, Level
from interaction.store.sanctions import Kind
from web.schemas.base import Body, Instant, View
from web.schemas.room import CommentView


class ReviewedComment(CommentView):
    """A comment as the crew sees it."""

    held_for: list[str] = Field(description="`word:…`, `rule:link`, `review:…`; empty when everything is held")
    reviewed_by: str | None
    reason: str | None


class ReviewedPage(View):
    items: list[ReviewedComment]
    next_cursor: str | None


class ReviewQuery(Body):
    status: Literal["held", "shown", "removed"] = "held"
    q: str | None = Field(default=None, max_length=100, description="Part of the text or the name")
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=200)


class TalkRulesBody(Body):
    slow_seconds: float | None = Field(default=None, ge=0, le=300, description="One comment a viewer in this time")
    hold_links: bool | None = Field(default=None, description="Addresses and long numbers wait for a person")


class CommentCounts(View):
    held: int
    shown: int
    removed: int


class ModerationView(View):
    moderation: Literal["pre", "post"]
    slow_seconds: float
    hold_links: bool
    pinned: str | None
    counts: CommentCounts


class PinBody(Body):
    comment_id: str | None = Field(max_length=64, description="null takes the pinned one down")


class SanctionBody(Body):
    comment_id: str = Field(min_length=1, max_length=64, description="Whoever said this")
    kind: Kind
    minutes: float | None = Field(default=None, gt=0, le=525_600, description="null: for good")
    reason: str = Field(default="", max_length=200)
    remove_comments: bool = Field(default=False, description="Take away what they said in this event")


class SanctionView(View):
    id: str
    kind: Kind
    viewer: str
    nickname: str
    event_id: str
    until: Instant | None
    reason: str
    by: str
    at: Instant


class SanctionList(View):
    items: list[SanctionView]
    next_cursor: str | None = None


class JournalQuery(Body):
    cursor: str | None = Field(default=None, max_length=20, pattern=r"^[0-9]+$")
    limit: int = Field(default=50, ge=1, le=200)


class JournalEntry(View):
    number: int
    at: Instant
    act: str
    by: str
    target: str
    reason: str
    hash: str


class JournalPage(View):
    items: list[JournalEntry]
    next_cursor: str | None


class JournalCheck(View):
    first_broken: int | None = Field(description="The first entry that does not fit the one before; null: all do")


class WordBody(Body):
    word: str = Field(min_length=1, max_length=MAX_WORD)
    level: Level = Level.HOLD
    homophones: Ear = Ear.AUTO
    note: str = Field(default="", max_length=200)


class WordsBody(Body):
    words: list[WordBody] = Field(min_length=1, max_length=500)


class WordsRemove(Body):
    words: list[Annotated[str, Field(max_length=MAX_WORD)]] = Field(min_length=1, max_length=500)


class WordsQuery(Body):
    q: str | None = Field(default=None, max_length=MAX_WORD)
    cursor: str | None = Field(default=None, max_length=10, pattern=r"^[0-9]+$")
    limit: int = Field(default=100, ge=1, le=200)


class ImportQuery(Body):
    mode: Literal["merge", "replace"] = "merge"


class WordView(View):
    word: str
    level: Level
    homophones: Ear
    note: str


class WordPage(View):
    items: list[WordView]
    next_cursor: str | None
    total: int


class WordsImported(View):
    total: int
    added: int


class TryBody(Body):
    text: str = Field(min_length=1, max_length=200)


class TriedView(View):
    words: list[WordView] = Field(description="What the text would be stopped for")


class OutsideReviewBody(Body):
    url: str | None = Field(default=None, max_length=500, pattern=r"^https?://", description="null: none is asked")
    token: str | None = Field(default=None, max_length=500, description="Sent as a bearer token; absent: as it was")
    seconds: float = Field(default=1.5, ge=0.2, le=5)


class OutsideReviewView(View):
    url: str | None
    has_token: bool
    seconds: float
