"""One room: the only owner of its numbers, its recent comments, its presence and what waits for the next batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from config.clock import rfc3339
from interaction.presence import ALL, Presence
from interaction.store.comments import Comment
from interaction.store.rooms import RoomRecord

RECENT_COMMENTS = 50
"""What a newcomer's snapshot carries: a screen and a bit of scrolling. Clients keep as many."""
SHOW_PER_SECOND = 40
"""More comments than this a second nobody reads; the rest is counted as hidden (the industry's own ceiling)."""
PRESENCE_SECONDS = 2.0
"""Pace of counting and telling viewers: a quiet room sends a batch for it at most this often."""

BatchItem = dict[str, Any]


class Broadcast(Protocol):
    """How a room reaches its sockets."""

    def to_room(self, event_id: str, event: str, payload: object) -> None:
        """The same bytes to every socket of the room, now."""

    def catch_up(self, event_id: str, snapshot: Callable[[], object]) -> None:
        """The snapshot to sockets that were too slow for a batch and can take something again."""


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What `web` says of the event."""

    state: str = "draft"
    moderation: str = "pre"
    anonymous_may: tuple[str, ...] = ("watch", "like")
    cut: bool = False
    venues_on_air: dict[str, bool] = field(default_factory=dict)
    center_id: str = ""
    """Whose words and bans count."""


class Room:
    """Synchronous throughout: every change happens between two awaits of the loop.

    What everybody knows (`snapshot`) is the fold of the batches that were taken, never more and never less, so that
    an old snapshot and the batches behind it give the new snapshot.
    """

    def __init__(
        self,
        event_id: str,
        record: RoomRecord,
        recent: list[Comment],
        rules: RoomRules,
        activities: Sequence[BatchItem] = (),
        likes: Mapping[str, int] | None = None,
        pinned: Comment | None = None,
    ) -> None:
        self.event_id = event_id
        self.record = record
        self.presence = Presence(record)
        self.rules = rules
        self.seq = 0
        self._pending: list[BatchItem] = []
        self._comments_this_second = 0
        self._second = 0
        self._hidden = 0
        self._hearts: dict[str, int] = {}
        """Comments' hearts that changed since the last batch."""
        self._counted_at = float("-inf")
        # what everybody knows
        hearts = likes or {}
        self._recent: deque[BatchItem] = deque(
            (comment_view(comment, hearts.get(comment.id, 0)) for comment in recent), RECENT_COMMENTS
        )
        self._pinned = comment_view(pinned) if pinned is not None else None
        self._event = _event_view(rules)
        self._cut = rules.cut
        self._viewers: dict[str, int] = {ALL: 0}
        self._likes = record.likes
        self._activities: dict[str, BatchItem] = {view["id"]: view for view in activities}
        self._snapshot: dict[str, Any] | None = None

    @property
    def open(self) -> bool:
        return self.rules.state == "live" and not self.rules.cut

    def add_comment(self, comment: Comment, now: float) -> None:
        """A durable comment that is shown, unless nobody could read that many (monotonic `now`)."""
        if int(now) != self._second:
            self._second, self._comments_this_second = int(now), 0
        self._comments_this_second += 1
        if self._comments_this_second > SHOW_PER_SECOND:
            self._hidden += 1
        else:
            self.show_comment(comment)

    def show_comment(self, comment: Comment) -> None:
        """A comment that a person let through: shown however hot the room is."""
        self._pending.append({"type": "comment", **comment_view(comment)})

    def remove_comment(self, comment_id: str) -> None:
        self._pending.append({"type": "comment_removed", "id": comment_id})

    def comment_liked(self, comment_id: str, total: int) -> None:
        """A comment's hearts: published on the tick, as they stand then."""
        self._hearts[comment_id] = total

    def pin(self, comment: Comment | None) -> None:
        """What stands above the list."""
        self._pending.append({"type": "pinned", "comment": comment_view(comment) if comment is not None else None})

    def like(self, count: int) -> None:
        self.record.likes += count
        self.presence.dirty = True

    def activity_changed(self, view: BatchItem) -> None:
        """An activity as everybody may see it now, whatever they saw of it before."""
        self._pending.append({"type": "activity", **view})

    def tallied(self, tallies: Iterable[BatchItem]) -> None:
        """Changed numbers of activities (`tally` items)."""
        self._pending.extend(tallies)

    def announce(self, item: BatchItem) -> None:
        """For those who are here now; the snapshot keeps nothing of it."""
        self._pending.append(item)

    def apply(self, rules: RoomRules) -> bool:
        """New rules; True when the red key changed, which does not wait for the tick."""
        before, self.rules = self.rules, rules
        if before == rules:
            return False
        self._pending.append({"type": "event", **_event_view(rules)})
        if before.cut != rules.cut:
            self._pending.append({"type": "cut", "cut": rules.cut})
            return True
        return False

    def take_batch(self, now: float, utc: float) -> dict[str, Any] | None:
        """The next numbered batch, or None when nothing changed. Monotonic `now`; `utc` in Unix seconds."""
        if now - self._counted_at >= PRESENCE_SECONDS:
            self._counted_at = now
            counts = self.presence.count(now)
            if counts != self._viewers:
                self._pending.append({"type": "presence", "viewers": dict(counts)})
        if self.record.likes != self._likes:
            self._pending.append({"type": "likes", "total": self.record.likes})
        if self._hearts:
            self._pending.append({"type": "comment_likes", "counts": self._hearts})
            self._hearts = {}
        if not self._pending and not self._hidden:
            return None
        items, self._pending = self._pending, []
        hidden, self._hidden = self._hidden, 0
        for item in items:
            self._fold(item)
        self.seq += 1
        self._snapshot = None
        return {"epoch": self.record.epoch, "seq": self.seq, "at": rfc3339(utc), "items": items, "hidden": hidden}

    def _fold(self, item: BatchItem) -> None:
        match item["type"]:
            case "comment":
                comment = _without_type(item)
                self._recent = deque((c for c in self._recent if c["id"] != comment["id"]), RECENT_COMMENTS)
                self._recent.append(comment)
            case "comment_removed":
                self._recent = deque((c for c in self._recent if c["id"] != item["id"]), RECENT_COMMENTS)
            case "comment_likes":
                counts = item["counts"]
                self._recent = deque(
                    ({**c, "likes": counts[c["id"]]} if c["id"] in counts else c for c in self._recent),
                    RECENT_COMMENTS,
                )
            case "pinned":
                self._pinned = item["comment"]
            case "event":
                self._event = _without_type(item)
            case "cut":
                self._cut = item["cut"]
            case "presence":
                self._viewers = item["viewers"]
            case "likes":
                self._likes = item["total"]
            case "activity":
                self._activities[item["id"]] = _without_type(item)
            case "tally" if item["activity_id"] in self._activities:
                activity = self._activities[item["activity_id"]]
                tally = {name: value for name, value in item.items() if name not in ("type", "activity_id")}
                self._activities[activity["id"]] = {**activity, "tally": tally}

    def snapshot(self, utc: float) -> dict[str, Any]:
        """The room after batch `seq`, as a newcomer needs it: the same object until the next batch."""
        if self._snapshot is None:
            self._snapshot = {
                "epoch": self.record.epoch,
                "seq": self.seq,
                "at": rfc3339(utc),
                "event": self._event,
                "cut": self._cut,
                "open": self._event["state"] == "live" and not self._cut,
                "comments": list(self._recent),
                "pinned": self._pinned,
                "viewers": self._viewers,
                "likes": self._likes,
                "activities": list(self._activities.values()),
            }
        return self._snapshot


def _event_view(rules: RoomRules) -> BatchItem:
    return {
        "state": rules.state,
        "moderation": rules.moderation,
        "anonymous_may": list(rules.anonymous_may),
        "venues": dict(rules.venues_on_air),
    }


def _without_type(item: BatchItem) -> BatchItem:
    return {key: value for key, value in item.items() if key != "type"}


def comment_view(comment: Comment, likes: int = 0) -> dict[str, Any]:
    """A comment as everybody may see it."""
    viewer: dict[str, Any] = {"id": comment.viewer_id[:12], "nickname": comment.nickname}
    if comment.avatar is not None:
        viewer["avatar"] = comment.avatar
    return {
        "id": comment.id,
        "text": comment.text,
        "viewer": viewer,
        "at": rfc3339(comment.at),
        "status": comment.status.value,
        "reply_to": comment.reply_to,
        "likes": likes,
    }
