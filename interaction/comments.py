"""What may be said, how often, and what becomes of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

MAX_LENGTH = 200
BURST = 3
PER_SECOND = 0.5
"""One comment in two seconds, three at once: a conversation, not a flood. The text is never eaten."""
MAX_LIKES = 50
"""Of one message; a thumb manages about ten a second and phones gather five."""


class Rejected(Exception):
    """Not taken; `code` names a text, `retry_after` in seconds says when it would be."""

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


def clean(text: str) -> str:
    """The text as it is kept: NFC, without control characters, trimmed. Raises Rejected."""
    kept = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) not in ("Cc", "Cs", "Co"))
    kept = " ".join(kept.split())
    if not kept:
        raise Rejected("empty")
    if len(kept) > MAX_LENGTH:
        raise Rejected("too_long")
    return kept


@dataclass(slots=True)
class Pace:
    """A token bucket per viewer."""

    tokens: float = BURST
    at: float = field(default=0.0)

    def charge(self, now: float) -> None:
        """Take a token at monotonic `now`. Raises Rejected with the wait."""
        self.tokens = min(BURST, self.tokens + (now - self.at) * PER_SECOND)
        self.at = now
        if self.tokens < 1:
            raise Rejected("too_fast", round((1 - self.tokens) / PER_SECOND, 1))
        self.tokens -= 1
