"""The one door to MongoDB: the driver's names that the rest of the house may use."""

from __future__ import annotations

from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import WriteConcern

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Database = AsyncIOMotorDatabase[Document]
Collection = AsyncIOMotorCollection[Document]

DURABLE = WriteConcern(w="majority", j=True)
"""What an acknowledged write means here: journaled on a majority."""
