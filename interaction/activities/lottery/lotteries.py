"""Lotteries as the engine sees them: entries committed in groups, the pool frozen at the close, one draw."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from config.clock import Clock, rfc3339
from interaction.activities.kind import Facts
from interaction.activities.lottery import commitment, guards, masking, transcript
from interaction.activities.lottery.importing import Row
from interaction.activities.lottery.outside import Beacon, round_after, value_of
from interaction.activities.lottery.pool import ENTERS, LISTED, WATCHES, Sources
from interaction.activities.lottery.winners import Winners
from interaction.activity import Activity, State
from interaction.commit import Busy, GroupCommit, Outcome
from interaction.rejected import Rejected
from interaction.store.lotteries import LotteryStore
from interaction.viewer import Viewer

MAX_POOL = 200_000
ROLLING = 40
"""Masked names that the big screen lets roll."""
BEAT_SECONDS = 15.0
"""What one heartbeat may count as watched: they come every ten."""


@dataclass(slots=True)
class _Running:
    salt: str
    entries: int = 0
    changed: bool = True
    watched: dict[str, tuple[float, float]] = field(default_factory=dict)
    """(seconds, last heartbeat) by viewer, until the time is full."""


class Lotteries:
    """The kind `lottery`. Nothing here takes a winner's name: `draw` has seed, pool and outside value, and no more."""

    name = "lottery"
    right: str | None = "enter"

    def __init__(
        self,
        store: LotteryStore,
        commit: GroupCommit,
        sources: Sources,
        winners: Winners,
        beacon: Beacon,
        clock: Clock,
    ) -> None:
        self._store = store
        self._commit = commit
        self._sources = sources
        self._winners = winners
        self._beacon = beacon
        self._clock = clock
        self._running: dict[str, _Running] = {}
        self.open_of: Callable[[str], list[Activity]] = lambda _: []
        """An event's activities; set by the composition root."""

    async def ensure_indexes(self) -> None:
        await self._store.ensure_indexes()

    async def load(self, activity: Activity) -> None:
        _, salt = await self._secret(activity.id)
        self._running[activity.id] = _Running(salt, await self._store.count(activity.id))

    def forget(self, activity_id: str) -> None:
        self._running.pop(activity_id, None)
        self._sources.forget(activity_id)

    async def _secret(self, activity_id: str) -> tuple[str, str]:
        return await self._store.secret(activity_id, secrets.token_hex(32), secrets.token_hex(16))

    # --- the list from outside, while it is a draft ---

    async def take_list(self, activity: Activity, rows: list[Row]) -> int:
        """The whole list instead of the one before, of a draft that is held. Raises Rejected."""
        if activity.rules["pool"]["source"] != LISTED:
            raise Rejected("not_an_imported_pool")
        _, salt = await self._secret(activity.id)
        entries = [
            {
                "_id": f"{activity.id}:{row.number}",
                "activity_id": activity.id,
                "line": f"{commitment.ticket(salt, row.number)}/{commitment.person(salt, row.whose)}",
                "name": masking.name(row.holder),
                "number": row.number,
                "holder": row.holder,
                "phone": row.phone,
                "merchant": row.merchant,
                "amount": row.amount,
                "date": row.date,
            }
            for row in rows
        ]
        await self._store.mark_list(activity.id, None)
        await self._store.replace_entries(activity.id, entries)
        await self._store.mark_list(activity.id, len(entries))
        return len(entries)

    # --- commands ---

    async def opening(self, activity: Activity) -> Facts:
        guards.may_open(activity.rules)
        seed, salt = await self._secret(activity.id)
        count = 0
        if activity.rules["pool"]["source"] == LISTED:
            count = await self._store.count(activity.id)
            if not count or await self._store.list_length(activity.id) != count:
                raise Rejected("no_list")
        elif activity.rules["pool"]["source"] not in (ENTERS, WATCHES) and not self._sources.looks_back(activity):
            raise Rejected("no_such_pool")
        self._running[activity.id] = _Running(salt, count)
        return {
            "seed_commitment": commitment.of_seed(seed),
            "rules_commitment": commitment.of_value(_rules(activity)),
            "order_commitment": commitment.of_value(activity.rules["order"]),
        }

    async def closing(self, activity: Activity) -> Facts:
        running = self._running[activity.id]
        if self._sources.looks_back(activity):
            viewers = await self._sources.viewers(activity)
            if len(viewers) > MAX_POOL:
                raise Rejected("pool_too_large")
            entries = [self._entry(activity, running, viewer, name) for viewer, name in viewers.items()]
            await self._store.replace_entries(activity.id, entries)
        lines = await self._store.lines(activity.id)
        running.entries = len(lines)
        facts: Facts = {
            "pool_commitment": commitment.of_pool(lines),
            "pool_size": len(lines),
            "rolling": await self._store.some_names(activity.id, ROLLING),
        }
        if activity.rules["outside"] == "drand":
            facts["drand_round"] = round_after(self._clock.utc())
        return facts

    async def settling(self, activity: Activity, command: Facts) -> Facts:
        """`outside`: the value that was dictated after the pool's commitment stood before everybody."""
        lines = await self._store.lines(activity.id)
        if not lines:
            raise Rejected("empty_pool")
        if commitment.of_pool(lines) != activity.facts["pool_commitment"]:
            raise Rejected("pool_changed")
        text = await self._store.transcript(activity.id)
        if text is None:
            now = self._clock.utc()
            outside = await value_of(activity.rules, activity.facts, command.get("outside"), self._beacon, now)
            seed, _ = await self._secret(activity.id)
            header = transcript.Header(
                activity.id,
                activity.event_id,
                activity.title,
                rfc3339(activity.opened_at or now),
                rfc3339(activity.closed_at or now),
                rfc3339(now),
            )
            order = activity.rules["order"]
            drawn = await asyncio.to_thread(transcript.make, header, _rules(activity), order, seed, lines, outside)
            if any(
                drawn.commitments[name] != activity.facts[f"{name}_commitment"] for name in ("rules", "order", "seed")
            ):
                raise Rejected("pool_changed")
            text = await self._store.keep_transcript(activity.id, drawn.text)
        content = json.loads(text)
        await self._winners.drawn(activity, content["winners"], self._clock.utc())
        return {
            "outside": content["outside"],
            "digest": content["digest"],
            "winners": await self._winners.public(activity.id),
        }

    async def voiding(self, activity: Activity) -> None:
        """Entries and transcript stay; nobody can claim any more."""
        await self._store.void_winners(activity.id)

    # --- what is seen ---

    def view(self, activity: Activity) -> dict[str, Any]:
        rules, facts = activity.rules, activity.facts
        names = ("prizes", "order", "pool", "outside", "outside_source", *guards.PUBLISHED, "claim_note")
        view = {name: rules[name] for name in names}
        for name in (
            "seed_commitment",
            "rules_commitment",
            "order_commitment",
            "pool_commitment",
            "pool_size",
            "drand_round",
            "rolling",
            "digest",
            "winners",
        ):
            if name in facts:
                view[name] = facts[name]
        if "outside" in facts:
            view["outside_value"] = facts["outside"]["value"]
        if "digest" in facts:
            view["transcript"] = f"/api/v1/activities/{activity.id}/transcript"
        running = self._running.get(activity.id)
        if running is not None:
            view["tally"] = {"entries": running.entries}
        return view

    def tally(self, activity: Activity) -> dict[str, Any] | None:
        running = self._running.get(activity.id)
        if running is None or not running.changed:
            return None
        running.changed = False
        return {"entries": running.entries}

    async def results(self, activity: Activity) -> dict[str, Any]:
        running = self._running.get(activity.id)
        return {
            "entries": running.entries if running is not None else await self._store.count(activity.id),
            "outside": activity.rules["outside"],
            "pool_commitment": activity.facts.get("pool_commitment"),
            "winners": await self._winners.of_crew(activity),
        }

    async def mine(self, activity: Activity, viewer_id: str) -> dict[str, Any] | None:
        """Why in, or why not."""
        entry = await self._store.entry(activity.id, viewer_id)
        mine: dict[str, Any] = {"in": entry is not None, "won": await self._winners.of_viewer(activity, viewer_id)}
        if entry is not None:
            return {**mine, "why": "in", "ticket": _ticket(entry["line"])}
        source = activity.rules["pool"]["source"]
        if source == LISTED:
            return {**mine, "why": "by_list"}
        if not self._sources.allows(activity, viewer_id):
            return {**mine, "why": "sign_in"}
        if activity.state is not State.OPEN:
            return {**mine, "why": "not_in_pool"}
        if self._sources.looks_back(activity) and await self._sources.has(activity, viewer_id):
            ticket = commitment.ticket(self._running[activity.id].salt, viewer_id)
            return {**mine, "in": True, "why": "so_far", "ticket": ticket}
        if source == WATCHES:
            seconds, _ = self._running[activity.id].watched.get(viewer_id, (0.0, 0.0))
            return {**mine, "why": "not_yet_watch", "seconds": int(seconds)}
        return {**mine, "why": f"not_yet_{source}"}

    async def take(self, activity: Activity, viewer: Viewer, event: str, sent: BaseModel) -> dict[str, Any]:
        if event != "enter":
            raise Rejected("wrong_kind")
        source = activity.rules["pool"]["source"]
        if source == ENTERS:
            return await self._enter(activity, viewer)
        if source == LISTED:
            number: str = sent.fields.get("number", "").strip()  # type: ignore[attr-defined]
            entry = await self._store.entry(activity.id, number) if number else None
            if entry is None:
                raise Rejected("not_in_list")
            return {"in": True, "ticket": _ticket(entry["line"])}
        return await self.mine(activity, viewer.id) or {}

    async def watched(self, viewer: Viewer) -> None:
        """A heartbeat of somebody whose picture plays."""
        for activity in self.open_of(viewer.event_id):
            pool = activity.rules.get("pool", {}) if activity.kind == self.name else {}
            if pool.get("source") != WATCHES or activity.state is not State.OPEN:
                continue
            running = self._running[activity.id]
            now = self._clock.monotonic()
            before, last = running.watched.get(viewer.id, (0.0, now))
            seconds = before + min(max(now - last, 0.0), BEAT_SECONDS)
            running.watched[viewer.id] = seconds, now
            full = pool["minutes"] * 60
            if before < full <= seconds and self._sources.allows(activity, viewer.id):
                try:
                    await self._enter(activity, viewer)
                except (Busy, Rejected):
                    running.watched[viewer.id] = before, now  # the next heartbeat tries again

    async def _enter(self, activity: Activity, viewer: Viewer) -> dict[str, Any]:
        running = self._running[activity.id]
        if running.entries >= MAX_POOL:
            raise Rejected("pool_too_large")
        entry = self._entry(activity, running, viewer.id, viewer.nickname)

        def settled(outcome: Outcome) -> None:
            if outcome is Outcome.WRITTEN:
                running.entries += 1
                running.changed = True

        await self._commit.insert(entry, settled)
        return {"in": True, "ticket": entry["line"]}

    def _entry(self, activity: Activity, running: _Running, viewer_id: str, nickname: str) -> dict[str, Any]:
        return {
            "_id": f"{activity.id}:{viewer_id}",
            "activity_id": activity.id,
            "line": commitment.ticket(running.salt, viewer_id),
            "name": masking.name(nickname),
            "viewer_id": viewer_id,
            "holder": nickname,
        }


def _rules(activity: Activity) -> dict[str, Any]:
    """What the transcript says of the rules: all of them, the order apart."""
    return {name: value for name, value in activity.rules.items() if name != "order"}


def _ticket(line: str) -> str:
    return line.partition("/")[0]
