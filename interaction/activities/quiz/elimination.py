"""Who is still in, where a wrong answer puts out. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Life:
    """One player's."""

    revivals: int
    """Mistakes still forgiven."""
    out: bool = False


def after_question(life: Life, *, right: bool) -> Life:
    """A question is over; `right` is False for a missing answer too. A revival is used by itself."""
    if life.out or right:
        return life
    if life.revivals > 0:
        return replace(life, revivals=life.revivals - 1)
    return replace(life, out=True)


def revived(life: Life) -> Life:
    """The crew lets everybody in again."""
    return replace(life, out=False)


def of_newcomer(*, revivals: int, missed: int, late_may_play: bool) -> Life:
    """One who was not there for the first `missed` questions."""
    if missed == 0 or late_may_play:
        return Life(revivals)
    return Life(0, out=True)
