"""The life of an event: which state may follow which."""

from __future__ import annotations

from streaming.events.model import EventState

# From a state, by an action, to a state. Repeating an action that has been done is no error (idempotent for retries).
TRANSITIONS: dict[str, dict[EventState, EventState]] = {
    "schedule": {EventState.DRAFT: EventState.SCHEDULED, EventState.SCHEDULED: EventState.SCHEDULED},
    "unschedule": {EventState.SCHEDULED: EventState.DRAFT, EventState.DRAFT: EventState.DRAFT},
    "start": {
        EventState.DRAFT: EventState.LIVE,
        EventState.SCHEDULED: EventState.LIVE,
        EventState.LIVE: EventState.LIVE,
    },
    "end": {EventState.LIVE: EventState.ENDED, EventState.ENDED: EventState.ENDED},
    "archive": {EventState.ENDED: EventState.ARCHIVED, EventState.ARCHIVED: EventState.ARCHIVED},
}


class WrongState(Exception):
    """The event's state does not allow the action."""

    def __init__(self, action: str, state: EventState) -> None:
        super().__init__(f"cannot {action} an event that is {state}")
        self.action = action
        self.state = state


def after(action: str, state: EventState) -> EventState:
    """The state that follows. Raises WrongState."""
    follows = TRANSITIONS[action].get(state)
    if follows is None:
        raise WrongState(action, state)
    return follows
