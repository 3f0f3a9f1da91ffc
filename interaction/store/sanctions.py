"""The `sanctions` collection: who may not speak, where, until when, why, and who said so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pymongo import ReturnDocument

from config.mongodb import DURABLE, Collection, Database, Document


class Kind(StrEnum):
    MUTE = "mute"
    """In one event."""
    BAN = "ban"
    """In every event of the center, whatever the device."""


@dataclass(frozen=True, slots=True)
class Sanction:
    id: str
    """Derived from scope, viewer and kind: there is one at most, and a new one takes its place."""
    center_id: str
    event_id: str
    """Where it was given; a ban counts beyond it."""
    viewer_id: str
    nickname: str
    kind: Kind
    until: float | None
    """Unix seconds; None for good."""
    reason: str
    by: str
    at: float
    lifted_at: float | None = None
    lifted_by: str | None = None

    @property
    def scope(self) -> str:
        return self.event_id if self.kind is Kind.MUTE else self.center_id


def sanction_id(scope: str, viewer_id: str, kind: Kind) -> str:
    return f"{scope}-{viewer_id}-{kind.value}"


class SanctionStore:
    def __init__(self, database: Database) -> None:
        self._sanctions: Collection = database.get_collection("sanctions", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self._sanctions.create_index("changed_at")
        await self._sanctions.create_index([("center_id", 1), ("at", -1)])

    async def put(self, sanction: Sanction) -> None:
        document = _to_document(sanction)
        await self._sanctions.replace_one({"_id": sanction.id}, document, upsert=True)

    async def lift(self, center_id: str, sanction_id_: str, by: str, at: float) -> Sanction | None:
        """The sanction as lifted; None when there is no such one of this center, or it is lifted already."""
        document = await self._sanctions.find_one_and_update(
            {"_id": sanction_id_, "center_id": center_id, "lifted_at": None},
            {"$set": {"lifted_at": at, "lifted_by": by, "changed_at": at}},
            return_document=ReturnDocument.AFTER,
        )
        return _from_document(document) if document is not None else None

    async def changed_since(self, at: float) -> list[Sanction]:
        found = self._sanctions.find({"changed_at": {"$gte": at}})
        return [_from_document(document) async for document in found]

    async def standing(self, center_id: str, event_id: str, now: float) -> list[Sanction]:
        """The center's bans and the event's mutes that count now, newest first."""
        query: dict[str, Any] = {
            "center_id": center_id,
            "lifted_at": None,
            "$and": [
                {"$or": [{"kind": Kind.BAN.value}, {"event_id": event_id}]},
                {"$or": [{"until": None}, {"until": {"$gt": now}}]},
            ],
        }
        return [_from_document(document) async for document in self._sanctions.find(query).sort("at", -1).limit(1000)]


def _to_document(sanction: Sanction) -> Document:
    return {
        "_id": sanction.id,
        "center_id": sanction.center_id,
        "event_id": sanction.event_id,
        "viewer_id": sanction.viewer_id,
        "nickname": sanction.nickname,
        "kind": sanction.kind.value,
        "until": sanction.until,
        "reason": sanction.reason,
        "by": sanction.by,
        "at": sanction.at,
        "lifted_at": sanction.lifted_at,
        "lifted_by": sanction.lifted_by,
        "changed_at": max(sanction.at, sanction.lifted_at or 0.0),
    }


def _from_document(document: Document) -> Sanction:
    fields = {name: value for name, value in document.items() if name not in ("_id", "kind", "changed_at")}
    return Sanction(id=document["_id"], kind=Kind(document["kind"]), **fields)
