"""Wait for a condition that nothing announces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

POLL_SECONDS = 0.01


async def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return once `condition()` holds; TimeoutError when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - others' state has no event
            await asyncio.sleep(POLL_SECONDS)
