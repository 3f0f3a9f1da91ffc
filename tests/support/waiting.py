"""Wait for a condition that nothing announces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

POLL_SECONDS = 0.01


async def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Return once `condition()` holds; TimeoutError when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - others' state has no event
            await asyncio.sleep(POLL_SECONDS)


async def eventually_async(condition: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """The same for a condition that has to be asked for."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - others' state has no event
            await asyncio.sleep(POLL_SECONDS * 10)
