"""The `comments` and `comment_likes` collections: every comment ever acknowledged, shown, held or removed."""

from __future__ import annotations

import hashlib
import re
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
    avatar: str | None = None
    held_for: tuple[str, ...] = ()
    """Why it was held, for the crew: `word:…`, `rule:link`, `review:…` (the outside service). Empty under `pre`."""
    reviewed_by: str | None = None
    reason: str | None = None
    """Why it was removed, in the moderator's words."""


def comment_id(event_id: str, viewer_id: str, client_id: str) -> str:
    """The same viewer and client id are the same comment of an event, whatever the phone repeats."""
    return hashlib.sha256(f"{event_id}\n{viewer_id}\n{client_id}".encode()).hexdigest()[:24]


class CommentStore:
    def __init__(self, database: Database) -> None:
        self.collection: Collection = database.get_collection("comments", write_concern=DURABLE)
        self.likes: Collection = database.get_collection("comment_likes", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self.collection.create_index([("event_id", 1), ("status", 1), ("at", -1), ("_id", -1)])
        await self.collection.create_index([("event_id", 1), ("viewer_id", 1), ("at", -1)])
        await self.likes.create_index("comment_id")

    async def get(self, comment_id_: str) -> Comment | None:
        document = await self.collection.find_one({"_id": comment_id_})
        return from_document(document) if document else None

    async def page(
        self,
        event_id: str,
        status: Status,
        *,
        before: tuple[float, str] | None = None,
        limit: int = 50,
        containing: str | None = None,
    ) -> list[Comment]:
        """Newest first; those older than `before` (at, id), with a part of the text or the name when asked for."""
        query: dict[str, Any] = {"event_id": event_id, "status": status.value}
        if before is not None:
            at, id_ = before
            query["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": id_}}]
        if containing:
            part = {"$regex": re.escape(containing), "$options": "i"}
            query["$and"] = [{"$or": [{"text": part}, {"nickname": part}]}]
        found = self.collection.find(query).sort([("at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document) async for document in found]

    async def of_viewer(self, event_id: str, viewer_id: str, limit: int) -> list[str]:
        """Ids of what a viewer said and nobody removed, newest first."""
        query = {"event_id": event_id, "viewer_id": viewer_id, "status": {"$ne": Status.REMOVED.value}}
        found = self.collection.find(query, {"_id": 1}).sort("at", -1).limit(limit)
        return [document["_id"] async for document in found]

    async def who_said(self, event_id: str, text: str, since: float) -> dict[str, str]:
        """Nicknames by viewer id of those who wrote exactly that and nobody removed it: for a lottery's pool."""
        query = {"event_id": event_id, "text": text, "at": {"$gte": since}, "status": {"$ne": Status.REMOVED.value}}
        found = self.collection.find(query, {"viewer_id": 1, "nickname": 1}, batch_size=5000)
        return {document["viewer_id"]: document["nickname"] async for document in found}

    async def count(self, event_id: str) -> int:
        """Every comment that was accepted, removed ones included."""
        return await self.collection.count_documents({"event_id": event_id})

    async def counts(self, event_id: str) -> dict[Status, int]:
        """How many there are of each status."""
        return {
            status: await self.collection.count_documents({"event_id": event_id, "status": status.value})
            for status in Status
        }

    async def set_status(
        self, event_id: str, ids: Sequence[str], status: Status, by: str, at: float, reason: str | None = None
    ) -> list[Comment]:
        """Change those that are another status now; returns them as changed."""
        changed = []
        for id_ in ids:
            document = await self.collection.find_one_and_update(
                {"_id": id_, "event_id": event_id, "status": {"$ne": status.value}},
                {"$set": {"status": status.value, "reviewed_by": by, "reviewed_at": at, "reason": reason}},
            )
            if document is not None:
                changed.append(replace(from_document(document), status=status, reviewed_by=by, reason=reason))
        return changed

    async def likes_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Hearts by comment; those without any are not in it."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"comment_id": {"$in": list(ids)}}},
            {"$group": {"_id": "$comment_id", "count": {"$sum": 1}}},
        ]
        return {row["_id"]: row["count"] async for row in self.likes.aggregate(pipeline)}


def like_document(comment_id_: str, viewer_id: str, at: float) -> Document:
    """One heart of one viewer: the same again is the same."""
    return {"_id": f"{comment_id_}/{viewer_id}", "comment_id": comment_id_, "at": at}


def to_document(comment: Comment) -> Document:
    document: Document = {
        "_id": comment.id,
        "event_id": comment.event_id,
        "viewer_id": comment.viewer_id,
        "nickname": comment.nickname,
        "text": comment.text,
        "at": comment.at,
        "status": comment.status.value,
        "reply_to": comment.reply_to,
    }
    # what most do not have is not kept of them
    if comment.avatar is not None:
        document["avatar"] = comment.avatar
    if comment.held_for:
        document["held_for"] = list(comment.held_for)
    return document


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
        avatar=document.get("avatar"),
        held_for=tuple(document.get("held_for", ())),
        reviewed_by=document.get("reviewed_by"),
        reason=document.get("reason"),
    )
