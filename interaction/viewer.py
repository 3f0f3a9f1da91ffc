"""Who acts in a room, as the rooms see them; `web.realtime.viewers` makes them from a token."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Viewer:
    id: str
    """`d…` a device, `u…` an account of the county's app: the same on every device."""
    event_id: str
    nickname: str
    anonymous: bool
    avatar: str | None = None
    phone_verified: bool = False
    joined_at: float = 0.0
    """When this identity joined, in Unix seconds."""
    address: str = ""
    """Where the socket came from. Thousands of phones share one: it is a hint, never a reason by itself."""
