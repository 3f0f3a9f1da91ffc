"""The `comments` collection: every comment ever acknowledged, shown, held or removed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from config.mongodb import DURABLE, Collection, Database, Document


class Status(StrEnum):
    SHOWN = "shown"
    HELD = "held"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Comment:
    id: str
    event_id: str
    viewer_id: str
    nickname: str
    text: str
    at: float
    status: Status
    reply_to: str | None = None


def comment_id(event_id: str, viewer_id: str, client_id: str) -> str:
    """The same viewer and client id are the same comment of an event, whatever the phone repeats."""
    return hashlib.sha256(f"{event_id}\n{viewer_id}\n{client_id}".encode()).hexdigest()[:24]


class CommentStore:
    def __init__(self, database: Database) -> None:
        self.collection: Collection = database.get_collection("comments", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self.collection.create_index([("event_id", 1), ("status", 1), ("at", -1), ("_id", -1)])

    async def get(self, comment_id_: str) -> Comment | None:
        document = await self.collection.find_one({"_id": comment_id_})
        return from_document(document) if document else None

    async def page(
        self, event_id: str, status: Status, *, before: tuple[float, str] | None = None, limit: int = 50
    ) -> list[Comment]:
        """Newest first; those older than `before` (at, id)."""
        query: dict[str, Any] = {"event_id": event_id, "status": status.value}
        if before is not None:
            at, id_ = before
            query["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": id_}}]
        found = self.collection.find(query).sort([("at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document) async for document in found]

    async def count(self, event_id: str) -> int:
        """Every comment that was accepted, removed ones included."""
        return await self.collection.count_documents({"event_id": event_id})

    async def set_status(self, event_id: str, ids: Sequence[str], status: Status, by: str, at: float) -> list[Comment]:
        """Change those that are another status now; returns them as changed."""
        changed = []
        for id_ in ids:
            document = await self.collection.find_one_and_update(
                {"_id": id_, "event_id": event_id, "status": {"$ne": status.value}},
                {"$set": {"status": status.value, "reviewed_by": by, "reviewed_at": at}},
            )
            if document is not None:
                changed.append(replace(from_document(document), status=status))
        return changed


def to_document(comment: Comment) -> Document:
    return {
        "_id": comment.id,
        "event_id": comment.event_id,
        "viewer_id": comment.viewer_id,
        "nickname": comment.nickname,
        "text": comment.text,
        "at": comment.at,
        "status": comment.status.value,
        "reply_to": comment.reply_to,
    }


def from_document(document: Document) -> Comment:
    return Comment(
        id=document["_id"],
        event_id=document["event_id"],
        viewer_id=document["viewer_id"],
        nickname=document["nickname"],
        text=document["text"],
        at=document["at"],
        status=Status(document["status"]),
        reply_to=document["reply_to"],
    )
