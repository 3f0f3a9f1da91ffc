"""Group commit: what many send within milliseconds becomes one journaled write, and each gets its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
CROWD = 16
"""Documents of a batch from which on the collection is under load."""
SPACING_SECONDS = 0.03
"""Under load batches start so far apart: each costs a round trip and two syncs, whatever it holds. On a disk that needs
10 ms for a sync this is what keeps several collections out of each other's way."""
COMMIT_SECONDS = 8.0
"""A commit that takes longer has failed for its senders; they repeat it with the same id."""

RETRY_SECONDS = 2.0

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
    UNKNOWN = auto()
    """The write failed or took too long: it may be there or not. Senders see Busy."""


@dataclass(slots=True)
class _Waiting:
    document: Document
    settled: Callable[[Outcome], None]
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

    async def insert(self, document: Document, settled: Callable[[Outcome], None]) -> Outcome:
        """Return once the document is journaled on a majority. Raises Busy.

        `settled` is called in the order of the inserts, whether or not the caller still waits: a sender whose socket
        is gone has spoken all the same.
        """
        if self._closed or len(self._waiting) >= MAX_WAITING:
            raise Busy(RETRY_SECONDS)
        waiting = _Waiting(document, settled, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        return await waiting.done

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not (self._closed and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            if not self._waiting:
                continue
            await self._gather(GATHER_SECONDS)
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                began = loop.time()
                answered = await self._commit(batch)
                if len(batch) >= CROWD:
                    await self._gather(began + SPACING_SECONDS - loop.time())
                if self._closed and not answered:
                    # the database is away and we are leaving: nobody waits for one time-out after the other
                    rest, self._waiting = self._waiting, []
                    _settle(rest, set(), set(range(len(rest))))

    async def _gather(self, seconds: float) -> None:
        """Let a batch grow, unless it is as large as it may be or we are leaving."""
        if seconds > 0 and len(self._waiting) < MAX_BATCH and not self._closed:
            await asyncio.sleep(seconds)

    async def _commit(self, batch: list[_Waiting]) -> bool:
        """Write and settle; False when the database did not answer."""
        duplicates: set[int] = set()
        failed: set[int] = set()
        answered = True
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
            failed, answered = set(range(len(batch))), False
        except Exception:  # a document that cannot be encoded is a bug of ours; the writer lives on
            log.exception("group commit failed", documents=len(batch))
            failed = set(range(len(batch)))
        _settle(batch, duplicates, failed)
        return answered


def _settle(batch: list[_Waiting], duplicates: set[int], failed: set[int]) -> None:
    for index, waiting in enumerate(batch):
        if index in failed:
            outcome = Outcome.UNKNOWN
        else:
            outcome = Outcome.ALREADY_THERE if index in duplicates else Outcome.WRITTEN
        try:
            waiting.settled(outcome)
        except Exception:
            log.exception("a committed document was not taken up")
        if waiting.done.done():
            continue
        if outcome is Outcome.UNKNOWN:
            waiting.done.set_exception(Busy(RETRY_SECONDS))
        else:
            waiting.done.set_result(outcome)


@asynccontextmanager
async def open_commit(collection: Collection) -> AsyncIterator[GroupCommit]:
    """A collection's group commit; leaving the context writes what waits."""
    commit = GroupCommit(collection)
    commit.start()
    try:
        yield commit
    finally:
        await commit.close()
