"""The audit log: who did what, when, from where, and how it ended. Written, never changed."""

from __future__ import annotations

from config.clock import Clock
from config.mongodb import Collection, Database


class Audit:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._entries: Collection = database.get_collection("audit")
        self._clock = clock

    async def ensure_indexes(self) -> None:
        await self._entries.create_index([("center_id", 1), ("at", -1)])

    async def write(
        self,
        act: str,
        *,
        by: str,
        address: str = "",
        center_id: str | None = None,
        target: str = "",
        outcome: str = "done",
    ) -> None:
        """One entry: `by` is an account id or the user name that was tried."""
        await self._entries.insert_one(
            {
                "at": self._clock.utc(),
                "act": act,
                "by": by,
                "address": address,
                "center_id": center_id,
                "target": target,
                "outcome": outcome,
            }
        )
