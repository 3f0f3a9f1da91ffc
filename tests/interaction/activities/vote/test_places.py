"""Several ballots of one viewer: a place that was taken stays taken, whoever leaves before the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from config.clock import SystemClock
from config.mongodb import Database, Document
from interaction.activities.vote.votes import Votes
from interaction.activity import Activity, State
from interaction.commit import Busy, GroupCommit, Outcome, open_commit
from interaction.rejected import Rejected
from interaction.store.ballots import BallotStore
from interaction.viewer import Viewer
from web.schemas.room import VoteSent

pytestmark = pytest.mark.service

RULES = {
    "options": [{"id": "o1", "text": "a"}, {"id": "o2", "text": "b"}],
    "min": 1, "max": 1, "show": "live", "change": False, "per": "all", "times": 2, "hold_suspicious": False,
}  # fmt: skip
ACTIVITY = Activity("a1", "e1", "c1", "vote", "x", RULES, state=State.OPEN)
VIEWER = Viewer("d1", "e1", "somebody", False)


def ballot(client_id: str) -> VoteSent:
    return VoteSent(activity_id="a1", options=["o1"], client_id=client_id)


async def test_sockets_that_leave_at_once_free_no_place(database: Database) -> None:
    store = BallotStore(database)
    async with open_commit(store.collection) as commit:
        votes = Votes(store, commit, SystemClock())
        await votes.opening(ACTIVITY)
        for number in range(5):
            sending = asyncio.create_task(votes.take(ACTIVITY, VIEWER, "vote", ballot(f"c{number}")))
            await asyncio.sleep(0)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
    assert await database.ballots.count_documents({}) == 2
    assert (await votes.recount(ACTIVITY))["agrees"]


class Unanswered(GroupCommit):
    """Writes, and says that it does not know, as long as it is told to."""

    quiet = True

    async def insert(self, document: Document, settled: Callable[[Outcome], None]) -> Outcome:
        if not self.quiet:
            return await super().insert(document, settled)
        await self._collection.insert_one(document)
        settled(Outcome.UNKNOWN)
        raise Busy(2.0)


async def test_an_unanswered_ballot_keeps_its_place_and_its_repeat_is_the_same(database: Database) -> None:
    store = BallotStore(database)
    commit = Unanswered(store.collection)
    commit.start()
    votes = Votes(store, commit, SystemClock())
    await votes.opening(ACTIVITY)
    with pytest.raises(Busy):
        await votes.take(ACTIVITY, VIEWER, "vote", ballot("c0"))
    commit.quiet = False
    assert (await votes.take(ACTIVITY, VIEWER, "vote", ballot("c0")))["left"] == 1
    assert (await votes.take(ACTIVITY, VIEWER, "vote", ballot("c1")))["left"] == 0
    with pytest.raises(Rejected, match="no_votes_left"):
        await votes.take(ACTIVITY, VIEWER, "vote", ballot("c2"))
    await commit.close()
    assert await database.ballots.count_documents({}) == 2
    assert (await votes.recount(ACTIVITY))["agrees"]
