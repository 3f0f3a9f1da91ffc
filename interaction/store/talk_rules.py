"""The `talk_rules` collection: an event's pace of comments and its pinned one, a center's outside review."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from config.mongodb import DURABLE, Collection, Database


@dataclass(frozen=True, slots=True)
class TalkRules:
    """Of one event."""

    slow_seconds: float = 0.0
    """A viewer speaks once in this time; 0 is the usual pace."""
    hold_links: bool = True
    """Addresses, numbers of accounts and telephones wait for a person."""
    pinned: str | None = None
    """The comment that stands above the list."""


@dataclass(frozen=True, slots=True)
class OutsideReview:
    """Of one center: a service that is asked about each comment that would be shown."""

    url: str | None = None
    token: str | None = field(default=None, repr=False)
    seconds: float = 1.5
    """How long a comment waits for the answer; then a person decides."""


class TalkRulesStore:
    def __init__(self, database: Database) -> None:
        self._rules: Collection = database.get_collection("talk_rules", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self._rules.create_index("changed_at")

    async def event(self, event_id: str) -> TalkRules:
        document = await self._rules.find_one({"_id": event_id})
        return TalkRules(**document["rules"]) if document is not None else TalkRules()

    async def center(self, center_id: str) -> OutsideReview:
        document = await self._rules.find_one({"_id": center_id})
        return OutsideReview(**document["rules"]) if document is not None else OutsideReview()

    async def set_event(self, event_id: str, changes: dict[str, Any], at: float) -> TalkRules:
        """Change some of an event's rules; returns all of them."""
        await self._rules.update_one(
            {"_id": event_id},
            {"$set": {"of": "event", "changed_at": at} | {f"rules.{name}": value for name, value in changes.items()}},
            upsert=True,
        )
        return await self.event(event_id)

    async def set_center(self, center_id: str, review: OutsideReview, at: float) -> None:
        await self._rules.update_one(
            {"_id": center_id},
            {"$set": {"of": "center", "rules": asdict(review), "changed_at": at}},
            upsert=True,
        )

    async def changed_since(self, at: float) -> tuple[dict[str, TalkRules], dict[str, OutsideReview]]:
        """What events and centers say now that changed since then, by id."""
        events: dict[str, TalkRules] = {}
        centers: dict[str, OutsideReview] = {}
        async for document in self._rules.find({"changed_at": {"$gte": at}}):
            if document["of"] == "event":
                events[document["_id"]] = TalkRules(**document["rules"])
            else:
                centers[document["_id"]] = OutsideReview(**document["rules"])
        return events, centers
