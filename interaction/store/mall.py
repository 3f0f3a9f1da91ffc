"""The mall's collections: a center's rules, its items with their stock, and every order."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from pymongo import ReturnDocument

from config.mongodb import DURABLE, Collection, Database, Document, Session


@dataclass(frozen=True, slots=True)
class PointsRules:
    """What a center gives points for; zero gives none."""

    center_id: str
    checkin: int = 0
    comment: int = 0
    comments_a_day: int = 5
    watch: int = 0
    watch_minutes: int = 10
    watches_a_day: int = 6
    right_answer: int = 0
    anonymous: bool = False
    """Whether a device that is no account of the app earns."""


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    center_id: str
    name: str
    description: str
    picture: str | None
    price: int
    stock: int
    shown: bool
    created_at: float


class OrderState(StrEnum):
    WAITING = "waiting"
    COLLECTED = "collected"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    center_id: str
    viewer_id: str
    nickname: str
    item_id: str
    item_name: str
    price: int
    code: str
    """Shown at the counter."""
    at: float
    state: OrderState = OrderState.WAITING
    changed_at: float | None = None
    changed_by: str | None = None


def order_id(center_id: str, viewer_id: str, request_id: str) -> str:
    """The same request of the same viewer is the same order."""
    return hashlib.sha256(f"{center_id}\n{viewer_id}\n{request_id}".encode()).hexdigest()[:24]


class MallStore:
    def __init__(self, database: Database) -> None:
        self.client = database.client
        self._rules: Collection = database.get_collection("points_rules", write_concern=DURABLE)
        self._items: Collection = database.get_collection("mall_items", write_concern=DURABLE)
        self._orders: Collection = database.get_collection("mall_orders", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self._items.create_index([("center_id", 1), ("created_at", 1)])
        await self._orders.create_index([("center_id", 1), ("at", -1)])
        await self._orders.create_index([("center_id", 1), ("viewer_id", 1), ("at", -1)])
        await self._orders.create_index([("center_id", 1), ("code", 1)], unique=True)

    async def rules(self, center_id: str) -> PointsRules:
        document = await self._rules.find_one({"_id": center_id})
        if document is None:
            return PointsRules(center_id)
        return PointsRules(center_id, **{name: value for name, value in document.items() if name != "_id"})

    async def keep_rules(self, rules: PointsRules) -> None:
        values = asdict(rules)
        center_id = values.pop("center_id")
        await self._rules.replace_one({"_id": center_id}, values, upsert=True)

    async def add_item(self, item: Item) -> None:
        await self._items.insert_one(_document(asdict(item)))

    async def item(self, item_id: str, session: Session | None = None) -> Item | None:
        document = await self._items.find_one({"_id": item_id}, session=session)
        return _item(document) if document else None

    async def items(self, center_id: str, *, shown_only: bool) -> list[Item]:
        query: Document = {"center_id": center_id, **({"shown": True} if shown_only else {})}
        return [_item(document) async for document in self._items.find(query).sort("created_at", 1)]

    async def change_item(self, item_id: str, changes: dict[str, Any]) -> Item | None:
        document = await self._items.find_one_and_update(
            {"_id": item_id}, {"$set": changes}, return_document=ReturnDocument.AFTER
        )
        return _item(document) if document else None

    async def take_from_stock(self, item_id: str, session: Session) -> bool:
        """One piece of a shown item; False when none is left."""
        result = await self._items.update_one(
            {"_id": item_id, "shown": True, "stock": {"$gte": 1}}, {"$inc": {"stock": -1}}, session=session
        )
        return result.modified_count == 1

    async def back_to_stock(self, item_id: str, session: Session) -> None:
        await self._items.update_one({"_id": item_id}, {"$inc": {"stock": 1}}, session=session)

    async def add_order(self, order: Order, session: Session) -> None:
        await self._orders.insert_one(_document({**asdict(order), "state": order.state.value}), session=session)

    async def order(self, order_id_: str, session: Session | None = None) -> Order | None:
        document = await self._orders.find_one({"_id": order_id_}, session=session)
        return _order(document) if document else None

    async def orders(self, center_id: str, *, viewer_id: str | None = None, limit: int = 200) -> list[Order]:
        """Newest first."""
        query: Document = {"center_id": center_id, **({"viewer_id": viewer_id} if viewer_id else {})}
        return [_order(document) async for document in self._orders.find(query).sort("at", -1).limit(limit)]

    async def end_order(
        self, order_id_: str, state: OrderState, by: str, at: float, session: Session | None = None
    ) -> Order | None:
        """A waiting order is handed out or cancelled; None when it waits no more."""
        document = await self._orders.find_one_and_update(
            {"_id": order_id_, "state": OrderState.WAITING.value},
            {"$set": {"state": state.value, "changed_at": at, "changed_by": by}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return _order(document) if document else None


def _document(values: dict[str, Any]) -> Document:
    return {"_id": values.pop("id"), **values}


def _item(document: Document) -> Item:
    return Item(**{**{name: value for name, value in document.items() if name != "_id"}, "id": document["_id"]})


def _order(document: Document) -> Order:
    values = {name: value for name, value in document.items() if name not in ("_id", "state")}
    return replace(Order(**values, id=document["_id"]), state=OrderState(document["state"]))
