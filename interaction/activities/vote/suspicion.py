"""What looks like a machine: counted and marked, and held aside where the vote says so. Pure but for its own memory.

A signed-in viewer is never marked: the county's app vouches for the account, and thousands of phones share one
carrier's address. What this cannot see: patient people with many phones.
"""

from __future__ import annotations

from interaction.viewer import Viewer

FRESH_SECONDS = 2.0
"""From joining to voting: a person has to see the page, open the sheet and choose."""
REACTION_SECONDS = 0.4
"""From the opening to the ballot: less is no thumb; the batch alone takes a quarter of a second."""
BURST = 60
BURST_SECONDS = 10.0
"""Anonymous ballots of one address: a bus full of people, not a script."""
MAX_ADDRESSES = 50_000


class Suspicion:
    def __init__(self) -> None:
        self._bursts: dict[str, tuple[float, int]] = {}

    def of(self, viewer: Viewer, now: float, opened_at: float) -> tuple[str, ...]:
        """Why a ballot cast at `now` (Unix seconds) is suspicious; empty for most."""
        if not viewer.anonymous:
            return ()
        found = []
        if viewer.joined_at and now - viewer.joined_at < FRESH_SECONDS:
            found.append("fresh")
        if now - opened_at < REACTION_SECONDS:
            found.append("reaction")
        if viewer.address and self._burst(viewer.address, now):
            found.append("burst")
        return tuple(found)

    def _burst(self, address: str, now: float) -> bool:
        since, count = self._bursts.get(address, (now, 0))
        if now - since > BURST_SECONDS:
            since, count = now, 0
        if len(self._bursts) >= MAX_ADDRESSES:
            self._bursts.clear()
        self._bursts[address] = since, count + 1
        return count >= BURST
