"""What a quiz's settings mean. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interaction.activity import Activity
from interaction.rejected import Rejected


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    options: tuple[str, ...]
    """Their ids, in the order in which they stand."""
    correct: frozenset[str]
    multiple: bool
    seconds: float
    points: int


@dataclass(frozen=True, slots=True)
class QuizRules:
    questions: tuple[Question, ...]
    elimination: bool
    speed: bool
    """A quick answer is worth more."""
    revivals: int
    """Wrong or missing answers that each player is forgiven (elimination)."""
    late_may_play: bool
    """Whether one who comes late plays an elimination, as if the questions before had not been."""
    protocol: str | None
    """The only way of playing the stream that takes part: `hls`, `flv` or `whep`."""
    at_open: bool
    """Opening asks the first question."""
    reveal_by_hand: bool

    def number(self, question_id: str) -> int:
        """Counted from 0. Raises Rejected."""
        for number, question in enumerate(self.questions):
            if question.id == question_id:
                return number
        raise Rejected("no_such_question")


def rules_of(activity: Activity) -> QuizRules:
    rules: dict[str, Any] = activity.rules
    return QuizRules(
        questions=tuple(_question(question) for question in rules["questions"]),
        elimination=rules["mode"] == "elimination",
        speed=rules["speed"],
        revivals=rules["revivals"],
        late_may_play=rules["late_may_play"],
        protocol=None if rules["protocol"] == "any" else rules["protocol"],
        at_open=rules["begin"] == "at_open",
        reveal_by_hand=rules["reveal"] == "by_hand",
    )


def _question(question: dict[str, Any]) -> Question:
    return Question(
        id=question["id"],
        options=tuple(option["id"] for option in question["options"]),
        correct=frozenset(option["id"] for option in question["options"] if option["correct"]),
        multiple=question["multiple"],
        seconds=question["seconds"],
        points=question["points"],
    )


def chosen(question: Question, options: Sequence[str]) -> tuple[str, ...]:
    """An answer's options in the order in which they stand. Raises Rejected."""
    wanted = set(options)
    if len(wanted) != len(options) or not wanted <= set(question.options):
        raise Rejected("no_such_option")
    if not wanted:
        raise Rejected("too_few_options")
    if len(wanted) > 1 and not question.multiple:
        raise Rejected("too_many_options")
    return tuple(option for option in question.options if option in wanted)
