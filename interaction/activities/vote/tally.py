"""The counts of one vote: accepted and held ballots, by option."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any


class Tally:
    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.total = 0
        """Accepted ballots."""
        self.total_held = 0
        self.suspicions: Counter[str] = Counter()
        self.changed = True
        """Since the last tick."""

    def add(self, options: Sequence[str], *, held: bool, suspicions: Sequence[str] = ()) -> None:
        (self.held if held else self.accepted).update(options)
        if held:
            self.total_held += 1
        else:
            self.total += 1
        self.suspicions.update(suspicions)
        self.changed = True

    def move(self, before: Sequence[str], after: Sequence[str], *, held: bool) -> None:
        """One ballot chose differently."""
        counts = self.held if held else self.accepted
        counts.subtract(before)
        counts.update(after)
        self.changed = True

    def take_in_held(self) -> None:
        """Held ballots count from here on."""
        self.accepted.update(self.held)
        self.total += self.total_held
        self.held.clear()
        self.total_held = 0
        self.changed = True

    def public(self, options: Sequence[str]) -> dict[str, Any]:
        """Accepted ballots, in the options' order."""
        return {"total": self.total, "options": [{"id": id_, "count": self.accepted[id_]} for id_ in options]}
