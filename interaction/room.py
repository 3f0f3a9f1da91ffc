"""One room: the only owner of its numbers, its recent comments, its presence and what waits for the next batch."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from interaction.presence import ALL, Presence
from interaction.store.comments import Comment, Status
from interaction.store.rooms import RoomRecord

RECENT_COMMENTS = 50
"""What a newcomer's snapshot carries: a screen and a bit of scrolling."""
SHOW_PER_SECOND = 40
"""More comments than this a second nobody reads; the rest is counted as hidden (the industry's own ceiling)."""

BatchItem = dict[str, Any]


class Broadcast(Protocol):
    """How a room reaches its sockets."""

    def to_room(self, event_id: str, event: str, payload: object) -> None:
        """The same bytes to every socket of the room, now."""


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What `web` says of the event."""

    state: str = "draft"
    moderation: str = "pre"
    anonymous_may: tuple[str, ...] = ("watch", "like")
    cut: bool = False
    venues_on_air: dict[str, bool] = field(default_factory=dict)


class Room:
    """Synchronous throughout: every change happens between two awaits of the loop."""

    def __init__(self, event_id: str, record: RoomRecord, recent: list[Comment], rules: RoomRules) -> None:
        self.event_id = event_id
        self.record = record
        self.presence = Presence(record)
        self.rules = rules
        self.seq = 0
        self._recent: deque[Comment] = deque(recent, RECENT_COMMENTS)
        self._pending: list[BatchItem] = []
        self._comments_this_second = 0
        self._second = 0
        self._hidden = 0
        self._told: dict[str, int] = {}
        self._likes_told = record.likes

    @property
    def open(self) -> bool:
        return self.rules.state == "live" and not self.rules.cut

    def add_comment(self, comment: Comment, now: float) -> None:
        """A durable comment that is shown."""
        self._recent.append(comment)
        if int(now) != self._second:
            self._second, self._comments_this_second = int(now), 0
        self._comments_this_second += 1
        if self._comments_this_second > SHOW_PER_SECOND:
            self._hidden += 1
        else:
            self._pending.append({"type": "comment", **comment_view(comment)})

    def remove_comment(self, comment_id: str) -> None:
        self._recent = deque((c for c in self._recent if c.id != comment_id), RECENT_COMMENTS)
        self._pending.append({"type": "comment_removed", "id": comment_id})

    def like(self, count: int) -> None:
        self.record.likes += count
        self.presence.dirty = True

    def apply(self, rules: RoomRules) -> bool:
        """New rules; True when the red key changed, which does not wait for the tick."""
        before, self.rules = self.rules, rules
        if before == rules:
            return False
        self._pending.append(self._event_item())
        if before.cut != rules.cut:
            self._pending.append({"type": "cut", "cut": rules.cut})
            return True
        return False

    def _event_item(self) -> BatchItem:
        rules = self.rules
        return {
            "type": "event",
            "state": rules.state,
            "moderation": rules.moderation,
            "anonymous_may": list(rules.anonymous_may),
            "venues": dict(rules.venues_on_air),
        }

    def take_batch(self, now: float, utc: str) -> dict[str, Any] | None:
        """The next numbered batch, or None when nothing changed."""
        counts = self.presence.count(now)
        if counts != self._told:
            self._told = dict(counts)
            self._pending.append({"type": "presence", "viewers": counts})
        if self.record.likes != self._likes_told:
            self._likes_told = self.record.likes
            self._pending.append({"type": "likes", "total": self.record.likes})
        if not self._pending and not self._hidden:
            return None
        items, self._pending = self._pending, []
        hidden, self._hidden = self._hidden, 0
        self.seq += 1
        return {"epoch": self.record.epoch, "seq": self.seq, "at": utc, "items": items, "hidden": hidden}

    def snapshot(self, utc: str) -> dict[str, Any]:
        """The room as a newcomer needs it. Batches with a higher `seq` follow without a hole."""
        # What waits for the tick is in `_recent` already and comes again in the next batch: clients know ids.
        return {
            "epoch": self.record.epoch,
            "seq": self.seq,
            "at": utc,
            "event": {key: value for key, value in self._event_item().items() if key != "type"},
            "cut": self.rules.cut,
            "open": self.open,
            "comments": [comment_view(comment) for comment in self._recent],
            "viewers": dict(self._told) or {ALL: 0},
            "likes": self.record.likes,
        }


def comment_view(comment: Comment) -> dict[str, Any]:
    """A comment as everybody may see it."""
    return {
        "id": comment.id,
        "text": comment.text,
        "viewer": {"id": comment.viewer_id[:12], "nickname": comment.nickname},
        "at": round(comment.at * 1000) / 1000,
        "status": Status.SHOWN.value if comment.status is Status.SHOWN else comment.status.value,
        "reply_to": comment.reply_to,
    }
