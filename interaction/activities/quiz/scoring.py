"""What an answer is worth. Pure.

With speed: the full points for the first half second (a plateau: nobody's thumb is faster, no network is steadier),
then a straight line down to half of them at the end of the time. A wrong answer is worth nothing, never less.
"""

from __future__ import annotations

from collections.abc import Collection

from interaction.activities.quiz.rules import Question

PLATEAU_SECONDS = 0.5
LEAST_SHARE = 0.5
"""Of the points, at the last moment: knowing counts more than hurrying."""


def is_right(question: Question, options: Collection[str]) -> bool:
    """All correct options and no other; there is no half point."""
    return frozenset(options) == question.correct


def points(question: Question, *, right: bool, seconds: float, speed: bool) -> int:
    """Points for an answer `seconds` after its release."""
    if not right:
        return 0
    if not speed or seconds <= PLATEAU_SECONDS:
        return question.points
    span = max(question.seconds - PLATEAU_SECONDS, 0.001)
    used = min((seconds - PLATEAU_SECONDS) / span, 1.0)
    return round(question.points * (1 - (1 - LEAST_SHARE) * used))
