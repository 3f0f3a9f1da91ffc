"""A vote as the crew writes it."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from web.schemas.activities.base import KindBody
from web.schemas.base import Body

MAX_OPTIONS = 60


class VoteOption(Body):
    id: str | None = Field(default=None, max_length=16, pattern=r"^\w+$", description="Ours when absent")
    text: str = Field(min_length=1, max_length=60)
    picture: str | None = Field(default=None, max_length=300, description="A path that POST /api/v1/pictures answered")


class VoteBody(KindBody):
    kind: Literal["vote"]
    options: list[VoteOption] = Field(min_length=2, max_length=MAX_OPTIONS)
    min: int = Field(default=1, ge=1, le=MAX_OPTIONS)
    max: int = Field(default=1, ge=1, le=MAX_OPTIONS)
    show: Literal["live", "after_vote", "at_end", "never"] = "live"
    change: bool = False
    per: Literal["viewer", "day"] = "viewer"
    times: int = Field(default=1, ge=1, le=100, description="Ballots of one viewer, in all or a day")
    hold_suspicious: bool = Field(default=False, description="Set suspicious ballots aside until the vote is settled")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.min <= self.max <= len(self.options):
            raise PydanticCustomError("choice_range", "min and max do not fit the options")
        if self.change and self.times > 1:
            raise PydanticCustomError("change_or_times", "a ballot that may be changed is cast once")
        ids = [option.id for option in self.options if option.id is not None]
        if len(set(ids)) != len(ids):
            raise PydanticCustomError("same_id", "two options have the same id")
        return self

    def rules(self) -> dict[str, Any]:
        rules = super().rules()
        taken = {option["id"] for option in rules["options"]}
        free = iter(name for name in (f"o{number}" for number in range(1, 1000)) if name not in taken)
        for option in rules["options"]:
            option["id"] = option["id"] or next(free)
        return rules
