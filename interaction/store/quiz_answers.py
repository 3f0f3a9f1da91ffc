"""The `quiz_answers` collection: one document per question and viewer, whatever the client retries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from config.mongodb import DURABLE, Collection, Database, Document


@dataclass(frozen=True, slots=True)
class Given:
    """One player's answer to one question."""

    viewer_id: str
    nickname: str
    options: tuple[str, ...]
    right: bool
    seconds: float
    """From the release to the receipt."""


@dataclass(frozen=True, slots=True)
class QuizAnswer:
    activity_id: str
    question_id: str
    at: float
    """Receipt, Unix seconds."""
    given: Given

    @property
    def id(self) -> str:
        return answer_id(self.activity_id, self.question_id, self.given.viewer_id)


def answer_id(activity_id: str, question_id: str, viewer_id: str) -> str:
    return f"{activity_id}:{question_id}:{viewer_id}"


class QuizAnswerStore:
    def __init__(self, database: Database) -> None:
        self.collection: Collection = database.get_collection("quiz_answers", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self.collection.create_index([("activity_id", 1), ("question_id", 1)])
        await self.collection.create_index([("activity_id", 1), ("viewer_id", 1)])

    async def get(self, activity_id: str, question_id: str, viewer_id: str) -> QuizAnswer | None:
        document = await self.collection.find_one({"_id": answer_id(activity_id, question_id, viewer_id)})
        return from_document(document) if document else None

    async def every(self, activity_id: str) -> AsyncIterator[QuizAnswer]:
        async for document in self.collection.find({"activity_id": activity_id}, batch_size=5000):
            yield from_document(document)

    async def right_viewers(self, activity_id: str) -> list[str]:
        """Who answered something right: for a lottery's pool."""
        found: list[str] = await self.collection.distinct("viewer_id", {"activity_id": activity_id, "right": True})
        return found


def to_document(answer: QuizAnswer) -> Document:
    given = answer.given
    return {
        "_id": answer.id,
        "activity_id": answer.activity_id,
        "question_id": answer.question_id,
        "viewer_id": given.viewer_id,
        "nickname": given.nickname,
        "options": list(given.options),
        "right": given.right,
        "seconds": given.seconds,
        "at": answer.at,
    }


def from_document(document: Document) -> QuizAnswer:
    given = Given(
        document["viewer_id"],
        document["nickname"],
        tuple(document["options"]),
        document["right"],
        document["seconds"],
    )
    return QuizAnswer(document["activity_id"], document["question_id"], document["at"], given)
