"""Whether a caller knows the passphrase: its key material unwraps with it (draft-sharabayko-srt 3.2.2, 6.2)."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

ROUNDS = 2048
"""PBKDF2 iterations, fixed by the protocol (6.1.4); about a millisecond."""
_SALT_AT, _SIGN = 16, 0x2029


def knows(passphrase: str, key_material: bytes) -> bool:
    """Unwraps the key in a KMREQ. False for what is no key material too."""
    if len(key_material) < _SALT_AT or int.from_bytes(key_material[1:3], "big") != _SIGN:
        return False
    both = key_material[3] & 3 == 3
    salt_bytes, key_bytes = key_material[14] * 4, key_material[15] * 4
    if salt_bytes != 16 or key_bytes not in (16, 24, 32):
        return False
    salt = key_material[_SALT_AT : _SALT_AT + salt_bytes]
    wrapped = key_material[_SALT_AT + salt_bytes :][: key_bytes * (2 if both else 1) + 8]
    wrapping_key = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), salt[-8:], ROUNDS, key_bytes)
    try:
        aes_key_unwrap(wrapping_key, wrapped)
    except (InvalidUnwrap, ValueError):
        return False
    return True
