"""Activities over the API: one body for each kind, told apart by `kind`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, RootModel

from web.schemas.activities.checkin import CheckinBody
from web.schemas.activities.lottery import LotteryBody
from web.schemas.activities.quiz import QuizBody
from web.schemas.activities.vote import VoteBody
from web.schemas.base import Body, Instant, Page, View

AnyKind = Annotated[VoteBody | QuizBody | CheckinBody | LotteryBody, Field(discriminator="kind")]


class ActivityBody(RootModel[AnyKind]):
    """A draft: `{kind, title, …}`."""


class ActivityView(View):
    """An activity as the crew sees it: these fields, and those of its kind beside them."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    event_id: str
    kind: str
    title: str
    state: str = Field(description="draft, open, closed, settled or void")
    seconds: float | None
    created_at: Instant
    opened_at: Instant | None
    closes_at: Instant | None
    closed_at: Instant | None
    settled_at: Instant | None
    voided_at: Instant | None
    void_reason: str
    facts: dict[str, Any]


class ActivityPage(Page[ActivityView]):
    pass


class SettleBody(Body):
    """What the crew says with the result; which fields count is the kind's."""

    model_config = ConfigDict(extra="allow")


class VoidBody(Body):
    reason: str = Field(min_length=2, max_length=200)


class ResultsView(View):
    """A kind's own fields."""

    model_config = ConfigDict(frozen=True, extra="allow")


class RecountView(View):
    agrees: bool
    counted: dict[str, Any]
    shown: dict[str, Any]


class ViewerMeView(View):
    viewer_id: str
    nickname: str
    anonymous: bool
    activities: dict[str, dict[str, Any]] = Field(description="What this viewer did, by activity id")
