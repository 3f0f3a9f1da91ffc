"""How a room gives way when it is too much for this machine: five levels, each with trigger, effect and release.

Pure: what was measured goes in, a level comes out. docs/rooms.md has the table. On every level the red key, activities
and their tallies, removals, pins and personal words go to every socket; only how soon, and what else, changes.
"""

from __future__ import annotations

from dataclasses import dataclass

BUSY = 0.9
"""Share of the time spent on writing batches: beyond it acknowledgements wait for the rest."""
LATE_SECONDS = 0.4
"""A tick that comes later: the loop has more to do than it can."""
BEHIND = 0.2
"""Share of the sockets that cannot take what they are sent: the line out is full."""
CALM = 0.45
"""Strain below which a level is released: less than half of what it took, since the level before costs about twice."""

BOUNCE_SECONDS = 60.0
"""A level that is needed again so soon after its release was released too early: then it stays twice as long."""
MAX_CALM_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Level:
    name: str
    every: int
    """A batch every so many ticks (a tick is 250 ms)."""
    chatter: bool
    """Comments, hearts, likes and presence go over the sockets; without it pages poll the snapshot for them."""
    comments: bool
    """Comments are shown; without it they are kept, acknowledged, and shown to their writers."""
    climb_after: int
    """Trigger of the next level: so many strained batches in a row."""
    calm_seconds: float
    """Release to the level before: so long without strain."""


LADDER = (
    Level("quick", 1, True, True, climb_after=4, calm_seconds=0.0),
    Level("half", 2, True, True, climb_after=4, calm_seconds=10.0),
    Level("slow", 4, True, True, climb_after=5, calm_seconds=10.0),
    Level("polling", 4, False, True, climb_after=10, calm_seconds=30.0),
    Level("state_only", 4, False, False, climb_after=0, calm_seconds=30.0),
)
"""Quick: 250 ms; half: 500 ms; slow: 1 s; polling: comments by the snapshot; state only: no comments at all."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a room's last batch cost."""

    busy: float
    """Share of the time since the batch before that was spent on writing."""
    late: float
    """Seconds."""
    behind: float
    """Share of the sockets."""

    @property
    def strain(self) -> float:
        """1.0 and more is too much."""
        return max(self.busy / BUSY, self.late / LATE_SECONDS, self.behind / BEHIND)


class Ladder:
    """One room's place on the ladder; up and down by one level at a time."""

    def __init__(self) -> None:
        self._at = 0
        self._strained = 0
        self._calm_since: float | None = None
        self._released_at: dict[int, float] = {}
        self._patience: dict[int, float] = {}

    @property
    def level(self) -> Level:
        return LADDER[self._at]

    def measured(self, load: Load, now: float) -> bool:
        """Take in a batch's load at monotonic `now`; True when the level changed."""
        if load.strain >= 1:
            self._calm_since = None
            self._strained += 1
            return self._strained >= self.level.climb_after and self._climb(now)
        self._strained = 0
        if load.strain >= CALM:
            self._calm_since = None
            return False
        if self._calm_since is None:
            self._calm_since = now
        return self._at > 0 and now - self._calm_since >= self._wait() and self._release(now)

    def _wait(self) -> float:
        return self._patience.get(self._at, self.level.calm_seconds)

    def _climb(self, now: float) -> bool:
        if self._at + 1 == len(LADDER):
            return False
        self._at += 1
        self._strained = 0
        released = self._released_at.get(self._at)
        soon = released is not None and now - released < BOUNCE_SECONDS
        self._patience[self._at] = min(2 * self._wait(), MAX_CALM_SECONDS) if soon else self.level.calm_seconds
        return True

    def _release(self, now: float) -> bool:
        self._released_at[self._at] = now
        self._at -= 1
        self._calm_since = now
        return True
