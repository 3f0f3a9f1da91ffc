"""The `activities` collection: every activity that was ever prepared, with its rules and its facts."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pymongo import ReturnDocument

from config.mongodb import DURABLE, Collection, Database, Document
from interaction.activity import Activity, State


class ActivityStore:
    def __init__(self, database: Database) -> None:
        self._activities: Collection = database.get_collection("activities", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self._activities.create_index([("event_id", 1), ("created_at", 1), ("_id", 1)])
        await self._activities.create_index([("state", 1)])

    async def add(self, activity: Activity) -> None:
        await self._activities.insert_one(to_document(activity))

    async def get(self, activity_id: str) -> Activity | None:
        document = await self._activities.find_one({"_id": activity_id})
        return from_document(document) if document else None

    async def of_event(self, event_id: str) -> list[Activity]:
        """In the order in which they were prepared."""
        found = self._activities.find({"event_id": event_id}).sort([("created_at", 1), ("_id", 1)])
        return [from_document(document) async for document in found]

    async def in_state(self, state: State) -> list[Activity]:
        return [from_document(document) async for document in self._activities.find({"state": state.value})]

    async def change(self, activity_id: str, expected: State, changes: dict[str, Any]) -> Activity | None:
        """Set fields (`facts` are merged) if the activity still is in that state; None when it is not."""
        facts = {f"facts.{name}": value for name, value in changes.pop("facts", {}).items()}
        document = await self._activities.find_one_and_update(
            {"_id": activity_id, "state": expected.value},
            {"$set": {**_plain(changes), **facts}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document) if document else None

    async def remove_draft(self, activity_id: str) -> bool:
        result = await self._activities.delete_one({"_id": activity_id, "state": State.DRAFT.value})
        return result.deleted_count == 1


def _plain(changes: dict[str, Any]) -> Document:
    return {name: value.value if isinstance(value, State) else value for name, value in changes.items()}


def to_document(activity: Activity) -> Document:
    document = {entry.name: getattr(activity, entry.name) for entry in fields(Activity)}
    document["_id"] = document.pop("id")
    return _plain(document)


def from_document(document: Document) -> Activity:
    values = {name: value for name, value in document.items() if name != "_id"}
    return Activity(**{**values, "id": document["_id"], "state": State(document["state"])})
