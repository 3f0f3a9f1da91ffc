"""The talk of all rooms of this process: comments taken exactly once, reviewed, liked, pinned, removed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from config.clock import Clock
from config.mongodb import Database
from interaction.comments.pace import LIKE_BURST, LIKES_PER_SECOND, Pace, Voice
from interaction.comments.text import clean
from interaction.commit import Busy, GroupCommit, Outcome
from interaction.moderation.guard import Guard
from interaction.moderation.matcher import Folded
from interaction.rejected import Rejected
from interaction.room import RoomRules
from interaction.store.comments import Comment, CommentStore, Status, comment_id, like_document, to_document
from interaction.store.journal import Act, Journal
from interaction.store.sanctions import Kind, Sanction, sanction_id
from interaction.store.talk_rules import TalkRules
from interaction.viewer import Viewer

MAX_VOICES = 200_000
"""Viewers remembered before the idle ones are forgotten; 400 bytes each."""
MAX_UNKNOWN = 5_000
MAX_RECENT = 20_000
"""Comments that a repeat finds without asking MongoDB: some 20 s of the busiest rooms."""
MAX_REMOVED_WITH_SENDER = 500
"""Comments that go with their sender's sanction."""


class TalkRoom(Protocol):
    """What is needed of a room (`interaction.room.Room`)."""

    event_id: str
    rules: RoomRules

    @property
    def open(self) -> bool: ...

    def add_comment(self, comment: Comment, now: float) -> None: ...

    def show_comment(self, comment: Comment) -> None: ...

    def remove_comment(self, comment_id: str) -> None: ...

    def comment_liked(self, comment_id: str, total: int) -> None: ...

    def pin(self, comment: Comment | None) -> None: ...


class Talk:
    """`start` and `close` frame its writers; rooms are passed in, since they come and go."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.store = CommentStore(database)
        self.guard = Guard(database, clock)
        self.journal = Journal(database)
        self._clock = clock
        self._commit = GroupCommit(self.store.collection)
        self._like_commit = GroupCommit(self.store.likes)
        self._voices: dict[tuple[str, str], Voice] = {}
        self._like_paces: dict[str, Pace] = {}
        self._likes: dict[str, int] = {}
        """Hearts of comments that got one here."""
        self._recent: OrderedDict[str, Comment] = OrderedDict()
        self._under_way: dict[str, asyncio.Future[Comment]] = {}
        self._unknown: dict[str, Comment] = {}
        """Comments whose commit was not answered: a repeat that finds them there shows them."""

    async def ensure_indexes(self) -> None:
        await self.store.ensure_indexes()
        await self.guard.ensure_indexes()
        await self.journal.ensure_indexes()

    async def start(self) -> None:
        await self.guard.start()
        self._commit.start()
        self._like_commit.start()

    async def close(self) -> None:
        await self._commit.close()
        await self._like_commit.close()
        await self.guard.close()

    # --- what viewers do ---

    async def say(self, room: TalkRoom, viewer: Viewer, text: str, client_id: str, reply_to: str | None) -> Comment:
        """Take a comment; returns once it is durable. Raises Rejected, Busy.

        The same `client_id` again is answered as the first time, before any rule is asked.
        """
        id_ = comment_id(room.event_id, viewer.id, client_id)
        recent = self._recent.get(id_)
        if recent is not None:
            return recent
        under_way = self._under_way.get(id_)
        if under_way is not None:
            return await asyncio.shield(under_way)
        future = self._under_way[id_] = asyncio.get_running_loop().create_future()
        try:
            comment = await self._say(room, viewer, id_, text, reply_to)
        except BaseException as error:
            future.set_exception(error if isinstance(error, Exception) else Busy(1.0))
            future.exception()  # nobody else may have waited
            raise
        else:
            future.set_result(comment)
            return comment
        finally:
            del self._under_way[id_]

    async def _say(self, room: TalkRoom, viewer: Viewer, id_: str, text: str, reply_to: str | None) -> Comment:
        unanswered = self._unknown.get(id_)
        if unanswered is not None:
            return await self._keep(room, unanswered)
        kept = clean(text)
        folded = Folded(kept)
        words = folded.seen or kept
        now = self._clock.monotonic()
        voice = self._voice(room.event_id, viewer.id, now)
        center_id = room.rules.center_id
        spoken = False
        try:
            if not room.open:
                raise Rejected("cut" if room.rules.cut else "room_closed")
            if viewer.anonymous and "comment" not in room.rules.anonymous_may:
                raise Rejected("sign_in_to_comment")
            self.guard.check_viewer(center_id, room.event_id, viewer.id)
            judged = self.guard.judge(center_id, room.event_id, folded)
            voice.speak(words, now, self.guard.event_rules(room.event_id).slow_seconds)
            spoken = True
            held_for = judged.held_for
            if room.rules.moderation != "pre" and not held_for:
                question = {"id": id_, "event_id": room.event_id, "viewer": viewer.id, "nickname": viewer.nickname}
                held_for = (await self.guard.ask_outside(center_id, {**question, "text": kept})).held_for
                # a review takes seconds: the red key or a sanction may have come meanwhile
                if not room.open:
                    raise Rejected("cut" if room.rules.cut else "room_closed")
                self.guard.check_viewer(center_id, room.event_id, viewer.id)
            if reply_to is not None and not await self._may_be_answered(room.event_id, reply_to):
                reply_to = None  # what it answered is gone, or never was here: the words stand for themselves
        except Rejected:
            if spoken:
                voice.unsay(words)
            # a repeat of what is there already is no new comment, whatever the rules say now
            existing = await self.store.get(id_)
            if existing is not None:
                return existing
            raise
        status = Status.HELD if room.rules.moderation == "pre" or held_for else Status.SHOWN
        at = self._clock.utc()
        comment = Comment(
            id_, room.event_id, viewer.id, viewer.nickname, kept, at, status, reply_to, viewer.avatar, held_for
        )
        try:
            return await self._keep(room, comment)
        except Busy:
            voice.unsay(words)
            raise

    async def _keep(self, room: TalkRoom, comment: Comment) -> Comment:
        outcome = await self._commit.insert(to_document(comment), lambda settled: self._settled(room, comment, settled))
        if outcome is Outcome.ALREADY_THERE:
            return await self.store.get(comment.id) or comment
        return comment

    def _settled(self, room: TalkRoom, comment: Comment, outcome: Outcome) -> None:
        """A comment's write is over, whether or not its sender still waits."""
        if outcome is Outcome.UNKNOWN:
            if len(self._unknown) < MAX_UNKNOWN:
                self._unknown[comment.id] = comment
            return
        unseen = self._unknown.pop(comment.id, None)
        shown = comment if outcome is Outcome.WRITTEN else unseen
        if shown is None:
            return
        self._recent[shown.id] = shown
        if len(self._recent) > MAX_RECENT:
            self._recent.popitem(last=False)
        if shown.status is Status.SHOWN:
            room.add_comment(shown, self._clock.monotonic())

    async def _may_be_answered(self, event_id: str, comment_id_: str) -> bool:
        comment = self._recent.get(comment_id_) or await self.store.get(comment_id_)
        return comment is not None and comment.event_id == event_id and comment.status is Status.SHOWN

    def _voice(self, event_id: str, viewer_id: str, now: float) -> Voice:
        key = (event_id, viewer_id)
        voice = self._voices.get(key)
        if voice is None:
            if len(self._voices) >= MAX_VOICES:
                self._voices = {known: kept for known, kept in self._voices.items() if not kept.idle(now)}
            if len(self._voices) >= MAX_VOICES:
                self._voices.clear()  # so many in five minutes are no audience; looking through them each time is worse
            voice = self._voices[key] = Voice(Pace(at=now))
        return voice

    async def like(self, room: TalkRoom, viewer: Viewer, comment_id_: str) -> int:
        """A heart on a comment, one of each viewer; how many it has. Raises Rejected, Busy."""
        if not room.open:
            raise Rejected("cut" if room.rules.cut else "room_closed")
        if viewer.anonymous and "like" not in room.rules.anonymous_may:
            raise Rejected("sign_in_to_like")
        now = self._clock.monotonic()
        if len(self._like_paces) >= MAX_VOICES:
            self._like_paces = {known: pace for known, pace in self._like_paces.items() if not pace.full(now)}
            if len(self._like_paces) >= MAX_VOICES:
                self._like_paces.clear()
        pace = self._like_paces.setdefault(viewer.id, Pace(now, LIKE_BURST, LIKES_PER_SECOND))
        pace.charge(now)
        if not await self._may_be_answered(room.event_id, comment_id_):
            raise Rejected("no_such_comment")
        if comment_id_ not in self._likes:
            if len(self._likes) >= MAX_RECENT:
                self._likes.clear()
            counted = (await self.store.likes_of([comment_id_])).get(comment_id_, 0)
            self._likes.setdefault(comment_id_, counted)
        document = like_document(comment_id_, viewer.id, self._clock.utc())
        await self._like_commit.insert(document, lambda outcome: self._liked(room, comment_id_, outcome))
        return self._likes.get(comment_id_, 1)

    def _liked(self, room: TalkRoom, comment_id_: str, outcome: Outcome) -> None:
        if outcome is Outcome.WRITTEN and comment_id_ in self._likes:
            self._likes[comment_id_] += 1
            room.comment_liked(comment_id_, self._likes[comment_id_])

    # --- what moderators do ---

    async def review(
        self, room: TalkRoom, ids: Sequence[str], *, approve: bool, by: str, reason: str = ""
    ) -> list[Comment]:
        """Let held comments through, or take comments away; those that changed."""
        status = Status.SHOWN if approve else Status.REMOVED
        changed = await self.store.set_status(room.event_id, ids, status, by, self._clock.utc(), reason or None)
        for comment in changed:
            self._recent.pop(comment.id, None)
            if approve:
                room.show_comment(comment)
            else:
                room.remove_comment(comment.id)
        if changed:
            await self._note(room, "approve" if approve else "remove", by, ",".join(c.id for c in changed), reason)
        pinned = self.guard.event_rules(room.event_id).pinned
        if not approve and any(comment.id == pinned for comment in changed):
            await self.pin(room, None, by)
        return changed

    async def pin(self, room: TalkRoom, comment_id_: str | None, by: str) -> Comment | None:
        """Stand a shown comment above the list, or none. Raises Rejected `no_such_comment`."""
        comment = None
        if comment_id_ is not None:
            comment = await self.store.get(comment_id_)
            if comment is None or comment.event_id != room.event_id or comment.status is not Status.SHOWN:
                raise Rejected("no_such_comment")
        await self._set_rules(room.event_id, {"pinned": comment_id_})
        room.pin(comment)
        await self._note(room, "pin" if comment else "unpin", by, comment_id_ or "")
        return comment

    async def change_rules(self, room: TalkRoom, changes: dict[str, object], by: str) -> TalkRules:
        """Pace and links of an event, live."""
        rules = await self._set_rules(room.event_id, changes)
        await self._note(room, "rules", by, " ".join(f"{name}={value}" for name, value in changes.items()))
        return rules

    async def _set_rules(self, event_id: str, changes: dict[str, object]) -> TalkRules:
        rules = await self.guard.rules.set_event(event_id, changes, self._clock.utc())
        self.guard.learn_rules(event_id, rules)
        return rules

    async def sanction(
        self,
        room: TalkRoom,
        comment_id_: str,
        kind: Kind,
        *,
        minutes: float | None,
        reason: str,
        by: str,
        remove_comments: bool,
    ) -> Sanction:
        """Silence whoever said this. Raises Rejected `no_such_comment`."""
        comment = await self.store.get(comment_id_)
        if comment is None or comment.event_id != room.event_id:
            raise Rejected("no_such_comment")
        now = self._clock.utc()
        scope = room.event_id if kind is Kind.MUTE else room.rules.center_id
        sanction = Sanction(
            id=sanction_id(scope, comment.viewer_id, kind),
            center_id=room.rules.center_id,
            event_id=room.event_id,
            viewer_id=comment.viewer_id,
            nickname=comment.nickname,
            kind=kind,
            until=now + minutes * 60 if minutes is not None else None,
            reason=reason,
            by=by,
            at=now,
        )
        await self.guard.sanctions.put(sanction)
        self.guard.apply(sanction)
        await self._note(room, kind.value, by, sanction.id, reason)
        if remove_comments:
            ids = await self.store.of_viewer(room.event_id, comment.viewer_id, MAX_REMOVED_WITH_SENDER)
            await self.review(room, ids, approve=False, by=by, reason=reason)
        return sanction

    async def lift(self, room: TalkRoom, sanction_id_: str, by: str) -> Sanction:
        """Let somebody speak again. Raises Rejected `no_such_sanction`."""
        lifted = await self.guard.sanctions.lift(room.rules.center_id, sanction_id_, by, self._clock.utc())
        if lifted is None:
            raise Rejected("no_such_sanction")
        self.guard.apply(lifted)
        await self._note(room, "lift", by, lifted.id)
        return lifted

    async def _note(self, room: TalkRoom, act: str, by: str, target: str, reason: str = "") -> None:
        await self.journal.write(room.event_id, Act(act, by, self._clock.utc(), target[:4000], reason))
