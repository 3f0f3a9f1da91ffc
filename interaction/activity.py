"""An activity as it is kept: what the crew prepared, what state it is in, and what was decided since."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Which command leads where: `interaction.activities.lifecycle`."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    SETTLED = "settled"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Activity:
    id: str
    event_id: str
    center_id: str
    kind: str
    title: str
    rules: dict[str, Any]
    """The kind's own settings (JSON), as its API schema made them; frozen once open."""
    seconds: float | None = None
    """Closes by itself so long after the opening."""
    state: State = State.DRAFT
    facts: dict[str, Any] = field(default_factory=dict)
    """What the kind froze or decided: commitments, tallies, results (JSON)."""
    created_at: float = 0.0
    created_by: str = ""
    opened_at: float | None = None
    closes_at: float | None = None
    closed_at: float | None = None
    settled_at: float | None = None
    voided_at: float | None = None
    void_reason: str = ""
