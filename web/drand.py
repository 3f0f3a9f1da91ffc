"""The public drand beacon over HTTPS; it may be out of reach, and then says so."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import aiohttp
import structlog

from interaction.activities.lottery.outside import CHAIN

HOSTS = ("https://api.drand.sh", "https://drand.cloudflare.com")
SECONDS = 4.0

log = structlog.get_logger(__name__)


class Drand:
    def __init__(self, hosts: Sequence[str] = HOSTS) -> None:
        self._hosts = hosts

    async def signature(self, round_: int) -> str | None:
        """The first answer that makes sense. That it is the beacon's own anybody can check with the round's number."""
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for host in self._hosts:
                try:
                    async with session.get(f"{host}/{CHAIN}/public/{round_}") as response:
                        found = await response.json(content_type=None)
                    signature = found["signature"]
                    if (
                        response.status == 200
                        and found["round"] == round_
                        and re.fullmatch("([0-9a-f]{2})+", signature)
                    ):
                        return str(signature)
                except (
                    aiohttp.ClientError,
                    TimeoutError,
                    asyncio.IncompleteReadError,
                    ValueError,
                    KeyError,
                    TypeError,
                ):
                    log.info("drand does not answer", host=host)
        return None
