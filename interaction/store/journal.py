"""The `moderation_journal` collection: what moderators did, each entry carrying the hash of the one before.

A line that is changed, dropped or slipped in later breaks the chain from there on (`first_broken`). The chain does not
stop somebody who rewrites all of it: whoever must be able to prove that keeps the newest hash elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from pymongo.errors import DuplicateKeyError

from config.mongodb import DURABLE, Collection, Database, Document

ATTEMPTS = 20
"""Moderators of one event who act in the same millisecond."""


@dataclass(frozen=True, slots=True)
class Act:
    act: str
    """`approve`, `remove`, `pin`, `unpin`, `mute`, `ban`, `lift`, `rules`."""
    by: str
    at: float
    target: str = ""
    """Comment or sanction ids with commas, or what was set."""
    reason: str = ""
    number: int = 0
    hash: str = ""


class JournalBusy(Exception):
    """Too many wrote at once."""


class Journal:
    def __init__(self, database: Database) -> None:
        self._entries: Collection = database.get_collection("moderation_journal", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self._entries.create_index([("event_id", 1), ("number", -1)], unique=True)

    async def write(self, event_id: str, act: Act) -> Act:
        """The act with its number and hash, once it is journaled. Raises JournalBusy."""
        for _ in range(ATTEMPTS):
            newest = await self._entries.find_one({"event_id": event_id}, sort=[("number", -1)])
            number, before = (newest["number"] + 1, newest["hash"]) if newest is not None else (1, "")
            content = {
                "number": number,
                "event_id": event_id,
                "act": act.act,
                "by": act.by,
                "at": act.at,
                "target": act.target,
                "reason": act.reason,
            }
            digest = _hash(before, content)
            try:
                await self._entries.insert_one({"_id": f"{event_id}/{number}", **content, "hash": digest})
            except DuplicateKeyError:
                continue
            return Act(act.act, act.by, act.at, act.target, act.reason, number, digest)
        raise JournalBusy

    async def page(self, event_id: str, *, before: int | None, limit: int) -> list[Act]:
        """Newest first; those with numbers below `before`."""
        query: Document = {"event_id": event_id}
        if before is not None:
            query["number"] = {"$lt": before}
        found = self._entries.find(query).sort("number", -1).limit(limit)
        return [_act(document) async for document in found]

    async def first_broken(self, event_id: str) -> int | None:
        """The number of the first entry that does not fit the one before it; None when all do."""
        before, expected = "", 1
        async for document in self._entries.find({"event_id": event_id}).sort("number", 1):
            content = {name: value for name, value in document.items() if name not in ("_id", "hash")}
            if document["number"] != expected or document["hash"] != _hash(before, content):
                return expected
            before, expected = document["hash"], expected + 1
        return None


def _hash(before: str, content: Document) -> str:
    line = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{line}".encode()).hexdigest()


def _act(document: Document) -> Act:
    return Act(
        document["act"],
        document["by"],
        document["at"],
        document["target"],
        document["reason"],
        document["number"],
        document["hash"],
    )
