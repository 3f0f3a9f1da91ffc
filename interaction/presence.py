"""Who is watching, counted from heartbeats: now, at most, and how many different ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from interaction.keys.uniques import Unique
from interaction.store.rooms import RoomRecord

HEARTBEAT_SECONDS = 10.0
"""What clients are told to keep to."""
AWAY_SECONDS = 25.0
"""Two missed heartbeats and a little: gone."""
ALL = "all"


class Presence:
    """One room's. Synchronous; `dirty` says that the record has figures to keep."""

    def __init__(self, record: RoomRecord) -> None:
        self._record = record
        self._seen: dict[str, tuple[str, float]] = {}
        self._new: dict[str, set[str]] = defaultdict(set)
        self._counts: dict[str, int] = {}
        self.dirty = False

    def heartbeat(self, viewer_id: str, venue_id: str, now: float) -> None:
        """A viewer is watching that venue, at monotonic `now`."""
        before = self._seen.get(viewer_id)
        self._seen[viewer_id] = (venue_id, now)
        if before is None or before[0] != venue_id:
            self._new[venue_id].add(viewer_id)
            self._new[ALL].add(viewer_id)

    def left(self, viewer_id: str) -> None:
        """The viewer's last socket has closed."""
        self._seen.pop(viewer_id, None)

    @property
    def watching(self) -> list[str]:
        """Who is there, as of the last count."""
        return list(self._seen)

    def count(self, now: float) -> dict[str, int]:
        """Current viewers by venue and under `all`; peaks grow with it."""
        gone = [viewer for viewer, (_, at) in self._seen.items() if now - at > AWAY_SECONDS]
        for viewer in gone:
            del self._seen[viewer]
        counts: dict[str, int] = defaultdict(int)
        for venue_id, _ in self._seen.values():
            counts[venue_id] += 1
        counts[ALL] = len(self._seen)
        for venue_id, count in counts.items():
            if count > self._record.peaks.get(venue_id, 0):
                self._record.peaks[venue_id] = count
                self.dirty = True
        self._counts = dict(counts)
        return self._counts

    @property
    def counts(self) -> dict[str, int]:
        """As last counted."""
        return self._counts or {ALL: 0}

    def take_new(self) -> dict[str, set[str]]:
        """Viewers seen at a venue for the first time since the last call."""
        new, self._new = dict(self._new), defaultdict(set)
        return new

    def put_back(self, new: Mapping[str, set[str]]) -> None:
        """Viewers that could not be counted: they are new still."""
        for venue_id, viewers in new.items():
            self._new[venue_id] |= viewers

    def seen_unique(self, counted: Mapping[str, Unique]) -> None:
        """What the unique counters say now; figures never shrink, whatever was flushed."""
        for venue_id, unique in counted.items():
            if unique.sketch != self._record.sketches.get(venue_id):
                self._record.sketches[venue_id] = unique.sketch
                self.dirty = True
            if unique.count > self._record.uniques.get(venue_id, 0):
                self._record.uniques[venue_id] = unique.count
                self.dirty = True

    def figures(self, venue_id: str) -> tuple[int, int, int]:
        """Current, peak, unique."""
        peak = self._record.peaks.get(venue_id, 0)
        return self._counts.get(venue_id, 0), peak, max(self._record.uniques.get(venue_id, 0), peak)
