"""Group commit: what many send within milliseconds becomes one journaled write, and each gets its own answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum, auto

import structlog
from pymongo.errors import BulkWriteError, PyMongoError

from config.mongodb import Collection, Document

MAX_BATCH = 500
"""Documents of one insert_many; 6 µs of loop time each."""
MAX_WAITING = 5_000
"""What may wait for the database: 5 s at 1,000 a second. Beyond it senders are told to come back."""
GATHER_SECONDS = 0.004
"""How long the first of a batch waits for company; a sync takes as long."""
COMMIT_SECONDS = 8.0
"""A commit that takes longer has failed for its senders; they repeat it with the same id."""

_DUPLICATE_KEY = 11000

log = structlog.get_logger(__name__)


class Busy(Exception):
    """Too much is waiting, or the database does not answer. Nothing was acknowledged; the same id may be sent again."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("busy")
        self.retry_after = retry_after


class Outcome(Enum):
    WRITTEN = auto()
    ALREADY_THERE = auto()


@dataclass(slots=True)
class _Waiting:
    document: Document
    done: asyncio.Future[Outcome]


class GroupCommit:
    """One collection's. `start` makes its writer task, `close` writes what is waiting and ends it."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        self._closed = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def insert(self, document: Document) -> Outcome:
        """Return once the document is journaled on a majority. Raises Busy."""
        if self._closed or len(self._waiting) >= MAX_WAITING:
            raise Busy(2.0)
        waiting = _Waiting(document, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        return await waiting.done

    async def _run(self) -> None:
        while not (self._closed and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            if not self._waiting:
                continue
            if len(self._waiting) < MAX_BATCH and not self._closed:
                await asyncio.sleep(GATHER_SECONDS)
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._commit(batch)

    async def _commit(self, batch: list[_Waiting]) -> None:
        duplicates: set[int] = set()
        failed: set[int] = set()
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._collection.insert_many([waiting.document for waiting in batch], ordered=False)
        except BulkWriteError as error:
            for detail in error.details.get("writeErrors", []):
                (duplicates if detail["code"] == _DUPLICATE_KEY else failed).add(detail["index"])
            if error.details.get("writeConcernErrors"):
                failed |= set(range(len(batch))) - duplicates
        except (PyMongoError, TimeoutError) as error:
            log.warning("group commit failed", documents=len(batch), error=str(error)[:200])
            failed = set(range(len(batch)))
        for index, waiting in enumerate(batch):
            if waiting.done.done():
                continue
            if index in failed:
                waiting.done.set_exception(Busy(2.0))
            else:
                waiting.done.set_result(Outcome.ALREADY_THERE if index in duplicates else Outcome.WRITTEN)
