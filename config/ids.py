"""Random identifiers and keys that nobody can guess."""

from __future__ import annotations

import secrets

# Crockford's alphabet: no i, l, o, u, so that a key read over the telephone survives.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

ID_LENGTH = 16  # 80 random bits: no two meet, none is guessed
KEY_LENGTH = 24  # 120 random bits: a stream key is a password


def new_id() -> str:
    """A fresh object id: 16 characters of ``[0-9a-z]``, safe in paths, file names and selectors."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH))


def new_stream_key() -> str:
    """A fresh stream key: 24 characters of ``[0-9a-z]``."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))
