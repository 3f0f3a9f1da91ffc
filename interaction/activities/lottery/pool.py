"""Who is in: by what a viewer did, or by a list from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from config.clock import Clock
from interaction.activity import Activity
from interaction.rejected import Rejected

FRESH_SECONDS = 5.0
"""How old the answer to "am I in?" may be while the pool still grows; the pool itself is read anew at the close."""

Gather = Callable[[Activity], Awaitable[Mapping[str, str]]]
"""Nicknames (or nothing) by viewer id."""

ENTERS, WATCHES, LISTED = "enter", "watch", "import"


@dataclass(slots=True)
class _Known:
    at: float
    viewers: Mapping[str, str]


class Sources:
    """The sources that look back at what viewers did; each is a function of the composition root's."""

    def __init__(self, gather: Mapping[str, Gather], may: Callable[[str, str], bool], clock: Clock) -> None:
        self._gather = gather
        self._may = may
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def looks_back(self, activity: Activity) -> bool:
        return activity.rules["pool"]["source"] in self._gather

    def allows(self, activity: Activity, viewer_id: str) -> bool:
        """To win takes an account, unless the event says otherwise."""
        return not viewer_id.startswith("d") or self._may(activity.event_id, "enter")

    async def viewers(self, activity: Activity) -> Mapping[str, str]:
        """Everybody who did it and may win."""
        source = self._gather.get(activity.rules["pool"]["source"])
        if source is None:
            raise Rejected("no_such_pool")
        found = await source(activity)
        return {viewer: name for viewer, name in found.items() if self.allows(activity, viewer)}

    async def has(self, activity: Activity, viewer_id: str) -> bool:
        now, known = self._clock.monotonic(), self._known.get(activity.id)
        if known is None or now - known.at > FRESH_SECONDS:
            known = self._known[activity.id] = _Known(now, await self.viewers(activity))
        return viewer_id in known.viewers

    def forget(self, activity_id: str) -> None:
        self._known.pop(activity_id, None)
