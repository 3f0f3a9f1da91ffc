"""What a vote's settings mean. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from interaction.activity import Activity
from interaction.rejected import Rejected

_CHINA = timedelta(hours=8)
"""A day of a vote is a day of the county's people."""


class Show(StrEnum):
    LIVE = "live"
    AFTER_VOTE = "after_vote"
    AT_END = "at_end"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class VoteRules:
    options: tuple[str, ...]
    """Their ids, in the order in which they stand."""
    min: int
    max: int
    show: Show
    change: bool
    daily: bool
    times: int
    """Ballots of one viewer: of a day, or in all."""
    hold_suspicious: bool


def rules_of(activity: Activity) -> VoteRules:
    rules: dict[str, Any] = activity.rules
    return VoteRules(
        options=tuple(option["id"] for option in rules["options"]),
        min=rules["min"],
        max=rules["max"],
        show=Show(rules["show"]),
        change=rules["change"],
        daily=rules["per"] == "day",
        times=rules["times"],
        hold_suspicious=rules["hold_suspicious"],
    )


def chosen(rules: VoteRules, options: Sequence[str]) -> tuple[str, ...]:
    """A ballot's options in the order in which they stand. Raises Rejected."""
    wanted = set(options)
    if len(wanted) != len(options) or not wanted <= set(rules.options):
        raise Rejected("no_such_option")
    if len(wanted) < rules.min:
        raise Rejected("too_few_options")
    if len(wanted) > rules.max:
        raise Rejected("too_many_options")
    return tuple(option for option in rules.options if option in wanted)


def day(utc: float) -> str:
    """The day in China of a moment in Unix seconds."""
    return (datetime.fromtimestamp(utc, UTC) + _CHINA).strftime("%Y%m%d")


def shown_to_all(rules: VoteRules, *, ended: bool) -> bool:
    """Whether the counts are everybody's."""
    match rules.show:
        case Show.LIVE:
            return True
        case Show.NEVER:
            return False
        case _:
            return ended
