"""The `word_lists` collection: one document a list, of the platform (`platform`) and of each center (its id)."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ReturnDocument

from config.mongodb import DURABLE, Collection, Database

PLATFORM = "platform"
Row = tuple[str, str, str, str]
"""Word, level, homophones, note. 50,000 of them are 4 MB: a quarter of what a document may be."""


class WordStore:
    def __init__(self, database: Database) -> None:
        self._lists: Collection = database.get_collection("word_lists", write_concern=DURABLE)

    async def versions(self) -> dict[str, int]:
        """Every list's version, by owner: it grows with each change."""
        return {document["_id"]: document["version"] async for document in self._lists.find({}, {"version": 1})}

    async def rows(self, owner: str) -> tuple[int, list[Row]]:
        """Version and rows; 0 and none for an owner without a list."""
        document = await self._lists.find_one({"_id": owner})
        if document is None:
            return 0, []
        return document["version"], [(row[0], row[1], row[2], row[3]) for row in document["rows"]]

    async def replace(self, owner: str, rows: Sequence[Row], *, version: int) -> int | None:
        """The next version, or None when somebody else changed the list since `version`."""
        if version == 0:
            await self._lists.update_one({"_id": owner}, {"$setOnInsert": {"version": 0, "rows": []}}, upsert=True)
        document = await self._lists.find_one_and_update(
            {"_id": owner, "version": version},
            {"$inc": {"version": 1}, "$set": {"rows": [list(row) for row in rows]}},
            projection={"version": 1},
            return_document=ReturnDocument.AFTER,
        )
        if document is None:
            return None
        changed: int = document["version"]
        return changed
