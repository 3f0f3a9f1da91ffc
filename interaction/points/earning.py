"""What viewers do, turned into points: each reason is paid once, up to its cap."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from config.clock import Clock
from interaction.activities.vote.rules import day
from interaction.commit import Busy, GroupCommit, Outcome
from interaction.store.ledger import LedgerStore, Line, issued_account, to_document, viewer_account
from interaction.store.mall import MallStore, PointsRules
from interaction.viewer import Viewer

RULES_SECONDS = 3.0
"""How long a center's rules are remembered: another process may have changed them."""
MAX_GAP_SECONDS = 25.0
"""Between two heartbeats of somebody who watches; they come every 10 s."""
MAX_WATCHING = 200_000

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Watch:
    at: float
    seconds: float = 0.0


class Earning:
    def __init__(
        self,
        ledger: LedgerStore,
        mall: MallStore,
        commit: GroupCommit,
        clock: Clock,
        told: Callable[[Viewer, int, str], None],
    ) -> None:
        """`told(viewer, amount, reason)` is called when points are durable."""
        self._ledger = ledger
        self._mall = mall
        self._commit = commit
        self._clock = clock
        self._told = told
        self._rules: dict[str, tuple[float, PointsRules]] = {}
        self._earned: dict[tuple[str, str, str], int] = {}
        """Lines of an account, reason and day: what caps count."""
        self._watching: dict[tuple[str, str], _Watch] = {}

    async def rules(self, center_id: str) -> PointsRules:
        kept = self._rules.get(center_id)
        if kept is not None and time.monotonic() - kept[0] < RULES_SECONDS:
            return kept[1]
        if kept is not None:
            # one asks anew; a thousand others of the same moment go on with what is known
            self._rules[center_id] = time.monotonic(), kept[1]
        rules = await self._mall.rules(center_id)
        self._rules[center_id] = time.monotonic(), rules
        return rules

    def forget_rules(self, center_id: str) -> None:
        self._rules.pop(center_id, None)

    async def offered(self, center_id: str) -> bool:
        """Whether the center gives points for anything."""
        rules = await self.rules(center_id)
        return any((rules.checkin, rules.comment, rules.watch, rules.right_answer))

    async def checked_in(self, center_id: str, viewer: Viewer, activity_id: str) -> None:
        rules = await self.rules(center_id)
        await self._earn(rules, viewer, "checkin", activity_id, rules.checkin)

    async def answered_right(self, center_id: str, viewer: Viewer, question: str) -> None:
        """`question` is unique among all activities."""
        rules = await self.rules(center_id)
        await self._earn(rules, viewer, "right_answer", question, rules.right_answer)

    async def commented(self, center_id: str, viewer: Viewer, comment_id: str) -> None:
        rules = await self.rules(center_id)
        await self._earn(rules, viewer, "comment", comment_id, rules.comment, a_day=rules.comments_a_day)

    async def watched(self, center_id: str, viewer: Viewer) -> None:
        """A heartbeat of somebody whose picture plays."""
        rules = await self.rules(center_id)
        if not rules.watch:
            return
        now = self._clock.monotonic()
        key = center_id, viewer.id
        watch = self._watching.get(key)
        if watch is None:
            if len(self._watching) >= MAX_WATCHING:
                self._watching = {k: w for k, w in self._watching.items() if now - w.at < MAX_GAP_SECONDS}
            if len(self._watching) >= MAX_WATCHING:
                self._watching.clear()
            self._watching[key] = _Watch(now)
            return
        gap, watch.at = now - watch.at, now
        if gap <= MAX_GAP_SECONDS:
            watch.seconds += gap
        if watch.seconds >= rules.watch_minutes * 60:
            watch.seconds -= rules.watch_minutes * 60
            stamp = f"{int(self._clock.utc()) // (rules.watch_minutes * 60)}"
            await self._earn(rules, viewer, "watch", stamp, rules.watch, a_day=rules.watches_a_day)

    async def _earn(
        self, rules: PointsRules, viewer: Viewer, reason: str, what: str, amount: int, a_day: int | None = None
    ) -> None:
        """One line, once. Never a reason to refuse what was done: when the ledger is busy, the next repeat pays."""
        if amount <= 0 or (viewer.anonymous and not rules.anonymous):
            return
        account = viewer_account(rules.center_id, viewer.id)
        today = day(self._clock.utc())
        key = account, reason, today
        if a_day is not None and not await self._under_cap(key, a_day):
            return
        line = Line(
            f"{account}:{reason}:{what}",
            rules.center_id,
            issued_account(rules.center_id),
            account,
            amount,
            reason,
            self._clock.utc(),
            today,
        )
        try:
            outcome = await self._commit.insert(to_document(line), lambda _: None)
        except Busy:
            self._earned.pop(key, None)  # it may be there or not: the ledger knows
            log.warning("points were not written", reason=reason)
            return
        if outcome is Outcome.WRITTEN:
            self._told(viewer, amount, reason)
        elif key in self._earned:
            self._earned[key] -= 1

    async def _under_cap(self, key: tuple[str, str, str], a_day: int) -> bool:
        """Take a place under the day's cap, before the write: many at once do not pass together, and a socket that
        leaves meanwhile frees none."""
        if key not in self._earned:
            counted = await self._ledger.count(*key)
            if len(self._earned) >= MAX_WATCHING:
                self._earned.clear()
            self._earned.setdefault(key, counted)
        if self._earned[key] >= a_day:
            return False
        self._earned[key] += 1
        return True
