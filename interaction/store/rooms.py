"""The `rooms` collection: who numbers a room's batches, and the figures that outlive a process."""

from __future__ import annotations

from dataclasses import dataclass, field

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from config.mongodb import DURABLE, Collection, Database, Document

LEASE_SECONDS = 10.0
"""How long an owner has a room after its last word: five missed renewals."""


@dataclass(slots=True)
class RoomRecord:
    epoch: int
    """A fencing token: each owner of the room has a higher one than the last."""
    peaks: dict[str, int] = field(default_factory=dict)
    """Most viewers at once, by venue id, and for the whole room under `all`."""
    uniques: dict[str, int] = field(default_factory=dict)
    likes: int = 0
    sketches: dict[str, bytes] = field(default_factory=dict)
    """The unique counters as Redis keeps them, by venue id: what a flushed Redis goes on from."""


class RoomStore:
    def __init__(self, database: Database) -> None:
        self._rooms: Collection = database.get_collection("rooms", write_concern=DURABLE)
        self._leases: Collection = database.get_collection("rooms")
        """Renewals wait for no journal: a lost one is made up for by the next."""

    async def open(self, event_id: str, owner: str, utc: float, *, taking_over: bool) -> RoomRecord | None:
        """Own the room: its epoch grows by one, and whoever had it before is fenced off.

        Without `taking_over` only when no other owner's lease is running; None otherwise.
        """
        free: Document = {"$or": [{"leased_until": {"$not": {"$gte": utc}}}, {"owner": owner}]}
        try:
            document = await self._rooms.find_one_and_update(
                {"_id": event_id} if taking_over else {"_id": event_id, **free},
                {"$inc": {"epoch": 1}, "$set": {"owner": owner, "leased_until": utc + LEASE_SECONDS}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            return None
        return _from_document(document)

    async def keep(self, event_id: str, record: RoomRecord, utc: float) -> bool:
        """Store figures (they only grow) and renew the lease; False when another owner has taken the room over."""
        figures = {f"peaks.{venue}": peak for venue, peak in record.peaks.items()}
        figures |= {f"uniques.{venue}": count for venue, count in record.uniques.items()}
        result = await self._rooms.update_one(
            {"_id": event_id, "epoch": record.epoch},
            {
                "$max": {**figures, "likes": record.likes},
                "$set": {"sketches": dict(record.sketches), "leased_until": utc + LEASE_SECONDS},
            },
        )
        return result.matched_count == 1

    async def renew(self, event_id: str, record: RoomRecord, utc: float) -> bool:
        """Renew the lease; False when another owner has taken the room over."""
        result = await self._leases.update_one(
            {"_id": event_id, "epoch": record.epoch}, {"$set": {"leased_until": utc + LEASE_SECONDS}}
        )
        return result.matched_count == 1

    async def figures(self, event_id: str) -> RoomRecord | None:
        document = await self._rooms.find_one({"_id": event_id})
        return _from_document(document) if document is not None else None


def _from_document(document: Document) -> RoomRecord:
    return RoomRecord(
        epoch=document["epoch"],
        peaks=document.get("peaks", {}),
        uniques=document.get("uniques", {}),
        likes=document.get("likes", 0),
        sketches=document.get("sketches", {}),
    )
