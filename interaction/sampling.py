"""Which comments of a hot room are shown: 40 a second, drawn by weight; the rest is counted and told to its writer."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field

from interaction.store.comments import Comment

SHOW_PER_SECOND = 40.0
"""More comments than this nobody reads (the industry's own ceiling)."""
SHOW_AT_ONCE = 40.0
"""What a quiet room has saved up for a burst."""
SIGNED_IN = 3.0
REPLY = 1.5
REPEATED = 0.2
"""The same words as another comment of the same tick: a chorus is seen once before it is seen ten times."""


def weight(comment: Comment, *, repeated: bool) -> float:
    """How many chances a comment has beside an anonymous viewer's first words of their kind."""
    chances = SIGNED_IN if comment.viewer_id.startswith("u") else 1.0
    if comment.reply_to is not None:
        chances *= REPLY
    return chances * REPEATED if repeated else chances


@dataclass(slots=True)
class Sample:
    """What was said since the last batch. Nothing is dropped while it fits."""

    rng: random.Random = field(default_factory=random.Random)
    _said: dict[str, Comment] = field(default_factory=dict)
    _left: float = SHOW_AT_ONCE
    _at: float | None = None

    def __len__(self) -> int:
        return len(self._said)

    def offer(self, comment: Comment) -> None:
        self._said[comment.id] = comment

    def withdraw(self, comment_id: str) -> None:
        """Removed before it was shown."""
        self._said.pop(comment_id, None)

    def take(self, now: float) -> tuple[list[Comment], list[Comment]]:
        """Shown and hidden ones, both in the order in which they were said. Monotonic `now`."""
        gone = now - self._at if self._at is not None else 0.0
        self._at = now
        self._left = min(SHOW_AT_ONCE, self._left + gone * SHOW_PER_SECOND)
        said, self._said = list(self._said.values()), {}
        room = int(self._left)
        if len(said) <= room:
            self._left -= len(said)
            return said, []
        self._left -= room
        drawn = self._draw(said, room)
        return [c for c in said if c.id in drawn], [c for c in said if c.id not in drawn]

    def _draw(self, said: list[Comment], count: int) -> Collection[str]:
        """Weighted, without replacement (Efraimidis and Spirakis: the largest u^(1/w))."""
        keys = []
        texts: set[str] = set()
        for comment in said:
            chances = weight(comment, repeated=comment.text in texts)
            texts.add(comment.text)
            keys.append((self.rng.random() ** (1 / chances), comment.id))
        return {id_ for _, id_ in sorted(keys, reverse=True)[:count]}
