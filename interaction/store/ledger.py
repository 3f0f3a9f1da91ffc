"""The `ledger` collection: double entry, append only. Each line moves points from one account to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from config.mongodb import DURABLE, Collection, Database, Document, Session


def viewer_account(center_id: str, viewer_id: str) -> str:
    return f"{center_id}/viewer/{viewer_id}"


def issued_account(center_id: str) -> str:
    """Where a center's points come from: minus its sum is all that it ever gave."""
    return f"{center_id}/issued"


def mall_account(center_id: str) -> str:
    """Where spent points go."""
    return f"{center_id}/mall"


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    """Derived from what must be unique: the same reason is never paid twice."""
    center_id: str
    debit: str
    """The account that gives."""
    credit: str
    """The account that takes."""
    amount: int
    """Above zero."""
    reason: str
    at: float
    period: str = ""
    """The day of an earning that is capped by day."""


class LedgerStore:
    def __init__(self, database: Database) -> None:
        self.collection: Collection = database.get_collection("ledger", write_concern=DURABLE)
        self._accounts: Collection = database.get_collection("ledger_accounts", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self.collection.create_index([("credit", 1), ("reason", 1), ("period", 1)])
        await self.collection.create_index([("debit", 1)])

    async def balance(self, account: str, session: Session | None = None) -> int:
        """The sum of the account's lines."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"$or": [{"credit": account}, {"debit": account}]}},
            {"$group": {"_id": None, "sum": {"$sum": {"$cond": [
                {"$eq": ["$credit", account]}, "$amount", {"$multiply": ["$amount", -1]}]}}}},
        ]  # fmt: skip
        found = [document async for document in self.collection.aggregate(pipeline, session=session)]
        return int(found[0]["sum"]) if found else 0

    async def count(self, account: str, reason: str, period: str) -> int:
        """How many lines of that reason an account took in a period."""
        return await self.collection.count_documents({"credit": account, "reason": reason, "period": period})

    async def lines(self, account: str, limit: int = 50) -> list[Line]:
        """Newest first."""
        query = {"$or": [{"credit": account}, {"debit": account}]}
        found = self.collection.find(query).sort([("at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document) async for document in found]

    async def claim(self, account: str, session: Session) -> None:
        """Two transactions that spend from one account do not both commit: the second starts over."""
        await self._accounts.update_one({"_id": account}, {"$inc": {"spends": 1}}, upsert=True, session=session)

    async def append(self, line: Line, session: Session | None = None) -> None:
        await self.collection.insert_one(to_document(line), session=session)

    async def sums(self) -> dict[str, int]:
        """Every account's balance, counted from the lines; their sum is zero."""
        pipeline: list[dict[str, Any]] = [
            {"$project": {"sides": [
                {"account": "$credit", "amount": "$amount"},
                {"account": "$debit", "amount": {"$multiply": ["$amount", -1]}}]}},
            {"$unwind": "$sides"},
            {"$group": {"_id": "$sides.account", "sum": {"$sum": "$sides.amount"}}},
        ]  # fmt: skip
        return {document["_id"]: int(document["sum"]) async for document in self.collection.aggregate(pipeline)}


def to_document(line: Line) -> Document:
    return {
        "_id": line.id,
        "center_id": line.center_id,
        "debit": line.debit,
        "credit": line.credit,
        "amount": line.amount,
        "reason": line.reason,
        "at": line.at,
        "period": line.period,
    }


def from_document(document: Document) -> Line:
    return Line(**{**{name: value for name, value in document.items() if name != "_id"}, "id": document["_id"]})
