"""Who has a feed when a second encoder comes with the same key: a pure rule over what the hub saw."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from streaming.ingest import Peer

FIGHT_TAKEOVERS = 3
FIGHT_SECONDS = 30.0
"""So many takeovers within so long, each from a session that was still sending: two encoders hold one key."""
REFUSE_SECONDS = 60.0
"""How long the challenger of a fight is refused; long enough to walk to the other laptop."""
ALIVE_SECONDS = 2.0
"""A session that sent within this is alive: replacing it is a takeover, replacing a lingering one is a return."""


@dataclass(frozen=True, slots=True)
class Contest:
    """Two encoders fight over one key: `current` stays, `refused` is refused until `until` (monotonic seconds)."""

    current: Peer
    refused: Peer
    until: float


class TakeoverRule:
    """One feed's."""

    def __init__(self) -> None:
        self._takeovers: deque[float] = deque(maxlen=FIGHT_TAKEOVERS)
        self._contest: Contest | None = None

    def contest(self, now: float) -> Contest | None:
        """The fight that is on, if any."""
        if self._contest is not None and now >= self._contest.until:
            self._contest = None
        return self._contest

    def decide(self, now: float, current: Peer, challenger: Peer, *, silent_for: float) -> Contest | None:
        """None: the challenger takes over; a Contest: it is refused. `silent_for`: seconds since the other sent."""
        contest = self.contest(now)
        if silent_for >= ALIVE_SECONDS:
            return None  # the current session is a leftover: whoever comes, it is the encoder returning
        if contest is not None:
            self._contest = Contest(current, challenger, contest.until)
            return self._contest
        recent = [at for at in self._takeovers if now - at < FIGHT_SECONDS]
        if len(recent) >= FIGHT_TAKEOVERS:
            self._takeovers.clear()
            self._contest = Contest(current, challenger, now + REFUSE_SECONDS)
            return self._contest
        self._takeovers.append(now)
        return None
