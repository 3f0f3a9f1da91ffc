"""The one door to MongoDB: the driver's names that the rest of the house may use."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ReadPreference, WriteConcern
from pymongo.read_concern import ReadConcern

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Database = AsyncIOMotorDatabase[Document]
Collection = AsyncIOMotorCollection[Document]
Session = AsyncIOMotorClientSession

DoneT = TypeVar("DoneT")

DURABLE = WriteConcern(w="majority", j=True)
"""What an acknowledged write means here: journaled on a majority."""


async def in_transaction(client: Client, work: Callable[[Session], Coroutine[Any, Any, DoneT]]) -> DoneT:
    """Do all of `work` or nothing of it, seeing one moment of the database; durable when this returns.

    `work` may be called again when another transaction was in its way. What it raises ends the transaction.
    """
    async with await client.start_session() as session:
        done: DoneT = await session.with_transaction(
            work,
            read_concern=ReadConcern("snapshot"),
            write_concern=DURABLE,
            read_preference=ReadPreference.PRIMARY,
        )
        return done
