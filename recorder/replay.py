"""A replay is a list over the files that the live wrote: VOD playlists and the paths of their media."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recorder.catalog import Item
from streaming.hls.index import Entry, InitEntry, SegmentEntry, read_index
from streaming.hls.playlist import Listed, parse_name, vod_playlist
from streaming.hls.segmenter import SegmentHead

CACHED_PLAYLISTS = 64
"""Rendered replays kept: a list of three hours is 450 kB, and does not change any more."""


@dataclass(frozen=True, slots=True)
class ReplayPlaylist:
    body: bytes
    gzipped: bytes


class Replays:
    """Reads what the recorder kept. An item's media never change, so a rendered playlist is kept."""

    def __init__(self, media_dir: Path) -> None:
        self._media_dir = media_dir
        self._cache: OrderedDict[tuple[str, str], ReplayPlaylist] = OrderedDict()

    async def playlist(self, item: Item, venue_id: str | None) -> ReplayPlaylist | None:
        """The VOD playlist of a venue (None or `main`: the main one); None when the item has no such venue."""
        venue = item.venue(venue_id)
        if venue is None:
            return None
        key = (item.id, venue.id)
        cached = self._cache.get(key)
        if cached is None:
            cached = await asyncio.to_thread(_render, self._media_dir / item.event_id / venue.id, f"{venue.id}/")
            self._cache[key] = cached
            while len(self._cache) > CACHED_PLAYLISTS:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return cached

    def path(self, item: Item, venue_id: str, name: str) -> Path | None:
        """Where a segment or init section of the item lies; None for any other name or venue."""
        venue = item.venue(venue_id)
        if venue is None or parse_name(name)[0] not in ("init", "segment"):
            return None
        return self._media_dir / item.event_id / venue.id / name


def listed(entries: Iterable[Entry], prefix: str = "") -> list[Listed]:
    """A recording's segments in order, holes and restarts marked as discontinuities."""
    inits = set()
    segments: list[Listed] = []
    for entry in entries:
        if isinstance(entry, InitEntry):
            inits.add(entry.number)
        if not isinstance(entry, SegmentEntry):
            continue
        # a step in the numbers: something was on air that nobody wrote down
        torn = bool(segments) and entry.msn != segments[-1].head.msn + 1
        head = SegmentHead(
            entry.msn,
            entry.init,
            entry.utc,
            bool(segments) and (entry.discontinuity or torn),
            entry.discontinuity_sequence,
        )
        lost = entry.gap or entry.init not in inits
        segments.append(Listed(head, entry.duration, entry.independent, lost, prefix=prefix))
    return segments


def _render(directory: Path, prefix: str) -> ReplayPlaylist:
    body = vod_playlist(listed(read_index(directory), prefix)).encode()
    return ReplayPlaylist(body, gzip.compress(body, 6, mtime=0))
