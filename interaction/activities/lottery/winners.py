"""What becomes of those who were drawn: claims with a deadline, forfeiture, reserves that move up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

import structlog

from config.clock import Clock, rfc3339
from config.mongodb import Document
from interaction.activities.kind import Facts
from interaction.activities.lottery import masking
from interaction.activity import Activity, State
from interaction.rejected import Rejected
from interaction.store.lotteries import LotteryStore

TIMER_SECONDS = 2.0
DAY = 86_400
MAX_SHOWN = 100
"""Winners in the room's snapshot; the transcript holds them all."""

log = structlog.get_logger(__name__)


class Engine(Protocol):
    async def get(self, activity_id: str) -> Activity | None: ...

    async def refresh(self, activity_id: str, facts: Facts | None = None) -> Activity: ...


class Winners:
    def __init__(self, store: LotteryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.engine: Engine | None = None
        """Set by the composition root."""
        self.tell: Callable[[str, str, dict[str, Any]], None] = lambda *_: None
        """(event, viewer, what): to that viewer alone."""

    async def drawn(self, activity: Activity, drawn: list[dict[str, Any]], now: float) -> None:
        """Keep who was drawn, and tell them. The same again changes nothing."""
        entries = await self._store.by_lines(activity.id, [one["line"] for one in drawn])
        winners = []
        for rank, one in enumerate(drawn):
            entry = entries[one["line"]]
            winners.append(
                {
                    "_id": f"{activity.id}:{rank}",
                    "activity_id": activity.id,
                    "event_id": activity.event_id,
                    "rank": rank,
                    "prize": one["prize"],
                    "line": one["line"],
                    "name": entry["name"],
                    "viewer_id": entry.get("viewer_id"),
                    "list": {name: entry.get(name) for name in ("number", "holder", "phone", "merchant", "amount")},
                    "status": "reserve" if one["reserve"] else "won",
                    "deadline": None if one["reserve"] else _deadline(activity, now),
                    "filled": False,
                    "claim": None,
                }
            )
        await self._store.add_winners(winners)
        for winner in winners:
            if winner["status"] == "won":
                self._told(activity, winner)

    async def public(self, activity_id: str) -> list[dict[str, Any]]:
        """As everybody may see them; who moved up stands behind those who were drawn."""
        shown = [one for one in await self._store.winners_of(activity_id) if one["status"] not in ("reserve", "void")]
        return [
            {
                "prize": one["prize"],
                "name": one["name"],
                "phone": masking.phone(one["list"]["phone"] or ""),
                "tail": _ticket(one["line"])[-6:],
                "status": one["status"],
            }
            for one in shown[:MAX_SHOWN]
        ]

    async def of_crew(self, activity: Activity) -> list[dict[str, Any]]:
        """With what the crew needs to reach them."""
        names = {prize["id"]: prize["name"] for prize in activity.rules["prizes"]}
        return [
            {
                "id": one["_id"],
                "prize": names[one["prize"]],
                "ticket": _ticket(one["line"]),
                "name": one["list"]["holder"] or one["name"],
                "phone": one["list"]["phone"] or "",
                "number": one["list"]["number"] or "",
                "status": one["status"],
                "deadline": _time(one["deadline"]),
                "claim": one["claim"],
            }
            for one in await self._store.winners_of(activity.id)
        ]

    async def of_viewer(self, activity: Activity, viewer_id: str) -> list[dict[str, Any]]:
        names = {prize["id"]: prize["name"] for prize in activity.rules["prizes"]}
        if activity.state is not State.SETTLED:
            return []
        return [
            {
                "id": one["_id"],
                "prize": names[one["prize"]],
                "status": one["status"],
                "deadline": _time(one["deadline"]),
                "claim": one["claim"],
            }
            for one in await self._store.winners_of_viewer(activity.id, viewer_id)
        ]

    async def claim(self, activity: Activity, viewer_id: str, winner_id: str, claim: dict[str, str]) -> None:
        """Raises Rejected `no_such_prize`, `claim_over`."""
        if activity.state is not State.SETTLED:
            raise Rejected("no_such_prize")
        own = {one["_id"]: one for one in await self._store.winners_of_viewer(activity.id, viewer_id)}
        winner = own.get(winner_id)
        if winner is None or winner["status"] == "reserve":
            raise Rejected("no_such_prize")
        now = self._clock.utc()
        if winner["deadline"] is not None and winner["deadline"] < now:
            raise Rejected("claim_over")
        changes = {"status": "claimed", "claim": {**claim, "at": rfc3339(now)}}
        if await self._store.move_winner(winner_id, ("won", "claimed"), changes) is None:
            raise Rejected("claim_over")
        await self._refresh(activity.id)

    async def hand_over(self, activity: Activity, winner_id: str) -> None:
        """The crew gave the prize. Raises Rejected."""
        self._own(activity, winner_id)
        if await self._store.move_winner(winner_id, ("won", "claimed"), {"status": "given"}) is None:
            raise Rejected("no_such_prize")
        await self._refresh(activity.id)

    async def forfeit(self, activity: Activity, winner_id: str, reason: str) -> None:
        """The prize goes to the next reserve. Raises Rejected."""
        self._own(activity, winner_id)
        changes = {"status": "forfeited", "filled": False, "reason": reason}
        winner = await self._store.move_winner(winner_id, ("won", "claimed"), changes)
        if winner is None:
            raise Rejected("no_such_prize")
        await self._fill(activity, winner)
        await self._refresh(activity.id)

    def _own(self, activity: Activity, winner_id: str) -> None:
        if activity.state is not State.SETTLED or winner_id.partition(":")[0] != activity.id:
            raise Rejected("no_such_prize")

    async def _fill(self, activity: Activity, forfeited: Document) -> None:
        """Marked with whose place it is: a process that ends in between moves up nobody twice."""
        place = {"status": "won", "deadline": _deadline(activity, self._clock.utc()), "instead_of": forfeited["_id"]}
        if await self._store.in_place_of(forfeited["_id"]) is None:
            moved = await self._store.next_reserve(activity.id, forfeited["prize"], place)
            if moved is not None:
                self._told(activity, moved)
        await self._store.move_winner(forfeited["_id"], ("forfeited",), {"filled": True})

    async def _refresh(self, activity_id: str) -> None:
        if self.engine is not None:
            await self.engine.refresh(activity_id, {"winners": await self.public(activity_id)})

    def _told(self, activity: Activity, winner: Document) -> None:
        if winner["viewer_id"] is not None:
            payload = {"type": "prize", "activity_id": activity.id, "deadline": _time(winner["deadline"])}
            self.tell(activity.event_id, winner["viewer_id"], payload)

    async def forfeit_overdue(self) -> None:
        """Whoever did not claim in time; and places that were not filled when the last process ended."""
        assert self.engine is not None
        for winner in await self._store.overdue(self._clock.utc()):
            activity = await self.engine.get(winner["activity_id"])
            if activity is not None and activity.state is State.SETTLED:
                with _others_go_on(winner):
                    await self.forfeit(activity, winner["_id"], "deadline")
        for winner in [one async for one in self._store.unfilled()]:
            activity = await self.engine.get(winner["activity_id"])
            if activity is not None and activity.state is State.SETTLED:
                with _others_go_on(winner):
                    await self._fill(activity, winner)
                    await self._refresh(activity.id)

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(TIMER_SECONDS)
            try:
                await self.forfeit_overdue()
            except Exception:
                log.exception("overdue prizes were not forfeited")


@contextmanager
def _others_go_on(winner: Document) -> Iterator[None]:
    """One place that cannot be settled now holds up nobody behind it."""
    try:
        yield
    except Exception:
        log.exception("an overdue prize was not passed on", winner=winner["_id"])


@asynccontextmanager
async def watching_claims(winners: Winners) -> AsyncIterator[None]:
    """Deadlines hold while the context is open."""
    task = asyncio.create_task(winners.watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _deadline(activity: Activity, now: float) -> float | None:
    days = activity.rules["claim_days"]
    return now + days * DAY if days else None


def _time(moment: float | None) -> str | None:
    return rfc3339(moment) if moment is not None else None


def _ticket(line: str) -> str:
    return line.partition("/")[0]
