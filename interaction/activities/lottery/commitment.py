"""What is published before a draw: hashes that hold the hub to its seed, its rules, its order and its pool. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any


def canonical(value: Any) -> str:
    """JSON in its one form: keys sorted, no spaces, text as it is. Integers only: floats differ by language."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def of_value(value: Any) -> str:
    """The commitment to rules, to an order, to an outside value."""
    return hashed(canonical(value))


def of_seed(seed: str) -> str:
    """`seed`: 64 hexadecimal digits."""
    return hashed(f"seed:{seed}")


def of_pool(lines: Sequence[str]) -> str:
    """`lines` sorted."""
    return hashed("\n".join(lines))


def ticket(salt: str, identity: str) -> str:
    """A pool line's name: nobody finds a person or an invoice in the pool who was not told the ticket."""
    return hashed(f"{salt}:ticket:{identity}")[:32]


def person(salt: str, holder: str) -> str:
    """The same for all lines of one holder, within one draw."""
    return hashed(f"{salt}:person:{holder}")[:16]
