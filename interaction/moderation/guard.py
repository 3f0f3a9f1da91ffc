"""What this process knows of words, sanctions and pace rules; re-read from MongoDB as others change them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import structlog
from pymongo.errors import PyMongoError

from config.clock import Clock
from config.mongodb import Database
from interaction.moderation.matcher import Folded, Hit, Matcher
from interaction.moderation.provider import Provider, Verdict
from interaction.moderation.words import Ear, Level, Word
from interaction.rejected import Rejected
from interaction.store.sanctions import Kind, Sanction, SanctionStore
from interaction.store.talk_rules import OutsideReview, TalkRules, TalkRulesStore
from interaction.store.words import PLATFORM, Row, WordStore

REFRESH_SECONDS = 1.0
"""How soon another process's sanction, word or rule is known here; three seconds are promised."""
OVERLAP_SECONDS = 30.0
"""Clocks of two machines differ by less; what is read twice is the same."""
SLOW_READ_SECONDS = 5.0

_LINK = re.compile(
    r"https?://|www\.|t\.me/|[a-z0-9-]+\.(?:com|cn|net|org|top|xyz|vip|cc|me|io|ru|info|shop|site|club)(?![a-z])", re.I
)
_NUMBER = re.compile(r"[0-9零〇一二两三四五六七八九壹贰叁肆伍陆柒捌玖]{9,}")
"""Telephones and accounts in figures or hanzi, spaces and dashes aside; a date has eight digits at most."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    """Why a comment has to wait for a person; empty when nothing speaks against it."""

    held_for: tuple[str, ...] = ()


class Guard:
    """`start` reads everything once and then what changed; `close` ends that."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.words = WordStore(database)
        self.sanctions = SanctionStore(database)
        self.rules = TalkRulesStore(database)
        self._clock = clock
        self._provider = Provider(clock.monotonic)
        self._matchers: dict[str, tuple[int, Matcher]] = {}
        self._sanctions: dict[tuple[str, str], dict[Kind, Sanction]] = {}
        """By scope and viewer."""
        self._event_rules: dict[str, TalkRules] = {}
        self._reviews: dict[str, OutsideReview] = {}
        self._read_until = 0.0
        self._task: asyncio.Task[None] | None = None

    async def ensure_indexes(self) -> None:
        await self.sanctions.ensure_indexes()
        await self.rules.ensure_indexes()

    async def start(self) -> None:
        await self.refresh()
        self._task = asyncio.get_running_loop().create_task(self._keep_up())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._provider.close()

    async def _keep_up(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                async with asyncio.timeout(SLOW_READ_SECONDS):
                    await self.refresh()
                failing = False
            except (PyMongoError, TimeoutError) as error:
                if not failing:
                    log.warning("words and sanctions cannot be read", error=str(error)[:200])
                failing = True
            except Exception:
                log.exception("words and sanctions cannot be read")

    async def refresh(self) -> None:
        """Take over what changed since the last time."""
        since, now = self._read_until - OVERLAP_SECONDS, self._clock.utc()
        for sanction in await self.sanctions.changed_since(since):
            self.apply(sanction)
        events, centers = await self.rules.changed_since(since)
        self._event_rules |= events
        self._reviews |= centers
        versions = await self.words.versions()
        for owner, version in versions.items():
            if self._matchers.get(owner, (0, None))[0] != version:
                await self._compile(owner)
        self._read_until = now

    async def _compile(self, owner: str) -> None:
        version, rows = await self.words.rows(owner)
        matcher = await asyncio.to_thread(Matcher, [from_row(row) for row in rows])
        self._matchers[owner] = (version, matcher)

    # --- what is known ---

    def event_rules(self, event_id: str) -> TalkRules:
        return self._event_rules.get(event_id, TalkRules())

    def learn_rules(self, event_id: str, rules: TalkRules) -> None:
        """Changed here: counts at once."""
        self._event_rules[event_id] = rules

    def learn_review(self, center_id: str, review: OutsideReview) -> None:
        self._reviews[center_id] = review

    def apply(self, sanction: Sanction) -> None:
        """A sanction given or lifted, here or elsewhere: counts at once."""
        key = (sanction.scope, sanction.viewer_id)
        standing = self._sanctions.setdefault(key, {})
        if sanction.lifted_at is None:
            standing[sanction.kind] = sanction
            return
        standing.pop(sanction.kind, None)
        if not standing:
            del self._sanctions[key]

    def check_viewer(self, center_id: str, event_id: str, viewer_id: str) -> None:
        """Raises Rejected `banned` or `muted_for_good`, or `banned_until` or `muted` with the wait."""
        now = self._clock.utc()
        for scope, for_good, for_now in (
            (center_id, "banned", "banned_until"),
            (event_id, "muted_for_good", "muted"),
        ):
            for sanction in self._sanctions.get((scope, viewer_id), {}).values():
                if sanction.until is None:
                    raise Rejected(for_good)
                if sanction.until > now:
                    raise Rejected(for_now, round(sanction.until - now, 1))

    # --- what is judged ---

    def check_words(self, center_id: str, folded: Folded) -> list[Hit]:
        """Listed words of the platform and the center. Raises Rejected `refused_words`."""
        hits: list[Hit] = []
        for owner in (PLATFORM, center_id):
            known = self._matchers.get(owner)
            if known is not None:
                hits += known[1].find(folded)
        if any(hit.level is Level.REFUSE for hit in hits):
            raise Rejected("refused_words")
        return hits

    def judge(self, center_id: str, event_id: str, folded: Folded) -> Judged:
        """Words and links, in this process alone. Raises Rejected `refused_words`."""
        reasons = [f"word:{hit.word}" for hit in self.check_words(center_id, folded)]
        if self.event_rules(event_id).hold_links and (_LINK.search(folded.text) or _NUMBER.search(folded.seen)):
            reasons.append("rule:link")
        return Judged(tuple(reasons))

    async def ask_outside(self, center_id: str, question: dict[str, str]) -> Judged:
        """The center's outside review, where there is one. Raises Rejected `refused_words`."""
        review = self._reviews.get(center_id)
        if review is None or review.url is None:
            return Judged()
        opinion = await self._provider.ask(review, {**question, "center_id": center_id})
        if opinion.verdict is Verdict.REFUSE:
            raise Rejected("refused_words")
        return Judged((f"review:{opinion.reason}",)) if opinion.verdict is Verdict.HOLD else Judged()


def from_row(row: Row) -> Word:
    return Word(row[0], Level(row[1]), Ear(row[2]), row[3])


def to_row(word: Word) -> Row:
    return word.text, word.level.value, word.ear.value, word.note
