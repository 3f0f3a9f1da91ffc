"""What may be said, and how often."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from interaction.rejected import Rejected

MAX_LENGTH = 200
BURST = 3.0
PER_SECOND = 0.5
"""One comment in two seconds, three at once: a conversation, not a flood. The text is never eaten."""
MAX_LIKES = 50
"""Of one message; a thumb manages about ten a second and phones gather five."""

_NEVER = frozenset(["Cc", "Cs", "Co"])
"""Controls, lone surrogates, private use. `Cf` stays: emoji are joined by it."""
_TURNS_TEXT = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Bidirectional overrides and isolates (UAX 9): they turn the neighbours' text round."""


def plain(text: str) -> str:
    """Text as it is kept: NFC, one space for any white space, trimmed, nothing that draws no glyph of its own."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(c for c in spaced if unicodedata.category(c) not in _NEVER and c not in _TURNS_TEXT).strip()


def clean(text: str) -> str:
    """A comment's text as it is kept. Raises Rejected."""
    kept = plain(text)
    if not kept:
        raise Rejected("empty")
    if len(kept) > MAX_LENGTH:
        raise Rejected("too_long")
    return kept


@dataclass(slots=True)
class Pace:
    """A token bucket, full at monotonic `at`."""

    at: float
    burst: float = BURST
    per_second: float = PER_SECOND
    tokens: float = -1.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def charge(self, now: float) -> None:
        """Take a token at monotonic `now`. Raises Rejected with the wait."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.per_second)
        self.at = now
        if self.tokens < 1:
            raise Rejected("too_fast", round((1 - self.tokens) / self.per_second, 1))
        self.tokens -= 1

    def full(self, now: float) -> bool:
        """Nothing is remembered of a full bucket: a fresh one is as good."""
        return self.tokens + (now - self.at) * self.per_second >= self.burst
