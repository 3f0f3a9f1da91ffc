"""Votes as the engine sees them: ballots committed in groups, counted when durable, once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

from config.clock import Clock
from interaction.activities.kind import Facts
from interaction.activities.vote.rules import VoteRules, chosen, day, rules_of, shown_to_all
from interaction.activities.vote.suspicion import Suspicion
from interaction.activities.vote.tally import Tally
from interaction.activity import Activity, State
from interaction.commit import Busy, GroupCommit, Outcome
from interaction.rejected import Rejected
from interaction.store.ballots import Ballot, BallotStore, to_document
from interaction.viewer import Viewer


class VoteSent(Protocol):
    """What a phone sends."""

    options: list[str]
    client_id: str | None


@dataclass(slots=True)
class _Counting:
    rules: VoteRules
    tally: Tally = field(default_factory=Tally)
    suspicion: Suspicion = field(default_factory=Suspicion)
    cast: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Ballots by viewer and day, only where more than one is allowed."""
    unknown: dict[str, Ballot] = field(default_factory=dict)
    """Ballots whose commit was not answered: counted when a repeat finds them there."""


class Votes:
    """The kind `vote`. A tally in memory is nothing but its ballots counted: `load` counts them again."""

    name = "vote"
    right: str | None = "vote"

    def __init__(self, store: BallotStore, commit: GroupCommit, clock: Clock) -> None:
        self._store = store
        self._commit = commit
        self._clock = clock
        self._counting: dict[str, _Counting] = {}

    async def ensure_indexes(self) -> None:
        await self._store.ensure_indexes()

    async def load(self, activity: Activity) -> None:
        counting = _Counting(rules_of(activity))
        async for ballot in self._store.every(activity.id):
            counting.tally.add(ballot.options, held=ballot.held, suspicions=ballot.suspicions)
            if counting.rules.times > 1:
                counting.cast[ballot.viewer_id, _period(counting.rules, ballot.at)] += 1
        self._counting[activity.id] = counting

    def forget(self, activity_id: str) -> None:
        self._counting.pop(activity_id, None)

    async def opening(self, activity: Activity) -> Facts:
        self._counting[activity.id] = _Counting(rules_of(activity))
        return {}

    async def closing(self, activity: Activity) -> Facts:
        if self._counting[activity.id].unknown:
            await self.load(activity)  # unanswered ballots may be there or not: the database knows
        return {"tally": self._stored(activity)}

    async def settling(self, activity: Activity, command: Facts) -> Facts:
        """`count_held` (false by default) takes the held ballots among the accepted: all or none."""
        counting = self._counting[activity.id]
        if command.get("count_held"):
            await self._store.settle_held(activity.id, count=True)
            counting.tally.take_in_held()
        return {"tally": self._stored(activity), "count_held": bool(command.get("count_held"))}

    async def voiding(self, activity: Activity) -> None:
        """Ballots stay: they are the proof of what was voided."""

    def _stored(self, activity: Activity) -> Facts:
        counting = self._counting[activity.id]
        return {**counting.tally.public(counting.rules.options), "held": counting.tally.total_held}

    def view(self, activity: Activity) -> dict[str, Any]:
        rules = activity.rules
        view: dict[str, Any] = {
            name: rules[name] for name in ("options", "min", "max", "show", "change", "per", "times")
        }
        counting = self._counting.get(activity.id)
        if counting is not None and shown_to_all(counting.rules, ended=activity.state in (State.CLOSED, State.SETTLED)):
            view["tally"] = counting.tally.public(counting.rules.options)
        return view

    def tally(self, activity: Activity) -> dict[str, Any] | None:
        counting = self._counting.get(activity.id)
        if counting is None or not counting.tally.changed or not shown_to_all(counting.rules, ended=False):
            return None
        counting.tally.changed = False
        return counting.tally.public(counting.rules.options)

    async def results(self, activity: Activity) -> dict[str, Any]:
        counting = self._counting.get(activity.id) or _Counting(rules_of(activity))
        tally, texts = counting.tally, {option["id"]: option["text"] for option in activity.rules["options"]}
        return {
            "total": tally.total,
            "held": tally.total_held,
            "options": [
                {"id": id_, "text": texts[id_], "count": tally.accepted[id_], "held": tally.held[id_]}
                for id_ in counting.rules.options
            ],
            "suspicions": dict(tally.suspicions),
        }

    async def recount(self, activity: Activity) -> dict[str, Any]:
        """What the database counts from the ballots, beside what is shown."""
        accepted, _, total, held = await self._store.count_options(activity.id)
        tally = (self._counting.get(activity.id) or _Counting(rules_of(activity))).tally
        options = rules_of(activity).options
        counted = {
            "total": total,
            "held": held,
            "options": [{"id": id_, "count": accepted.get(id_, 0)} for id_ in options],
        }
        shown = {**tally.public(options), "held": tally.total_held}
        return {"agrees": counted == shown, "counted": counted, "shown": shown}

    async def mine(self, activity: Activity, viewer_id: str) -> dict[str, Any] | None:
        ballots = await self._store.of_viewer(activity.id, viewer_id)
        if not ballots:
            return None
        counting = self._counting[activity.id]
        return {
            "ballots": [list(ballot.options) for ballot in ballots],
            "left": self._left(counting, viewer_id),
            **self._after_vote(counting),
        }

    async def take(self, activity: Activity, viewer: Viewer, event: str, sent: BaseModel) -> dict[str, Any]:
        if event != "vote":
            raise Rejected("wrong_kind")
        counting = self._counting[activity.id]
        options = chosen(counting.rules, sent.options)  # type: ignore[attr-defined]
        client_id: str | None = sent.client_id  # type: ignore[attr-defined]
        now = self._clock.utc()
        period = _period(counting.rules, now)
        slot = period if counting.rules.times == 1 else f"{period}.{client_id or counting.cast[viewer.id, period]}"
        suspicions = counting.suspicion.of(viewer, now, activity.opened_at or now)
        held = counting.rules.hold_suspicious and bool(suspicions)
        ballot = Ballot(activity.id, viewer.id, slot, options, now, suspicions, held)
        if counting.rules.times > 1:
            return await self._take_another(counting, ballot, period)
        outcome = await self._commit.insert(
            to_document(ballot), lambda settled: self._settled(counting, ballot, settled)
        )
        if outcome is Outcome.WRITTEN:
            return self._answer(counting, ballot)
        return await self._again(counting, ballot)

    async def _take_another(self, counting: _Counting, ballot: Ballot, period: str) -> dict[str, Any]:
        """One of several: the place is taken before the write and given back when the database says that it was not
        needed; neither a socket that leaves meanwhile nor a write that may have happened frees it."""
        key = ballot.viewer_id, period
        has_place = ballot.id in counting.unknown
        if not has_place:
            if counting.cast[key] >= counting.rules.times:
                if await self._store.get(ballot.id) is not None:
                    return await self._again(counting, ballot)
                raise Rejected("no_votes_left")
            counting.cast[key] += 1
        reached = False

        def settled(outcome: Outcome) -> None:
            nonlocal reached
            reached = True
            if not has_place and (outcome is Outcome.ALREADY_THERE or ballot.id in counting.unknown):
                counting.cast[key] -= 1
            self._settled(counting, ballot, outcome)

        try:
            outcome = await self._commit.insert(to_document(ballot), settled)
        except Busy:
            if not has_place and not reached:
                counting.cast[key] -= 1
            raise
        if outcome is Outcome.WRITTEN:
            return self._answer(counting, ballot)
        return await self._again(counting, ballot)

    async def _again(self, counting: _Counting, ballot: Ballot) -> dict[str, Any]:
        """A ballot with this id is there: the same again is success, another choice a change where that is allowed."""
        kept = await self._store.get(ballot.id)
        if kept is None or kept.options == ballot.options:
            return self._answer(counting, kept or ballot, repeated=True)
        if not counting.rules.change:
            raise Rejected("already_voted")
        before = await self._store.replace(ballot)
        if before is not None:
            counting.tally.move(before.options, ballot.options, held=before.held)
        return self._answer(counting, ballot, changed=True)

    def _settled(self, counting: _Counting, ballot: Ballot, outcome: Outcome) -> None:
        """A ballot's write is over, whether or not its sender still waits."""
        if outcome is Outcome.UNKNOWN:
            counting.unknown[ballot.id] = ballot
            return
        unseen = counting.unknown.pop(ballot.id, None)
        counted = ballot if outcome is Outcome.WRITTEN else unseen
        if counted is not None:
            counting.tally.add(counted.options, held=counted.held, suspicions=counted.suspicions)

    def _answer(self, counting: _Counting, ballot: Ballot, **more: bool) -> dict[str, Any]:
        return {
            "options": list(ballot.options),
            "left": self._left(counting, ballot.viewer_id),
            **more,
            **self._after_vote(counting),
        }

    def _left(self, counting: _Counting, viewer_id: str) -> int:
        if counting.rules.times == 1:
            return 0
        return counting.rules.times - counting.cast[viewer_id, _period(counting.rules, self._clock.utc())]

    def _after_vote(self, counting: _Counting) -> dict[str, Any]:
        """The counts, for one who has voted."""
        if counting.rules.show not in ("live", "after_vote"):
            return {}
        return {"tally": counting.tally.public(counting.rules.options)}


def _period(rules: VoteRules, utc: float) -> str:
    return day(utc) if rules.daily else "once"
