"""What a kind of activity has to know: the seam between the engine and the rules of votes, quizzes and the rest."""

from __future__ import annotations

from typing import Any, Protocol

from pydantic import BaseModel

from interaction.activity import Activity
from interaction.viewer import Viewer

Facts = dict[str, Any]


class Kind(Protocol):
    """One kind's rules, its collections, and its state in memory.

    Methods without `async` change or read memory only. Those that refuse raise `Rejected`.
    """

    name: str
    right: str | None
    """Out of an event's `anonymous_may`; None lets everybody who may watch."""

    async def ensure_indexes(self) -> None: ...

    async def load(self, activity: Activity) -> None:
        """Rebuild memory from MongoDB: the room opens, or another process takes over."""

    def forget(self, activity_id: str) -> None:
        """The room closed; memory may go."""

    async def opening(self, activity: Activity) -> Facts:
        """Facts to freeze. Refuses what may not open."""

    async def closing(self, activity: Activity) -> Facts:
        """Facts at the close; whatever was under way has been answered."""

    async def settling(self, activity: Activity, command: Facts) -> Facts:
        """Facts of the result; `command` is what the crew said with it."""

    async def voiding(self, activity: Activity) -> None: ...

    def view(self, activity: Activity) -> dict[str, Any]:
        """What every viewer may see, beside id, kind, title, state and times."""

    def tally(self, activity: Activity) -> dict[str, Any] | None:
        """Numbers that everybody may see and that changed since the last tick; None when none did."""

    async def results(self, activity: Activity) -> dict[str, Any]:
        """What the crew sees."""

    async def mine(self, activity: Activity, viewer_id: str) -> dict[str, Any] | None:
        """What this viewer did."""

    async def take(self, activity: Activity, viewer: Viewer, event: str, sent: BaseModel) -> dict[str, Any]:
        """Something a viewer did, while open; the acknowledgement's fields, once it is durable."""
