"""A quiz as the crew writes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from web.schemas.activities.base import KindBody
from web.schemas.base import Body, View

MAX_QUESTIONS = 50
MAX_OPTIONS = 8
"""What fits a phone of 360 pixels with the picture above it."""


class QuizOption(Body):
    id: str | None = Field(default=None, max_length=16, pattern=r"^\w+$", description="Ours when absent")
    text: str = Field(min_length=1, max_length=60)
    correct: bool = False
    picture: str | None = Field(default=None, max_length=300, description="A path that POST /api/v1/pictures answered")


class QuizQuestion(Body):
    id: str | None = Field(default=None, max_length=16, pattern=r"^\w+$", description="Ours when absent")
    text: str = Field(min_length=1, max_length=200)
    picture: str | None = Field(default=None, max_length=300)
    options: list[QuizOption] = Field(min_length=2, max_length=MAX_OPTIONS)
    multiple: bool | None = Field(
        default=None, description="Several options may be chosen; when absent: if several are correct"
    )
    seconds: float = Field(default=20, ge=3, le=600, description="From the release to the receipt of the answer")
    points: int = Field(default=1000, ge=0, le=100_000)

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        correct = sum(option.correct for option in self.options)
        if correct == 0:
            raise PydanticCustomError("no_correct_option", "a question needs a correct option")
        if correct > 1 and self.multiple is False:
            raise PydanticCustomError("one_correct_option", "a single choice has one correct option")
        _distinct(self.options)
        return self


class QuizBody(KindBody):
    kind: Literal["quiz"]
    questions: list[QuizQuestion] = Field(min_length=1, max_length=MAX_QUESTIONS)
    mode: Literal["score", "elimination"] = "score"
    speed: bool = Field(default=True, description="A quick answer is worth more")
    revivals: int = Field(default=0, ge=0, le=10, description="Mistakes that an elimination forgives each player")
    late_may_play: bool = Field(default=False, description="Whether latecomers play an elimination")
    protocol: Literal["any", "hls", "flv", "whep"] = Field(
        default="any", description="For prizes: only viewers who play the stream this way take part"
    )
    begin: Literal["at_open", "by_hand"] = Field(default="at_open", description="Opening asks the first question")
    reveal: Literal["auto", "by_hand"] = "auto"

    @model_validator(mode="after")
    def _questions_differ(self) -> Self:
        _distinct(self.questions)
        return self

    def rules(self) -> dict[str, Any]:
        rules = super().rules()
        _named(rules["questions"], "q")
        for question in rules["questions"]:
            _named(question["options"], "o")
            if question["multiple"] is None:
                question["multiple"] = sum(option["correct"] for option in question["options"]) > 1
        return rules


class AskBody(Body):
    question_id: str | None = Field(default=None, max_length=16, description="The next one when absent")


class LeaderboardQuery(Body):
    limit: int = Field(default=50, ge=1, le=200)


class LeaderboardRow(View):
    rank: int
    viewer: str = Field(description="As in comments")
    viewer_id: str
    nickname: str
    score: int
    right: int
    seconds: float
    out: bool = False


class LeaderboardView(View):
    items: list[LeaderboardRow]
    next_cursor: None = None


def _distinct(things: Iterable[QuizOption | QuizQuestion]) -> None:
    ids = [thing.id for thing in things if thing.id is not None]
    if len(set(ids)) != len(ids):
        raise PydanticCustomError("same_id", "two have the same id")


def _named(things: list[dict[str, Any]], letter: str) -> None:
    taken = {thing["id"] for thing in things}
    free = iter(name for name in (f"{letter}{number}" for number in range(1, 1000)) if name not in taken)
    for thing in things:
        thing["id"] = thing["id"] or next(free)
