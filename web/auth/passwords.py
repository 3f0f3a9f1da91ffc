"""Password hashes by argon2, off the loop and a few at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_HASHER = PasswordHasher(time_cost=2, memory_cost=32 * 1024, parallelism=1)
"""About 40 ms and 32 MiB a guess here: a crew does not notice, an attacker does."""
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")
"""At most two at once: a flood of sign-ins takes no more memory or processor than that."""
_NOBODY = _HASHER.hash("nobody has this password")


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. Without a hash (no such user) it takes as long and says no."""

    def verify() -> bool:
        try:
            _HASHER.verify(password_hash or _NOBODY, password)
        except (Argon2Error, InvalidHashError):
            return False
        return password_hash is not None

    return await asyncio.get_running_loop().run_in_executor(_THREADS, verify)
