"""What the law asks of a draw before it opens, and what fairness asks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interaction.rejected import Rejected

MAX_PRIZE_FEN = 5_000_000
"""50,000 yuan: the law's limit for the highest prize of a draw."""
PUBLISHED = ("organiser", "contact", "claim_way", "claim_days")
"""Besides the prizes and their numbers: what stands before the audience when something of value is drawn."""
IMPORTED = "import"


def of_value(rules: Mapping[str, Any]) -> bool:
    return any(prize["value"] > 0 for prize in rules["prizes"])


def needs_outside(rules: Mapping[str, Any]) -> bool:
    """Whoever holds the seed is the suspect where the list or the prize is worth something."""
    return of_value(rules) or rules["pool"]["source"] == IMPORTED


def may_open(rules: Mapping[str, Any]) -> None:
    """Raises Rejected."""
    if not rules["prizes"]:
        raise Rejected("no_prizes")
    if any(prize["value"] > MAX_PRIZE_FEN for prize in rules["prizes"]):
        raise Rejected("prize_too_large")
    if of_value(rules):
        for name in PUBLISHED:
            if not rules[name]:
                raise Rejected(f"missing_{name}")
    if needs_outside(rules) and rules["outside"] == "none":
        raise Rejected("outside_mandatory")
    if rules["outside"] == "witness" and needs_outside(rules) and not rules["outside_source"]:
        raise Rejected("missing_outside_source")
    if sorted(rules["order"]) != sorted(prize["id"] for prize in rules["prizes"]):
        raise Rejected("bad_order")
