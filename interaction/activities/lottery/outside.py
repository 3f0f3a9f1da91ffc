"""The value from outside: dictated before witnesses, or a round of the public drand beacon that lies in the future."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any, Protocol

from interaction.rejected import Rejected

CHAIN = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
"""drand's quicknet."""
GENESIS, PERIOD = 1692803367, 3
AHEAD_SECONDS = 60
"""How far the round lies behind the close: nobody knows its value when the pool is published."""
MAX_LENGTH = 200


class Beacon(Protocol):
    async def signature(self, round_: int) -> str | None:
        """The round's signature in hexadecimal; None when it could not be read."""


def round_after(utc: float) -> int:
    return math.ceil((utc + AHEAD_SECONDS - GENESIS) / PERIOD) + 1


def round_time(round_: int) -> float:
    return GENESIS + (round_ - 1) * PERIOD


async def value_of(
    rules: Mapping[str, Any], facts: Mapping[str, Any], said: object, beacon: Beacon, now: float
) -> dict[str, Any]:
    """The transcript's `outside`. Raises Rejected."""
    kind = rules["outside"]
    outside = {
        "kind": kind,
        "source": rules["outside_source"],
        "round": None,
        "chain": None,
        "value": "",
        "typed": True,
    }
    text = said.strip() if isinstance(said, str) else ""
    if len(text) > MAX_LENGTH:
        raise Rejected("outside_too_long")
    if kind == "none":
        return {**outside, "typed": False}
    if kind == "witness":
        if not text:
            raise Rejected("outside_missing")
        return outside | {"value": text}
    round_ = facts["drand_round"]
    if now < round_time(round_):
        raise Rejected("outside_not_yet", round_time(round_) - now)
    outside |= {"round": round_, "chain": CHAIN}
    signature = await beacon.signature(round_)
    if signature is not None:
        return outside | {"value": hashlib.sha256(bytes.fromhex(signature)).hexdigest(), "typed": False}
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise Rejected("outside_unreachable")
    return outside | {"value": text.lower()}
