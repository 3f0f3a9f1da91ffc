"""The question that is being answered: to whom it was released, and whose answers are still being kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from interaction.activities.quiz.release import Groups
from interaction.activities.quiz.rules import Question

DRAIN_SECONDS = 10.0
"""How long the end of a question waits for answers that are being committed; a commit gives up before."""


@dataclass(slots=True)
class Running:
    """The question that is being answered."""

    question: Question
    asked_at: float
    groups: Groups
    closes_at: float
    resumed_at: float | None = None
    """After a restart in mid-question the time to answer begins anew, but the score counts on."""
    step_of: dict[str, int] = field(default_factory=dict)
    released: dict[int, float] = field(default_factory=dict)
    """Steps that went out, and when."""
    told: bool = False
    pending: int = 0
    unknown: bool = False
    """Some commit was not answered: the database knows which answers there are."""
    stopped: bool = False

    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.step_of = {viewer_id: step for step, viewers in self.groups.items() for viewer_id in viewers}

    @property
    def released_to_all(self) -> bool:
        return len(self.released) == len(self.groups)

    async def drained(self) -> None:
        """What is being committed is answered, or has given up."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while self.pending:
                    self.idle.clear()
                    await self.idle.wait()
        except TimeoutError:
            self.unknown = True

    def settled(self) -> None:
        """A commit is over."""
        self.pending -= 1
        if not self.pending:
            self.idle.set()

    def released_to(self, viewer_id: str) -> float | None:
        step = self.step_of.get(viewer_id)
        return self.released.get(step) if step is not None else None
