"""The MongoDB collection `library_items`: what the recorder has made of finished events."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from config.mongodb import DURABLE, Collection, Database, Document

COLLECTION = "library_items"


class ItemState(StrEnum):
    REVIEW = "review"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class ItemVenue:
    """One venue's recording."""

    id: str
    name: str
    main: bool
    duration: float
    """Seconds of media on disk; gaps do not count."""
    bytes: int
    segments: int
    gap_seconds: float
    """What was on air and could not be kept."""
    width: int
    height: int
    codecs: str


@dataclass(frozen=True, slots=True)
class Item:
    """A replay in the library. Its media stay where the event recorded them."""

    id: str
    center_id: str
    event_id: str
    title: str
    description: str
    poster: str | None
    state: ItemState
    created_at: float
    published_at: float | None
    started_at: float | None
    ended_at: float | None
    venues: tuple[ItemVenue, ...]

    @property
    def main_venue(self) -> ItemVenue:
        """The main venue; where nothing of it was recorded, the first that was."""
        return next((venue for venue in self.venues if venue.main), self.venues[0])

    @property
    def duration(self) -> float:
        """Seconds, of the main venue."""
        return self.main_venue.duration

    def venue(self, venue_id: str | None) -> ItemVenue | None:
        """The venue with that id; `main` or None names the main one."""
        if venue_id in (None, "main"):
            return self.main_venue
        return next((venue for venue in self.venues if venue.id == venue_id), None)


class BadCursor(ValueError):
    """A cursor that this list did not give out."""


class Catalog:
    """All access to the collection."""

    def __init__(self, database: Database) -> None:
        self._items: Collection = database.get_collection(COLLECTION, write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        """One replay per event; lists by center, newest first."""
        await self._items.create_index([("event_id", ASCENDING)], unique=True, name="event")
        await self._items.create_index(
            [("center_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)], name="center_newest"
        )

    async def insert(self, item: Item) -> bool:
        """Add an item; False when the event has one already."""
        try:
            await self._items.insert_one(to_document(item))
        except DuplicateKeyError:
            return False
        return True

    async def get(self, item_id: str) -> Item | None:
        return _item(await self._items.find_one({"_id": item_id}))

    async def of_event(self, event_id: str) -> Item | None:
        return _item(await self._items.find_one({"event_id": event_id}))

    async def publish(self, item_id: str, at: float) -> Item | None:
        """Make an item public; publishing it again keeps its first date."""
        await self._items.update_one(
            {"_id": item_id, "state": ItemState.REVIEW.value},
            {"$set": {"state": ItemState.PUBLISHED.value, "published_at": at}},
        )
        return _item(await self._items.find_one({"_id": item_id}))

    async def page(
        self,
        center_ids: frozenset[str] | None,
        *,
        event_id: str | None = None,
        query: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Item], str | None]:
        """Newest first, of these centers (None: of all), and the cursor of the next page.

        `query` is looked for in titles and descriptions, in any case. Raises BadCursor.
        """
        terms: list[Mapping[str, Any]] = []
        if center_ids is not None:
            terms.append({"center_id": {"$in": sorted(center_ids)}})
        if event_id is not None:
            terms.append({"event_id": event_id})
        if query:
            pattern = {"$regex": re.escape(query), "$options": "i"}
            terms.append({"$or": [{"title": pattern}, {"description": pattern}]})
        if cursor is not None:
            at, item_id = _from_cursor(cursor)
            terms.append({"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": item_id}}]})
        found = self._items.find({"$and": terms} if terms else {})
        found = found.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit + 1)
        items = [from_document(document) async for document in found]
        if len(items) <= limit:
            return items, None
        return items[:limit], _to_cursor(items[limit - 1])


def to_document(item: Item) -> Document:
    document = asdict(item)
    document["_id"] = document.pop("id")
    document["state"] = item.state.value
    document["venues"] = [asdict(venue) for venue in item.venues]
    return document


def from_document(document: Mapping[str, Any]) -> Item:
    values: dict[str, Any] = {field.name: document.get(field.name) for field in fields(Item)}
    values["id"] = document["_id"]
    values["state"] = ItemState(document["state"])
    values["venues"] = tuple(ItemVenue(**venue) for venue in document["venues"])
    return Item(**values)


def _item(document: Mapping[str, Any] | None) -> Item | None:
    return None if document is None else from_document(document)


def _to_cursor(item: Item) -> str:
    return base64.urlsafe_b64encode(f"{item.created_at.hex()} {item.id}".encode()).decode().rstrip("=")


def _from_cursor(cursor: str) -> tuple[float, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, item_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().split(" ")
        return float.fromhex(at), item_id
    except (ValueError, binascii.Error) as error:
        raise BadCursor(cursor) from error
