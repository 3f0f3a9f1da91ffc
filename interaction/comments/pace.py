"""How often one viewer may speak. Each refusal says the wait; nothing is remembered of what was refused."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from interaction.rejected import Rejected

BURST = 3.0
PER_SECOND = 0.5
"""One comment in two seconds, three at once: a conversation, not a flood. The text is never eaten."""
SAME_SECONDS = 30.0
"""The same words again within this time are a duplicate, punctuation and spaces aside."""
LIKE_BURST = 20.0
LIKES_PER_SECOND = 4.0
"""Hearts on comments: a thumb running down the list."""
REMEMBERED = 8
"""Texts of one viewer; nobody says more in `SAME_SECONDS` at `PER_SECOND` than twice that."""


@dataclass(slots=True)
class Pace:
    """A token bucket, full at monotonic `at`."""

    at: float
    burst: float = BURST
    per_second: float = PER_SECOND
    tokens: float = -1.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def charge(self, now: float) -> None:
        """Take a token at monotonic `now`. Raises Rejected with the wait."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.per_second)
        self.at = now
        if self.tokens < 1:
            raise Rejected("too_fast", round((1 - self.tokens) / self.per_second, 1))
        self.tokens -= 1

    def full(self, now: float) -> bool:
        """Nothing is remembered of a full bucket: a fresh one is as good."""
        return self.tokens + (now - self.at) * self.per_second >= self.burst


@dataclass(slots=True)
class Voice:
    """What is remembered of one viewer in one room."""

    pace: Pace
    spoke_at: float = float("-inf")
    said: deque[tuple[str, float]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def speak(self, words: str, now: float, slow_seconds: float) -> None:
        """Charge a comment with these (folded) words at monotonic `now`.

        Raises Rejected `slow_mode`, `duplicate` or `too_fast`, each with the wait.
        """
        wait = self.spoke_at + slow_seconds - now
        if wait > 0:
            raise Rejected("slow_mode", round(wait, 1))
        for text, at in self.said:
            if text == words and (wait := at + SAME_SECONDS - now) > 0:
                raise Rejected("duplicate", round(wait, 1))
        self.pace.charge(now)
        self.spoke_at = now
        self.said.append((words, now))

    def unsay(self, words: str) -> None:
        """The comment was not kept after all: the same may be said again at once."""
        self.spoke_at = float("-inf")
        self.pace.tokens = min(self.pace.burst, self.pace.tokens + 1)
        self.said = deque((one for one in self.said if one[0] != words), REMEMBERED)

    def idle(self, now: float) -> bool:
        """Nothing of it would matter any more."""
        return self.pace.full(now) and now - self.spoke_at > MAX_SLOW_SECONDS


MAX_SLOW_SECONDS = 300.0
