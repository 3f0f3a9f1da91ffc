"""One room: the only owner of its numbers, its recent comments, its presence and what waits for the next batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from config.clock import rfc3339
from interaction.ladder import LADDER, Level
from interaction.presence import ALL, Presence
from interaction.sampling import Sample
from interaction.store.comments import Comment
from interaction.store.rooms import RoomRecord

RECENT_COMMENTS = 50
"""What a newcomer's snapshot carries: a screen and a bit of scrolling. Clients keep as many."""
PRESENCE_SECONDS = 2.0
"""Pace of counting and telling viewers: a quiet room sends a batch for it at most this often."""

BatchItem = dict[str, Any]


class Broadcast(Protocol):
    """How a room reaches its sockets."""

    def to_room(self, event_id: str, event: str, payload: object) -> None:
        """The same bytes to every socket of the room, now."""

    def catch_up(self, event_id: str, snapshot: Callable[[], object]) -> None:
        """The snapshot to sockets that were too slow for a batch and can take something again."""

    def personal(self, event_id: str, viewer_id: str, payload: object) -> None:
        """To every socket of one viewer, and to nobody else."""

    def behind(self, event_id: str) -> float:
        """The share of the room's sockets that are too slow."""

    async def close_room(self, event_id: str) -> None:
        """Every socket of the room is closed; their pages come back by themselves."""


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
        self.level = LADDER[0]
        self._sample = Sample()
        self._hidden = 0
        self._unseen: list[Comment] = []
        """Hidden since the last batch: their writers see them all the same."""
        self._waiting: deque[BatchItem] = deque()
        """Comments that only pages which poll have seen: the level sends none over the sockets."""
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
        self._level = self.level.name
        self._viewers: dict[str, int] = {ALL: 0}
        self._likes = record.likes
        self._activities: dict[str, BatchItem] = {view["id"]: view for view in activities}
        self._snapshot: dict[str, Any] | None = None
        self._polled: tuple[tuple[int, int, int], dict[str, Any]] | None = None

    @property
    def open(self) -> bool:
        return self.rules.state == "live" and not self.rules.cut

    def add_comment(self, comment: Comment, now: float) -> None:
        """A durable comment that is shown, unless nobody could read that many (monotonic `now`)."""
        self._sample.offer(comment)

    def show_comment(self, comment: Comment) -> None:
        """A comment that a person let through: shown however hot the room is."""
        self._pending.append({"type": "comment", **comment_view(comment)})

    def remove_comment(self, comment_id: str) -> None:
        self._sample.withdraw(comment_id)
        self._pending = [i for i in self._pending if not (i["type"] == "comment" and i["id"] == comment_id)]
        self._waiting = deque(comment for comment in self._waiting if comment["id"] != comment_id)
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

    def degrade(self, level: Level) -> None:
        """Another level of the ladder; everybody is told with the next batch."""
        self.level = level
        self._pending.append({"type": "level", "level": level.name})

    def take_unseen(self) -> list[Comment]:
        """Comments that the last batch hid."""
        unseen, self._unseen = self._unseen, []
        return unseen

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
        self._choose_comments(now)
        self._count(now)
        if not self._pending and not self._hidden:
            return None
        items, self._pending = self._pending, []
        hidden, self._hidden = self._hidden, 0
        for item in items:
            self._fold(item)
        self.seq += 1
        self._snapshot = None
        return {"epoch": self.record.epoch, "seq": self.seq, "at": rfc3339(utc), "items": items, "hidden": hidden}

    def _choose_comments(self, now: float) -> None:
        shown, hidden = self._sample.take(now)
        if not self.level.comments:
            shown, hidden = [], shown + hidden
        self._hidden += len(hidden)
        self._unseen += hidden
        self._waiting.extend(comment_view(comment) for comment in shown)
        while len(self._waiting) > RECENT_COMMENTS:
            self._waiting.popleft()
            self._hidden += 1
        if self.level.chatter:
            self._pending.extend({"type": "comment", **comment} for comment in self._waiting)
            self._waiting.clear()

    def _count(self, now: float) -> None:
        """What changed of presence, likes and hearts."""
        if now - self._counted_at >= PRESENCE_SECONDS:
            self._counted_at = now
            self.presence.count(now)
        if not self.level.chatter:
            return
        if self.presence.counts != self._viewers:
            self._pending.append({"type": "presence", "viewers": dict(self.presence.counts)})
        if self.record.likes != self._likes:
            self._pending.append({"type": "likes", "total": self.record.likes})
        if self._hearts:
            self._pending.append({"type": "comment_likes", "counts": self._hearts})
            self._hearts = {}

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
            case "level":
                self._level = item["level"]
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
                "level": self._level,
                "open": self._event["state"] == "live" and not self._cut,
                "comments": list(self._recent),
                "pinned": self._pinned,
                "viewers": self._viewers,
                "likes": self._likes,
                "activities": list(self._activities.values()),
            }
        return self._snapshot

    def polled(self, now: float, utc: float) -> dict[str, Any]:
        """What a page that polls gets: the snapshot, and on a level without chatter also what waits for a better one.

        A comment in it that comes by a later batch has the same id.
        """
        if self.level.chatter:
            return self.snapshot(utc)
        if self._polled is None or self._polled[0] != (self.seq, len(self._waiting), int(now)):
            comments = [*self.snapshot(utc)["comments"], *self._waiting][-RECENT_COMMENTS:]
            fresh = {"comments": comments, "viewers": self.presence.counts, "likes": self.record.likes}
            self._polled = (self.seq, len(self._waiting), int(now)), {**self.snapshot(utc), **fresh}
        return self._polled[1]


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
