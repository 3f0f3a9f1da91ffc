"""When each viewer gets a question: as far behind the asking as the own picture is. Pure.

Delays are put into steps of one second, so that a question is encoded and sent at most `MAX_STEP + 1` times.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import median_low

MAX_STEP = 30
"""Seconds. Whoever is further behind gets the question then: the others cannot wait longer."""
EARLY_SECONDS = 0.25
"""By so much a question may come before the picture, rather than most of a second behind it; a heartbeat takes as long
to arrive."""
TRANSIT_SECONDS = 0.5
"""An answer given in the last moment may be so long on its way."""

Groups = dict[int, list[str]]
"""Viewers by step."""


def step(delay: float) -> int:
    """The step of a viewer whose picture is `delay` seconds old: the first that is not before the picture."""
    return min(max(math.ceil(delay - EARLY_SECONDS), 0), MAX_STEP)


def groups(present: Iterable[str], delays: Mapping[str, float]) -> Groups:
    """Who gets a question at which step. One whose picture is unknown gets it with the middle of the others."""
    usual = step(median_low(delays.values())) if delays else 0
    found: Groups = {}
    for viewer_id in sorted({*present, *delays}):
        delay = delays.get(viewer_id)
        found.setdefault(step(delay) if delay is not None else usual, []).append(viewer_id)
    return dict(sorted(found.items()))


def closes_at(asked_at: float, last_step: int, seconds: float) -> float:
    """When a question is over for everybody (Unix seconds): nothing of its answers is told before."""
    return asked_at + last_step + seconds + TRANSIT_SECONDS
