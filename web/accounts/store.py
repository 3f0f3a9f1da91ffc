"""The `centers` and `crew` collections: indexes, mappers, queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pymongo.errors import DuplicateKeyError

from config.mongodb import DURABLE, Collection, Database, Document
from web.accounts.model import Center, Crew, Quotas, Role


class UsernameTaken(Exception):
    """Another account has this user name."""


class AccountStore:
    def __init__(self, database: Database) -> None:
        self._centers: Collection = database.get_collection("centers", write_concern=DURABLE)
        self._crew: Collection = database.get_collection("crew", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self._crew.create_index("username", unique=True)

    async def insert_center(self, center: Center) -> None:
        await self._centers.insert_one(_with_id(asdict(center)))

    async def replace_center(self, center: Center) -> None:
        await self._centers.replace_one({"_id": center.id}, _with_id(asdict(center)))

    async def center(self, center_id: str) -> Center | None:
        document = await self._centers.find_one({"_id": center_id})
        return _center(document) if document else None

    async def centers(self, ids: Sequence[str] | None = None) -> list[Center]:
        query: dict[str, Any] = {} if ids is None else {"_id": {"$in": list(ids)}}
        return [_center(document) async for document in self._centers.find(query).sort([("created_at", 1), ("_id", 1)])]

    async def insert_crew(self, crew: Crew) -> None:
        """Raises UsernameTaken."""
        try:
            await self._crew.insert_one(_crew_document(crew))
        except DuplicateKeyError:
            raise UsernameTaken(crew.username) from None

    async def replace_crew(self, crew: Crew) -> None:
        await self._crew.replace_one({"_id": crew.id}, _crew_document(crew))

    async def crew(self, crew_id: str) -> Crew | None:
        document = await self._crew.find_one({"_id": crew_id})
        return _crew(document) if document else None

    async def by_username(self, username: str) -> Crew | None:
        document = await self._crew.find_one({"username": username.strip().lower()})
        return _crew(document) if document else None

    async def crew_of(self, centers: Sequence[str] | None) -> list[Crew]:
        """Everybody with a role in these centers (None: everybody)."""
        query: dict[str, Any] = {}
        if centers is not None:
            query["$or"] = [{f"roles.{center}": {"$exists": True}} for center in centers] or [{"_id": None}]
        return [_crew(document) async for document in self._crew.find(query).sort("username", 1)]


def _with_id(document: Document) -> Document:
    document["_id"] = document.pop("id")
    return document


def _center(document: Document) -> Center:
    fields = dict(document)
    return Center(id=fields.pop("_id"), quotas=Quotas(**fields.pop("quotas")), **fields)


def _crew_document(crew: Crew) -> Document:
    document = _with_id(asdict(crew))
    document["roles"] = {center: [role.value for role in roles] for center, roles in crew.roles.items()}
    return document


def _crew(document: Document) -> Crew:
    fields = dict(document)
    roles = {center: tuple(Role(role) for role in held) for center, held in fields.pop("roles").items()}
    return Crew(id=fields.pop("_id"), roles=roles, **fields)
