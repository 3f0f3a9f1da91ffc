"""The draw: from seed, commitments, pool and tiers to winners, and nothing else goes in. Pure, the same everywhere.

A number below n is six bytes of HMAC-SHA256 over a counter; numbers that would favour the small ones are thrown away.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FORMAT = "venuecast-draw-1"
_SPAN = 1 << 48
"""Six bytes: exact in every language, old browsers included."""
SECTIONS = ("rules", "order", "pool", "outside")
"""Commitments that go into the key, in this order."""


@dataclass(frozen=True, slots=True)
class Tier:
    id: str
    count: int
    reserves: int = 0
    again: bool = False
    """Those who won an earlier tier may win this one too."""


@dataclass(frozen=True, slots=True)
class Winner:
    prize: str
    place: int
    """From 1, within the tier: winners and reserves are numbered apart."""
    reserve: bool
    line: str


class Numbers:
    """Numbers below n, evenly, from a key and a counter."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = 0

    def below(self, n: int) -> int:
        limit = _SPAN - _SPAN % n
        while True:
            block = hmac.new(self._key, str(self._counter).encode(), hashlib.sha256).digest()
            self._counter += 1
            number = int.from_bytes(block[:6], "big")
            if number < limit:
                return number % n


def key_of(seed: str, commitments: Mapping[str, str]) -> bytes:
    text = "\n".join((FORMAT, *(commitments[name] for name in SECTIONS)))
    return hmac.new(bytes.fromhex(seed), text.encode(), hashlib.sha256).digest()


def holder(line: str) -> str:
    """Whose line it is: `ticket` alone is a person of its own, `ticket/person` says whose."""
    return line.rpartition("/")[2]


def draw(key: bytes, pool: Sequence[str], tiers: Sequence[Tier]) -> list[Winner]:
    """Winners tier by tier, in the order given, then reserves in the same order from those who won nothing.

    `pool` is sorted. Fewer come out where the pool is too small.
    """
    numbers = Numbers(key)
    taken: set[str] = set()
    winners: list[Winner] = []
    for tier in tiers:
        won = _pick(numbers, pool, tier.count, set() if tier.again else taken)
        winners += [Winner(tier.id, place, False, line) for place, line in enumerate(won, 1)]
        taken |= {holder(line) for line in won}
    for tier in tiers:
        waiting = _pick(numbers, pool, tier.reserves, taken)
        winners += [Winner(tier.id, place, True, line) for place, line in enumerate(waiting, 1)]
        taken |= {holder(line) for line in waiting}
    return winners


def _pick(numbers: Numbers, pool: Sequence[str], count: int, barred: set[str]) -> list[str]:
    """`count` lines of different holders who are not barred."""
    if not count:
        return []
    left, out = list(pool), set(barred)
    picked: list[str] = []
    while left and len(picked) < count:
        at = numbers.below(len(left))
        line, left[at] = left[at], left[-1]
        left.pop()
        if holder(line) not in out:
            out.add(holder(line))
            picked.append(line)
    return picked
