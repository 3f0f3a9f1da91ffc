"""The `checkins` collection: who was there, once per viewer and activity."""

from __future__ import annotations

from config.mongodb import DURABLE, Collection, Database, Document


class CheckinStore:
    def __init__(self, database: Database) -> None:
        self.collection: Collection = database.get_collection("checkins", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self.collection.create_index([("activity_id", 1), ("at", 1)])

    async def of_viewer(self, activity_id: str, viewer_id: str) -> float | None:
        """When this viewer checked in (Unix seconds)."""
        document = await self.collection.find_one({"_id": _id(activity_id, viewer_id)})
        return document["at"] if document else None

    async def count(self, activity_id: str) -> int:
        return await self.collection.count_documents({"activity_id": activity_id})

    async def viewers(self, activity_id: str) -> list[str]:
        """Who checked in: for a lottery's pool."""
        found: list[str] = await self.collection.distinct("viewer_id", {"activity_id": activity_id})
        return found


def checkin_document(activity_id: str, viewer_id: str, nickname: str, at: float) -> Document:
    return {
        "_id": _id(activity_id, viewer_id),
        "activity_id": activity_id,
        "viewer_id": viewer_id,
        "nickname": nickname,
        "at": at,
    }


def _id(activity_id: str, viewer_id: str) -> str:
    return f"{activity_id}:{viewer_id}"
