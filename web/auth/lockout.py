"""Repeated failures pause sign-in, per account and address, so that nobody can lock others out."""

from __future__ import annotations

from datetime import UTC, datetime

from config.clock import Clock
from config.mongodb import Collection, Database

FREE_FAILURES = 5
"""Typing errors that cost nothing."""
FIRST_PAUSE = 15.0
MAX_PAUSE = 900.0
FORGET_SECONDS = 3600.0
KEPT_SECONDS = 2 * FORGET_SECONDS
"""Then MongoDB clears the count away."""
ADDRESS_FAILURES = 50
"""Failures of one address over all accounts before it pauses too."""


class Lockout:
    """Counts failures by (account, address) and by address in MongoDB; a restart forgives nobody."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._failures: Collection = database.get_collection("sign_in_failures")
        self._clock = clock

    async def ensure_indexes(self) -> None:
        await self._failures.create_index("expire_at", expireAfterSeconds=0)

    async def pause_left(self, username: str, address: str) -> float:
        """Seconds until the next attempt is allowed; 0 when it is."""
        now = self._clock.utc()
        keys = [_pair(username, address), _address(address)]
        pauses = [
            document["until"] - now
            async for document in self._failures.find({"_id": {"$in": keys}, "until": {"$gt": now}})
        ]
        return max(pauses, default=0.0)

    async def failed(self, username: str, address: str) -> None:
        for key, free in ((_pair(username, address), FREE_FAILURES), (_address(address), ADDRESS_FAILURES)):
            now = self._clock.utc()
            await self._failures.update_one({"_id": key, "at": {"$lt": now - FORGET_SECONDS}}, {"$set": {"count": 0}})
            document = await self._failures.find_one_and_update(
                {"_id": key},
                {
                    "$inc": {"count": 1},
                    "$set": {"at": now, "expire_at": datetime.fromtimestamp(now + KEPT_SECONDS, UTC)},
                },
                upsert=True,
                return_document=True,
            )
            over = document["count"] - free
            if over >= 0:
                until = now + min(FIRST_PAUSE * 2.0 ** min(over, 10), MAX_PAUSE)
                await self._failures.update_one({"_id": key}, {"$set": {"until": until}})

    async def succeeded(self, username: str, address: str) -> None:
        await self._failures.delete_one({"_id": _pair(username, address)})


def _pair(username: str, address: str) -> str:
    return f"{username.strip().lower()} {address}"


def _address(address: str) -> str:
    return f"* {address}"
