"""Lotteries put together: what counts as having done something, and who is told of a prize."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from config.clock import Clock
from config.mongodb import Database
from interaction.activities.engine import Activities
from interaction.activities.lottery.lotteries import Lotteries
from interaction.activities.lottery.pool import Sources
from interaction.activities.lottery.winners import Winners, watching_claims
from interaction.activity import Activity
from interaction.commit import open_commit
from interaction.rooms import Rooms
from interaction.store.ballots import BallotStore
from interaction.store.checkins import CheckinStore
from interaction.store.lotteries import LotteryStore
from interaction.store.quiz_answers import QuizAnswerStore
from web.drand import Drand


@dataclass(frozen=True, slots=True)
class LotteryParts:
    store: LotteryStore
    kind: Lotteries
    winners: Winners

    def join(self, activities: Activities) -> None:
        """Winners and the engine know each other once both are there."""
        self.winners.engine = activities
        self.kind.open_of = activities.of_event


@asynccontextmanager
async def open_lotteries(
    database: Database,
    rooms: Rooms,
    ballots: BallotStore,
    quiz_answers: QuizAnswerStore,
    checkins: CheckinStore,
    clock: Clock,
) -> AsyncIterator[LotteryParts]:
    """Call `join` when the engine is there; deadlines hold from `watching_claims` on."""
    store = LotteryStore(database)

    async def room(activity: Activity) -> Mapping[str, str]:
        return dict.fromkeys(rooms.present(activity.event_id), "")

    async def comment(activity: Activity) -> Mapping[str, str]:
        words: str = activity.rules["pool"]["text"]
        return await rooms.comments.who_said(activity.event_id, words, activity.opened_at or 0.0)

    async def vote(activity: Activity) -> Mapping[str, str]:
        return dict.fromkeys(await ballots.viewers(activity.rules["pool"]["activity_id"]), "")

    async def quiz(activity: Activity) -> Mapping[str, str]:
        return dict.fromkeys(await quiz_answers.right_viewers(activity.rules["pool"]["activity_id"]), "")

    async def checkin(activity: Activity) -> Mapping[str, str]:
        return dict.fromkeys(await checkins.viewers(activity.rules["pool"]["activity_id"]), "")

    gather = {"room": room, "comment": comment, "vote": vote, "quiz": quiz, "checkin": checkin}
    sources, winners = Sources(gather, rooms.may, clock), Winners(store, clock)
    winners.tell = lambda event_id, viewer_id, told: (
        rooms.broadcast.personal(event_id, viewer_id, told) if rooms.broadcast is not None else None
    )
    async with open_commit(store.entries) as commit:
        yield LotteryParts(store, Lotteries(store, commit, sources, winners, Drand(), clock), winners)


__all__ = ["LotteryParts", "open_lotteries", "watching_claims"]
