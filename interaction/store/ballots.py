"""The `ballots` collection: one document per ballot, whose id makes it unique, whatever the client retries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from pymongo import ReturnDocument

from config.mongodb import DURABLE, Collection, Database, Document


@dataclass(frozen=True, slots=True)
class Ballot:
    activity_id: str
    viewer_id: str
    slot: str
    """`once`, or the day, or the day and the client's id: what must be unique of a viewer."""
    options: tuple[str, ...]
    at: float
    suspicions: tuple[str, ...] = ()
    held: bool = False
    """Set aside: counted apart from the accepted ones."""

    @property
    def id(self) -> str:
        return f"{self.activity_id}:{self.viewer_id}:{self.slot}"


class BallotStore:
    def __init__(self, database: Database) -> None:
        self.collection: Collection = database.get_collection("ballots", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self.collection.create_index([("activity_id", 1), ("viewer_id", 1)])

    async def get(self, ballot_id: str) -> Ballot | None:
        document = await self.collection.find_one({"_id": ballot_id})
        return from_document(document) if document else None

    async def of_viewer(self, activity_id: str, viewer_id: str) -> list[Ballot]:
        found = self.collection.find({"activity_id": activity_id, "viewer_id": viewer_id}).sort("at", 1)
        return [from_document(document) async for document in found]

    async def replace(self, ballot: Ballot) -> Ballot | None:
        """Put another choice on an existing ballot; the one before, or None when there is none."""
        before = await self.collection.find_one_and_update(
            {"_id": ballot.id},
            {"$set": {"options": list(ballot.options), "changed_at": ballot.at}},
            return_document=ReturnDocument.BEFORE,
        )
        return from_document(before) if before else None

    async def settle_held(self, activity_id: str, *, count: bool) -> None:
        """Take all held ballots among the accepted ones; or leave them aside for good."""
        if count:
            await self.collection.update_many({"activity_id": activity_id, "held": True}, {"$set": {"held": False}})

    async def every(self, activity_id: str) -> AsyncIterator[Ballot]:
        async for document in self.collection.find({"activity_id": activity_id}, batch_size=5000):
            yield from_document(document)

    async def viewers(self, activity_id: str) -> list[str]:
        """Who voted: for a lottery's pool."""
        found: list[str] = await self.collection.distinct("viewer_id", {"activity_id": activity_id, "held": False})
        return found

    async def count_options(self, activity_id: str) -> tuple[dict[str, int], dict[str, int], int, int]:
        """Counted by the database from the ballots alone: (accepted, held) by option, and how many ballots of each."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"activity_id": activity_id}},
            {"$facet": {
                "options": [
                    {"$unwind": "$options"},
                    {"$group": {"_id": {"option": "$options", "held": "$held"}, "count": {"$sum": 1}}},
                ],
                "ballots": [{"$group": {"_id": "$held", "count": {"$sum": 1}}}],
            }},
        ]  # fmt: skip
        [counted] = [document async for document in self.collection.aggregate(pipeline)]
        accepted = {row["_id"]["option"]: row["count"] for row in counted["options"] if not row["_id"]["held"]}
        held = {row["_id"]["option"]: row["count"] for row in counted["options"] if row["_id"]["held"]}
        ballots = {bool(row["_id"]): row["count"] for row in counted["ballots"]}
        return accepted, held, ballots.get(False, 0), ballots.get(True, 0)


def to_document(ballot: Ballot) -> Document:
    return {
        "_id": ballot.id,
        "activity_id": ballot.activity_id,
        "viewer_id": ballot.viewer_id,
        "slot": ballot.slot,
        "options": list(ballot.options),
        "at": ballot.at,
        "suspicions": list(ballot.suspicions),
        "held": ballot.held,
    }


def from_document(document: Document) -> Ballot:
    return Ballot(
        activity_id=document["activity_id"],
        viewer_id=document["viewer_id"],
        slot=document["slot"],
        options=tuple(document["options"]),
        at=document["at"],
        suspicions=tuple(document["suspicions"]),
        held=document["held"],
    )
