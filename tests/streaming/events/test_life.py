"""The table of an event's life."""

from __future__ import annotations

import pytest

from streaming.events.life import TRANSITIONS, WrongState, after
from streaming.events.model import EventState

D, S, L, E, A = EventState.DRAFT, EventState.SCHEDULED, EventState.LIVE, EventState.ENDED, EventState.ARCHIVED

ALLOWED = {
    ("schedule", D): S,
    ("schedule", S): S,
    ("unschedule", S): D,
    ("unschedule", D): D,
    ("start", D): L,
    ("start", S): L,
    ("start", L): L,
    ("end", L): E,
    ("end", E): E,
    ("archive", E): A,
    ("archive", A): A,
}


@pytest.mark.parametrize("state", EventState)
@pytest.mark.parametrize("action", TRANSITIONS)
def test_every_action_in_every_state(action: str, state: EventState) -> None:
    follows = ALLOWED.get((action, state))
    if follows is None:
        with pytest.raises(WrongState) as refused:
            after(action, state)
        assert (refused.value.action, refused.value.state) == (action, state)
    else:
        assert after(action, state) is follows


def test_doing_it_twice_is_doing_it_once() -> None:
    for action, state in ALLOWED:
        assert after(action, after(action, state)) is after(action, state)
