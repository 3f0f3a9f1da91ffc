"""The collections of lotteries: `lottery_seeds`, `lottery_entries`, `lottery_winners`, `lottery_transcripts`.

Phone numbers stand in entries and winners alone, which nobody but the crew reads. A seed leaves its collection when the
draw is made, in the transcript.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from config.mongodb import DURABLE, Collection, Database, Document

_BATCH = 5_000


class LotteryStore:
    def __init__(self, database: Database) -> None:
        self._seeds: Collection = database.get_collection("lottery_seeds", write_concern=DURABLE)
        self.entries: Collection = database.get_collection("lottery_entries", write_concern=DURABLE)
        self.winners: Collection = database.get_collection("lottery_winners", write_concern=DURABLE)
        self._transcripts: Collection = database.get_collection("lottery_transcripts", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self.entries.create_index([("activity_id", 1), ("line", 1)])
        await self.winners.create_index([("activity_id", 1), ("rank", 1)])
        await self.winners.create_index([("activity_id", 1), ("viewer_id", 1)])
        await self.winners.create_index([("status", 1), ("deadline", 1)])
        await self.winners.create_index("instead_of", sparse=True)

    # --- seed and salt: made once, before anything is known ---

    async def secret(self, activity_id: str, seed: str, salt: str) -> tuple[str, str]:
        """(seed, salt) of a lottery: these, unless it has its own already."""
        document = await self._seeds.find_one_and_update(
            {"_id": activity_id},
            {"$setOnInsert": {"seed": seed, "salt": salt}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        assert document is not None
        return document["seed"], document["salt"]

    async def mark_list(self, activity_id: str, length: int | None) -> None:
        """How long the imported list is; None while it is being written: a half list never opens."""
        await self._seeds.update_one({"_id": activity_id}, {"$set": {"list_length": length}})

    async def list_length(self, activity_id: str) -> int | None:
        document = await self._seeds.find_one({"_id": activity_id})
        return document.get("list_length") if document else None

    # --- entries ---

    async def replace_entries(self, activity_id: str, entries: Sequence[Document]) -> None:
        """A whole new list. The activity's id is in every entry's id."""
        await self.entries.delete_many({"activity_id": activity_id})
        for start in range(0, len(entries), _BATCH):
            await self.entries.insert_many(list(entries[start : start + _BATCH]), ordered=False)

    async def entry(self, activity_id: str, key: str) -> Document | None:
        return await self.entries.find_one({"_id": f"{activity_id}:{key}"})

    async def count(self, activity_id: str) -> int:
        return await self.entries.count_documents({"activity_id": activity_id})

    async def lines(self, activity_id: str) -> list[str]:
        """The pool, sorted."""
        found = self.entries.find({"activity_id": activity_id}, {"line": 1}, batch_size=_BATCH)
        return sorted([document["line"] async for document in found])

    async def some_names(self, activity_id: str, limit: int) -> list[str]:
        found = self.entries.find({"activity_id": activity_id}, {"name": 1}).sort("line", 1).limit(limit)
        return [document["name"] async for document in found]

    async def by_lines(self, activity_id: str, lines: Sequence[str]) -> dict[str, Document]:
        found = self.entries.find({"activity_id": activity_id, "line": {"$in": list(lines)}})
        return {document["line"]: document async for document in found}

    # --- winners ---

    async def add_winners(self, winners: Sequence[Document]) -> None:
        """Those that are there already stay as they are."""
        for winner in winners:
            await self.winners.update_one({"_id": winner["_id"]}, {"$setOnInsert": winner}, upsert=True)

    async def winners_of(self, activity_id: str) -> list[Document]:
        return [document async for document in self.winners.find({"activity_id": activity_id}).sort("rank", 1)]

    async def winners_of_viewer(self, activity_id: str, viewer_id: str) -> list[Document]:
        found = self.winners.find({"activity_id": activity_id, "viewer_id": viewer_id}).sort("rank", 1)
        return [document async for document in found]

    async def void_winners(self, activity_id: str) -> None:
        await self.winners.update_many(
            {"activity_id": activity_id, "status": {"$ne": "forfeited"}}, {"$set": {"status": "void"}}
        )

    async def in_place_of(self, winner_id: str) -> Document | None:
        return await self.winners.find_one({"instead_of": winner_id})

    async def move_winner(self, winner_id: str, expected: Sequence[str], changes: Document) -> Document | None:
        """The winner as changed; None when it is in no expected state."""
        return await self.winners.find_one_and_update(
            {"_id": winner_id, "status": {"$in": list(expected)}},
            {"$set": changes},
            return_document=ReturnDocument.AFTER,
        )

    async def next_reserve(self, activity_id: str, prize: str, changes: Document) -> Document | None:
        """The first reserve that waits for this prize moves up."""
        return await self.winners.find_one_and_update(
            {"activity_id": activity_id, "prize": prize, "status": "reserve"},
            {"$set": changes},
            sort=[("rank", 1)],
            return_document=ReturnDocument.AFTER,
        )

    async def overdue(self, now: float) -> list[Document]:
        found = self.winners.find({"status": "won", "deadline": {"$ne": None, "$lt": now}})
        return [document async for document in found]

    async def unfilled(self) -> AsyncIterator[Document]:
        """Forfeited prizes whose reserve has not moved up: the process ended in between."""
        async for document in self.winners.find({"status": "forfeited", "filled": False}):
            yield document

    # --- transcripts ---

    async def keep_transcript(self, activity_id: str, text: str) -> str:
        """Keep a transcript; the one that was there first, if there was one: nobody draws twice."""
        packed = await _packed(text)
        try:
            await self._transcripts.insert_one({"_id": activity_id, "gzip": packed})
        except DuplicateKeyError:
            return await self.transcript(activity_id) or text
        return text

    async def transcript(self, activity_id: str) -> str | None:
        document: dict[str, Any] | None = await self._transcripts.find_one({"_id": activity_id})
        return gzip.decompress(document["gzip"]).decode() if document else None


async def _packed(text: str) -> bytes:
    return await asyncio.to_thread(gzip.compress, text.encode(), 3)
