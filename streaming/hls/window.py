"""The live window: what players may ask for now, held in memory, and the requests that wait for what comes next."""

from __future__ import annotations

import asyncio
import gzip
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from streaming.hls.playlist import (
    ADVANCE_PARTS,
    ADVANCE_SEGMENTS,
    TARGET_DURATION,
    Listed,
    Listing,
    delta_playlist,
    media_playlist,
    parse_name,
    part_name,
    plain_playlist,
)
from streaming.hls.segmenter import Cut, InitSection, Part, Segment

LISTED_SECONDS = 60.0
"""How far back the playlist goes: beyond the skip boundary of 36 s, so that delta updates have something to skip."""
MEMORY_SECONDS = 30.0
"""Written segments younger than this are answered from memory: three target durations of hold-back, and then some."""
MEMORY_SEGMENTS = 6
"""The youngest are kept whatever they last."""
MEMORY_BYTES = 96 * 1024 * 1024
"""Of finished segments, for one venue: 30 s of 24 Mbit/s. Beyond it the oldest leave, written or not."""
BLOCK_SECONDS = 3.0 * TARGET_DURATION
"""A blocking request is given up after this (RFC 8216bis 6.2.5.2: three target durations)."""
_GZIP_LEVEL = 5
"""A playlist of 6 kB shrinks to 0.9 kB in 0.1 ms, three times a second for all viewers together."""


class Form(Enum):
    LOW_LATENCY = "low-latency"
    DELTA = "delta"
    PLAIN = "plain"


_RENDER: dict[Form, Callable[[Listing], str]] = {
    Form.LOW_LATENCY: media_playlist,
    Form.DELTA: delta_playlist,
    Form.PLAIN: plain_playlist,
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """One playlist's bytes, as they are and compressed."""

    body: bytes
    gzipped: bytes


class TooFarAhead(Exception):
    """A blocking request names a segment or part that will not come soon: answer 400."""


class NotInTime(Exception):
    """What a request waited for has not come within `BLOCK_SECONDS`: answer 503."""


@dataclass(slots=True)
class _Held:
    listed: Listed
    data: bytes | None
    spans: tuple[tuple[int, int], ...]
    """Where each part lies in `data`."""
    size: int
    written: bool | None = None
    """None while the writer has not said; False when it failed."""


class Window:
    """Owned by an `HlsOutput`, on its loop. `add` is the only way in; reading never blocks, waiting is bounded."""

    def __init__(self, next_msn: int) -> None:
        self.ended = False
        self.ready = asyncio.Event()
        """Set at the first whole segment: hls.js stays black for a list that has parts alone."""
        self.peak_bits = 0.0
        """Bits per second of the fattest segment listed so far."""
        self.average_bits = 0.0
        self._held: deque[_Held] = deque()
        self._open: list[Part] = []
        self._next_msn = next_msn
        self._inits: dict[int, bytes] = {}
        self._rendered: dict[Form, Rendered] = {}
        self._waiters: dict[tuple[int, int | None], asyncio.Future[bool]] = {}

    @property
    def position(self) -> tuple[int, int]:
        """Media sequence number of the segment being made, and how many of its parts are there."""
        return self._next_msn, len(self._open)

    @property
    def memory_bytes(self) -> int:
        return sum(len(held.data) for held in self._held if held.data) + sum(len(part.data) for part in self._open)

    def add(self, cuts: list[Cut]) -> None:
        """Take what one packet completed, and wake whoever waited for it."""
        for cut in cuts:
            match cut:
                case InitSection():
                    self._inits[cut.number] = cut.data
                case Part():
                    self._open.append(cut)
                case Segment():
                    self._close(cut)
        if self._held:
            self.ready.set()
        self._changed()

    def end(self) -> None:
        """Nothing follows: ENDLIST, and nobody waits any longer."""
        self.ended = True
        self._changed()

    def confirm(self, msn: int, written: bool) -> None:
        """The writer says whether a segment is on disk; one that is not lives as long as memory holds it."""
        for held in self._held:
            if held.listed.head.msn == msn:
                held.written = written
        self._trim()

    def playlist(self, form: Form) -> Rendered:
        """The playlist as it stands, rendered and compressed once for all who ask."""
        rendered = self._rendered.get(form)
        if rendered is None:
            listing = Listing([held.listed for held in self._held], self._open, self._next_msn, self.ended)
            body = _RENDER[form](listing).encode()
            rendered = self._rendered[form] = Rendered(body, gzip.compress(body, _GZIP_LEVEL, mtime=0))
        return rendered

    def file(self, name: str) -> bytes | None:
        """An init section, segment or part from memory."""
        kind, msn, index = parse_name(name)
        if kind == "init":
            return self._inits.get(msn)
        if kind == "part" and msn == self._next_msn:
            return self._open[index].data if index < len(self._open) else None
        for held in reversed(self._held):
            if held.listed.head.msn == msn:
                if kind == "segment" or held.data is None:
                    return held.data
                if index >= len(held.spans):
                    return None
                start, end = held.spans[index]
                return held.data[start:end]
        return None

    def expects(self, name: str) -> bool:
        """True for the part that the preload hint names: a request for it waits."""
        return not self.ended and name == part_name(self._next_msn, len(self._open))

    async def wait_for(self, msn: int, index: int | None) -> None:
        """Return once the playlist holds that part, or (no index) that whole segment.

        Raises TooFarAhead and NotInTime. An index beyond the segment's last part means the next one's first.
        """
        if self.ended or self._has(msn, index):
            return
        if msn > self._next_msn - 1 + ADVANCE_SEGMENTS:
            raise TooFarAhead
        if index is not None and msn == self._next_msn and index >= len(self._open) + ADVANCE_PARTS:
            raise TooFarAhead
        future = self._waiters.get((msn, index))
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._waiters[msn, index] = loop.create_future()
            loop.call_later(BLOCK_SECONDS, self._give_up, (msn, index), future)
        # shielded: one player that leaves must not cancel what the others wait for
        if not await asyncio.shield(future):
            raise NotInTime

    def _has(self, msn: int, index: int | None) -> bool:
        if index is None:
            return msn < self._next_msn
        if msn == self._next_msn:
            return index < len(self._open)
        if msn == self._next_msn - 1 and not self._open and self._held:
            return index < len(self._held[-1].spans)
        return msn < self._next_msn

    def _give_up(self, key: tuple[int, int | None], future: asyncio.Future[bool]) -> None:
        if not future.done():
            future.set_result(False)
        if self._waiters.get(key) is future:
            del self._waiters[key]

    def _changed(self) -> None:
        self._rendered.clear()
        for key, future in list(self._waiters.items()):
            if self.ended or self._has(*key):
                del self._waiters[key]
                if not future.done():
                    future.set_result(True)

    def _close(self, segment: Segment) -> None:
        listed = Listed(
            segment.head,
            segment.duration,
            segment.independent,
            # their bytes are in the segment: no second copy is kept
            parts=[Part(part.head, part.index, part.duration, part.independent, b"") for part in segment.parts],
        )
        spans = []
        start = 0
        for part in segment.parts:
            spans.append((start, start + len(part.data)))
            start += len(part.data)
        self._held.append(_Held(listed, segment.data, tuple(spans), len(segment.data)))
        self._open = []
        self._next_msn = segment.head.msn + 1
        bits = 8 * len(segment.data) / max(segment.duration, 0.1)
        self.peak_bits = max(self.peak_bits, bits)
        self.average_bits = bits if not self.average_bits else 0.9 * self.average_bits + 0.1 * bits
        self._trim()

    def _trim(self) -> None:
        """Let what is old leave the list, and what is written leave memory."""
        held = self._held
        listed = sum(item.listed.duration for item in held)
        while len(held) > MEMORY_SEGMENTS and listed - held[0].listed.duration >= LISTED_SECONDS:
            listed -= held.popleft().listed.duration
        needed = {item.listed.head.init for item in held} | {part.head.init for part in self._open}
        for number in [number for number in self._inits if needed and number < min(needed)]:
            del self._inits[number]
        younger = 0.0
        bytes_kept = 0
        for count, item in enumerate(reversed(held)):
            if item.data is not None and count >= MEMORY_SEGMENTS:
                bytes_kept += item.size
                old = younger >= MEMORY_SECONDS
                if bytes_kept > MEMORY_BYTES or (old and item.written is not None):
                    item.data = None
                    item.listed.gap = item.written is not True
                    self._rendered.clear()
            elif item.data is not None:
                bytes_kept += item.size
            younger += item.listed.duration
