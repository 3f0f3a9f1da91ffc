"""The `events` collection: indexes, one mapper each way, queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pymongo import ReturnDocument

from config.mongodb import DURABLE, Collection, Database, Document
from streaming.events.model import Event, EventState, Feed, FeedAddress, Rules, Source, Venue

UNIQUE_KEYS = "venues.feeds.stream_key_1"
"""An index of early builds that let one installation revoke one key only."""


class Conflict(Exception):
    """Somebody else changed the event meanwhile; read it again."""


class EventStore:
    def __init__(self, database: Database) -> None:
        self._events: Collection = database.get_collection("events", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        # not unique: revoked feeds and venues without a feed all have the key null, and no two random keys meet
        if UNIQUE_KEYS in await self._events.index_information():
            await self._events.drop_index(UNIQUE_KEYS)
        await self._events.create_index("venues.feeds.stream_key", name="stream_key")
        await self._events.create_index("venues.feeds.id")
        await self._events.create_index([("center_id", 1), ("created_at", -1), ("_id", -1)])
        await self._events.create_index("state")

    async def insert(self, event: Event) -> None:
        await self._events.insert_one(to_document(event) | {"version": 0})

    async def get(self, event_id: str) -> Event | None:
        document = await self._events.find_one({"_id": event_id})
        return from_document(document) if document else None

    async def update(self, event_id: str, expected: Event, changed: Event) -> Event:
        """Replace what `expected` was read as. Raises Conflict when the event is another by now."""
        document = await self._events.find_one_and_update(
            {**to_document(expected), "_id": event_id},  # every field: two edits of different fields both stay
            {"$set": to_document(changed), "$inc": {"version": 1}},
            return_document=ReturnDocument.AFTER,
        )
        if document is None:
            raise Conflict(event_id)
        return from_document(document)

    async def find_by_key(self, key: str) -> FeedAddress | None:
        """Where the feed with this stream key stands."""
        document = await self._events.find_one({"venues.feeds.stream_key": key})
        if document is None:
            return None
        event = from_document(document)
        return next(
            (_address(event, venue, feed) for venue in event.venues for feed in venue.feeds if feed.stream_key == key),
            None,
        )

    async def find_feed(self, feed_id: str) -> FeedAddress | None:
        document = await self._events.find_one({"venues.feeds.id": feed_id})
        if document is None:
            return None
        event = from_document(document)
        return next(
            (_address(event, venue, feed) for venue in event.venues for feed in venue.feeds if feed.id == feed_id), None
        )

    async def in_states(self, states: Sequence[EventState]) -> list[Event]:
        found = self._events.find({"state": {"$in": [state.value for state in states]}})
        return [from_document(document) async for document in found]

    async def count_live(self, center_id: str) -> int:
        return await self._events.count_documents({"center_id": center_id, "state": EventState.LIVE.value})

    async def page(
        self,
        centers: Sequence[str] | None,
        *,
        state: EventState | None = None,
        before: tuple[float, str] | None = None,
        limit: int = 50,
    ) -> list[Event]:
        """Events of these centers (None: of all), newest first, those older than `before` (created_at, id)."""
        query: dict[str, Any] = {}
        if centers is not None:
            query["center_id"] = {"$in": list(centers)}
        if state is not None:
            query["state"] = state.value
        if before is not None:
            at, event_id = before
            query["$or"] = [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": event_id}}]
        found = self._events.find(query).sort([("created_at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document) async for document in found]


def _address(event: Event, venue: Venue, feed: Feed) -> FeedAddress:
    return FeedAddress(event.center_id, event.id, venue.id, feed.id, feed.name, venue.name, event.state)


def to_document(event: Event) -> Document:
    document = asdict(event)
    document["_id"] = document.pop("id")
    document["state"] = event.state.value
    document["venues"] = [
        {**asdict(venue), "feeds": [_feed_document(feed) for feed in venue.feeds]} for venue in event.venues
    ]
    document["rules"] = {**asdict(event.rules), "anonymous_may": list(event.rules.anonymous_may)}
    return document


def _feed_document(feed: Feed) -> Document:
    """A feed without a source is kept without the field, as feeds were before there were sources."""
    document = asdict(feed)
    if document["source"] is None:
        del document["source"]
    return document


def _feed(document: Document) -> Feed:
    source = document.get("source")
    return Feed(document["id"], document["name"], document["stream_key"], Source(**source) if source else None)


def from_document(document: Document) -> Event:
    rules = document["rules"]
    return Event(
        id=document["_id"],
        center_id=document["center_id"],
        title=document["title"],
        description=document["description"],
        state=EventState(document["state"]),
        rules=Rules(**{**rules, "anonymous_may": tuple(rules["anonymous_may"])}),
        venues=tuple(
            Venue(venue["id"], venue["name"], venue["main"], tuple(map(_feed, venue["feeds"])))
            for venue in document["venues"]
        ),
        created_at=document["created_at"],
        starts_at=document["starts_at"],
        started_at=document["started_at"],
        ended_at=document["ended_at"],
        poster=document["poster"],
        cut=document["cut"],
    )
