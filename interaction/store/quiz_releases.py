"""The `quiz_releases` collection: who gets a question at which second, fixed when it was asked."""

from __future__ import annotations

from config.mongodb import DURABLE, Collection, Database

MAX_IDS = 100_000
"""Viewers of one document: 3 MB of the 16 that MongoDB takes."""


class QuizReleaseStore:
    def __init__(self, database: Database) -> None:
        self._releases: Collection = database.get_collection("quiz_releases", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self._releases.create_index([("activity_id", 1), ("question_id", 1)])

    async def put(self, activity_id: str, question_id: str, groups: dict[int, list[str]]) -> None:
        """Fix the groups of a question, instead of any that an interrupted asking left."""
        of_question = {"activity_id": activity_id, "question_id": question_id}
        await self._releases.delete_many(of_question)
        documents = [
            {
                "_id": f"{activity_id}:{question_id}:{step}:{part}",
                **of_question,
                "step": step,
                "viewers": viewers[part * MAX_IDS : (part + 1) * MAX_IDS],
            }
            for step, viewers in groups.items()
            for part in range((len(viewers) + MAX_IDS - 1) // MAX_IDS)
        ]
        if documents:
            await self._releases.insert_many(documents)

    async def of_question(self, activity_id: str, question_id: str) -> dict[int, list[str]]:
        groups: dict[int, list[str]] = {}
        async for document in self._releases.find({"activity_id": activity_id, "question_id": question_id}):
            groups.setdefault(document["step"], []).extend(document["viewers"])
        return dict(sorted(groups.items()))
