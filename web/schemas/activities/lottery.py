"""A lottery as the crew writes it, its list from outside, its winners."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from interaction.activities.lottery.guards import MAX_PRIZE_FEN
from web.schemas.activities.base import KindBody
from web.schemas.base import Body, View

MAX_PRIZES = 20
MAX_WINNERS = 1_000
"""Of one tier, reserves apart: county draws name a thousand at most."""


class LotteryPool(Body):
    source: Literal["enter", "room", "comment", "vote", "quiz", "checkin", "watch", "import"] = "enter"
    activity_id: str | None = Field(default=None, max_length=64, description="The vote, quiz or check-in that counts")
    text: str | None = Field(default=None, max_length=50, description="What a comment has to say, word for word")
    minutes: int | None = Field(default=None, ge=1, le=600, description="Watched while the lottery is open")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.source in ("vote", "quiz", "checkin") and not self.activity_id:
            raise PydanticCustomError("pool_activity", "name the activity that counts")
        if self.source == "comment" and not self.text:
            raise PydanticCustomError("pool_text", "write the words that count")
        if self.source == "watch" and not self.minutes:
            raise PydanticCustomError("pool_minutes", "say how many minutes count")
        return self


class LotteryPrize(Body):
    id: str | None = Field(default=None, max_length=16, pattern=r"^\w+$", description="Ours when absent")
    name: str = Field(min_length=1, max_length=60)
    count: int = Field(default=1, ge=1, le=MAX_WINNERS)
    value: int = Field(default=0, ge=0, le=MAX_PRIZE_FEN, description="Of one, in fen; the law allows 50,000 yuan")
    reserves: int = Field(default=0, ge=0, le=MAX_WINNERS)
    again: bool = Field(default=False, description="Winners of earlier tiers may win this one too")


class LotteryBody(KindBody):
    kind: Literal["lottery"]
    pool: LotteryPool = Field(default_factory=LotteryPool, description="An object, or its `source` alone")
    prizes: list[LotteryPrize] = Field(min_length=1, max_length=MAX_PRIZES)
    order: list[str] | None = Field(default=None, max_length=MAX_PRIZES, description="Prize ids; as listed when absent")
    outside: Literal["none", "witness", "drand"] = Field(
        default="none", description="Mandatory for imported lists and prizes of value"
    )
    outside_source: str = Field(default="", max_length=200, description="Where the witnessed value will come from")
    organiser: str = Field(default="", max_length=100)
    contact: str = Field(default="", max_length=100)
    claim_way: str = Field(default="", max_length=300)
    claim_days: int | None = Field(default=None, ge=1, le=365, description="Unclaimed prizes go to reserves after it")
    claim_note: str = Field(default="", max_length=500, description="Delivery, forfeiture, restrictions")

    @field_validator("pool", mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"source": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _prizes_differ(self) -> Self:
        ids = [prize.id for prize in self.prizes if prize.id is not None]
        if len(set(ids)) != len(ids):
            raise PydanticCustomError("same_id", "two have the same id")
        if self.order is not None and sorted(self.order) != sorted(ids):
            raise PydanticCustomError("prize_order", "the order names every prize once, by its id")
        return self

    def rules(self) -> dict[str, Any]:
        rules = super().rules()
        taken = {prize["id"] for prize in rules["prizes"]}
        free = iter(name for name in (f"p{number}" for number in range(1, 1000)) if name not in taken)
        for prize in rules["prizes"]:
            prize["id"] = prize["id"] or next(free)
        rules["order"] = rules["order"] or [prize["id"] for prize in rules["prizes"]]
        return rules


class PoolQuery(Body):
    per_person: int = Field(default=0, ge=0, le=100_000, description="Lines of one holder at most; 0: any number")
    per_merchant: int = Field(default=0, ge=0, le=100_000)


class BadLine(View):
    line: int = Field(description="As a spreadsheet counts")
    code: str
    field: str
    value: str
    message: str


class ListView(View):
    """What became of a list: taken whole, or nothing of it."""

    imported: int
    lines: int
    problem_count: int
    problems: list[BadLine] = Field(description="The first 200")


class ClaimBody(Body):
    winner_id: str = Field(min_length=1, max_length=128)
    name: str = Field(min_length=1, max_length=40)
    phone: str = Field(pattern=r"^\+?[\d -]{5,20}$")
    address: str = Field(default="", max_length=200)


class ForfeitBody(Body):
    reason: str = Field(min_length=2, max_length=200)


class ClaimedView(View):
    claimed: bool = True
