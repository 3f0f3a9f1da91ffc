"""Points of those who are in a room: their event's center pays, and they are told on every screen of theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from interaction.points.earning import Earning
from interaction.points.mall import Mall
from interaction.rejected import Rejected
from interaction.store.mall import Order
from interaction.viewer import Viewer

CenterOf = Callable[[str], Awaitable[str | None]]


class RoomPoints:
    def __init__(self, earning: Earning, mall: Mall, center_of: CenterOf) -> None:
        self._earning = earning
        self._mall = mall
        self._center_of = center_of
        self._centers: dict[str, str] = {}
        """An event never changes its center."""

    async def commented(self, viewer: Viewer, comment_id: str) -> None:
        center_id = await self._center(viewer.event_id)
        if center_id is not None:
            await self._earning.commented(center_id, viewer, comment_id)

    async def watched(self, viewer: Viewer) -> None:
        center_id = await self._center(viewer.event_id)
        if center_id is not None:
            await self._earning.watched(center_id, viewer)

    async def redeem(self, viewer: Viewer, item_id: str, request_id: str) -> tuple[Order, int]:
        """The order and the balance behind it. Raises Rejected, Busy."""
        center_id = await self._center(viewer.event_id)
        if center_id is None:
            raise Rejected("no_such_item")
        order = await self._mall.redeem(center_id, viewer, item_id, request_id)
        return order, await self._mall.balance(center_id, viewer.id)

    async def _center(self, event_id: str) -> str | None:
        if event_id not in self._centers:
            found = await self._center_of(event_id)
            if found is None:
                return None
            self._centers[event_id] = found
        return self._centers[event_id]
