"""The file that is published after a draw. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from interaction.activities.lottery.commitment import canonical, hashed, of_pool, of_seed, of_value
from interaction.activities.lottery.draw import FORMAT, Tier, Winner, draw, key_of


@dataclass(frozen=True, slots=True)
class Header:
    activity_id: str
    event_id: str
    title: str
    opened_at: str
    closed_at: str
    drawn_at: str


@dataclass(frozen=True, slots=True)
class Drawn:
    text: str
    """The file, canonical."""
    winners: tuple[Winner, ...]
    commitments: Mapping[str, str]


def tiers_of(rules: Mapping[str, Any], order: Sequence[str]) -> list[Tier]:
    """The tiers in the order in which they are drawn."""
    tiers = {
        prize["id"]: Tier(prize["id"], prize["count"], prize["reserves"], prize["again"]) for prize in rules["prizes"]
    }
    return [tiers[id_] for id_ in order]


def make(
    header: Header,
    rules: Mapping[str, Any],
    order: Sequence[str],
    seed: str,
    pool: Sequence[str],
    outside: Mapping[str, Any],
) -> Drawn:
    """Draw, and write down everything that the draw came from. The pool may come in any order."""
    pool = sorted(pool)
    commitments = {
        "rules": of_value(rules),
        "order": of_value(list(order)),
        "seed": of_seed(seed),
        "pool": of_pool(pool),
        "outside": of_value(outside),
    }
    winners = draw(key_of(seed, commitments), pool, tiers_of(rules, order))
    content = {
        "format": FORMAT,
        **asdict(header),
        "rules": dict(rules),
        "order": list(order),
        "seed": seed,
        "pool": pool,
        "outside": dict(outside),
        "commitments": commitments,
        "winners": [asdict(winner) for winner in winners],
    }
    content["digest"] = hashed(canonical(content))
    return Drawn(canonical(content), tuple(winners), commitments)
