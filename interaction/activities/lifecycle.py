"""The life of an activity.

    draft ──open──► open ──close──► closed ──settle──► settled
                      │               │                   │
                      └──────────────void─────────────────┘

Prepared before the event, opened and closed with one tap or by time, settled when its result stands. What went wrong
is voided with a reason and stays to be read; nothing is deleted once it was open.
"""

from __future__ import annotations

from enum import StrEnum

from interaction.activity import State
from interaction.rejected import Rejected


class Command(StrEnum):
    OPEN = "open"
    CLOSE = "close"
    SETTLE = "settle"
    VOID = "void"


TRANSITIONS: dict[Command, tuple[frozenset[State], State]] = {
    Command.OPEN: (frozenset({State.DRAFT}), State.OPEN),
    Command.CLOSE: (frozenset({State.OPEN}), State.CLOSED),
    Command.SETTLE: (frozenset({State.CLOSED}), State.SETTLED),
    Command.VOID: (frozenset({State.OPEN, State.CLOSED, State.SETTLED}), State.VOID),
}
"""From which states a command leads where."""


def after(state: State, command: Command) -> State | None:
    """The state behind a command; None when it has been carried out already (commands are idempotent).

    Raises Rejected `activity_state` for a command that the state does not allow.
    """
    allowed, target = TRANSITIONS[command]
    if state is target:
        return None
    if state not in allowed:
        raise Rejected("activity_state")
    return target
