"""What may be said: a comment's text as it is kept."""

from __future__ import annotations

import unicodedata

from interaction.rejected import Rejected

MAX_LENGTH = 200

_NEVER = frozenset(["Cc", "Cs", "Co"])
"""Controls, lone surrogates, private use. `Cf` stays: emoji are joined by it."""
_TURNS_TEXT = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Bidirectional overrides and isolates (UAX 9): they turn the neighbours' text round."""


def plain(text: str) -> str:
    """Text as it is kept: NFC, one space for any white space, trimmed, nothing that draws no glyph of its own."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    if spaced.isprintable():  # nothing of what is taken out is, and most comments are: a twentieth of the time
        return spaced
    return "".join(c for c in spaced if unicodedata.category(c) not in _NEVER and c not in _TURNS_TEXT).strip()


def clean(text: str) -> str:
    """A comment's text as it is kept. Raises Rejected."""
    kept = plain(text)
    if not kept:
        raise Rejected("empty")
    if len(kept) > MAX_LENGTH:
        raise Rejected("too_long")
    return kept
