"""Check-ins as the engine sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from config.clock import Clock, rfc3339
from interaction.activities.kind import Facts
from interaction.activity import Activity
from interaction.commit import GroupCommit, Outcome
from interaction.rejected import Rejected
from interaction.store.checkins import CheckinStore, checkin_document
from interaction.viewer import Viewer


class Rewards(Protocol):
    """Points for having been there (`interaction.points.earning`)."""

    async def checked_in(self, center_id: str, viewer: Viewer, activity_id: str) -> None: ...


@dataclass(slots=True)
class _Count:
    total: int = 0
    changed: bool = True


class Checkins:
    """The kind `checkin`: everybody who may watch may check in, once."""

    name = "checkin"
    right: str | None = None

    def __init__(self, store: CheckinStore, commit: GroupCommit, clock: Clock, rewards: Rewards) -> None:
        self._store = store
        self._commit = commit
        self._clock = clock
        self._rewards = rewards
        self._counts: dict[str, _Count] = {}

    async def ensure_indexes(self) -> None:
        await self._store.ensure_indexes()

    async def load(self, activity: Activity) -> None:
        self._counts[activity.id] = _Count(await self._store.count(activity.id))

    def forget(self, activity_id: str) -> None:
        self._counts.pop(activity_id, None)

    async def opening(self, activity: Activity) -> Facts:
        self._counts[activity.id] = _Count()
        return {}

    async def closing(self, activity: Activity) -> Facts:
        await self.load(activity)
        return {"total": self._counts[activity.id].total}

    async def settling(self, activity: Activity, command: Facts) -> Facts:
        return {"total": await self._store.count(activity.id)}

    async def voiding(self, activity: Activity) -> None:
        """Lines stay; points that were given stay too."""

    def view(self, activity: Activity) -> dict[str, Any]:
        count = self._counts.get(activity.id)
        return {"tally": {"total": count.total if count is not None else 0}}

    def tally(self, activity: Activity) -> dict[str, Any] | None:
        count = self._counts.get(activity.id)
        if count is None or not count.changed:
            return None
        count.changed = False
        return {"total": count.total}

    async def results(self, activity: Activity) -> dict[str, Any]:
        return {"total": await self._store.count(activity.id)}

    async def mine(self, activity: Activity, viewer_id: str) -> dict[str, Any] | None:
        at = await self._store.of_viewer(activity.id, viewer_id)
        return {"at": rfc3339(at)} if at is not None else None

    async def take(self, activity: Activity, viewer: Viewer, event: str, sent: BaseModel) -> dict[str, Any]:
        if event != "checkin":
            raise Rejected("wrong_kind")
        now = self._clock.utc()
        document = checkin_document(activity.id, viewer.id, viewer.nickname, now)
        outcome = await self._commit.insert(document, lambda settled: self._settled(activity.id, settled))
        await self._rewards.checked_in(activity.center_id, viewer, activity.id)
        if outcome is Outcome.WRITTEN:
            return {"at": rfc3339(now)}
        return {"at": rfc3339(await self._store.of_viewer(activity.id, viewer.id) or now), "repeated": True}

    def _settled(self, activity_id: str, outcome: Outcome) -> None:
        count = self._counts.get(activity_id)
        if count is not None and outcome is Outcome.WRITTEN:
            count.total += 1
            count.changed = True
