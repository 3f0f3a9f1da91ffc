"""The payloads of one medium, kept once for all its viewers: what they are about to get, and may ask for again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

KEPT_SECONDS = 2.0
"""Whoever asks later than this has a frozen picture already, and needs a key frame instead."""
MAX_BYTES = 24 * 1024 * 1024
"""More than a Stream's cached GOP with its newest key frame."""
TRIM_PACKETS = 256
"""Old packets leave in batches: moving the list for each of them would cost more than keeping them."""
MARKER = 0x80


class Payload(NamedTuple):
    """A packet but for what differs from viewer to viewer."""

    data: bytes
    marker: int
    """The bit in the second byte of the header: set on a frame's last packet."""
    timestamp: int
    """RTP time, 32 bits."""
    frame: int
    """Counted from the stream's start."""
    opens: bool
    """The first packet of a key frame."""


class History:
    """Packets by an index that never goes back. One writer; viewers keep cursors into it."""

    def __init__(self) -> None:
        self.payloads: list[Payload] = []
        self.start = 0
        """Index of `payloads[0]`."""
        self.frame = -1
        """The newest frame's number."""
        self.key: int | None = None
        """Index where the newest key frame opens; None while a viewer cannot begin."""
        self.key_at = 0.0
        """When it came (the loop's clock, seconds)."""
        self.timestamp = 0
        """The newest frame's."""
        self._key_frame = 0
        self._bytes = 0
        self._arrivals: deque[tuple[float, int]] = deque()
        """When each frame came, and the index of its first packet."""

    @property
    def end(self) -> int:
        """The index after the newest packet."""
        return self.start + len(self.payloads)

    @property
    def frames_since_key(self) -> int:
        """How many frames a viewer that begins now has to catch up with, the key frame among them."""
        return self.frame - self._key_frame + 1

    def append(self, payloads: Sequence[bytes], timestamp: int, *, keyframe: bool, now: float) -> None:
        """One frame, in decode order."""
        self.frame += 1
        self.timestamp = timestamp
        if keyframe:
            self.key, self.key_at, self._key_frame = self.end, now, self.frame
        self._arrivals.append((now, self.end))
        last = len(payloads) - 1
        for index, data in enumerate(payloads):
            self._bytes += len(data)
            marker = MARKER if index == last else 0
            self.payloads.append(Payload(data, marker, timestamp, self.frame, keyframe and index == 0))
        self._trim(now)

    def close_gop(self) -> None:
        """The parameters change: nobody may begin before the next key frame."""
        self.key = None

    def at(self, index: int) -> Payload | None:
        """None when it has gone, or is yet to come."""
        position = index - self.start
        return self.payloads[position] if 0 <= position < len(self.payloads) else None

    def _trim(self, now: float) -> None:
        """Keep the last seconds, and all since the newest key frame; within the bound, whatever follows."""
        keep = self.start
        while self._arrivals and self._arrivals[0][0] < now - KEPT_SECONDS:
            keep = self._arrivals.popleft()[1]
        if self.key is not None:
            keep = min(keep, self.key)
        if self._bytes > MAX_BYTES:  # a feed without a second key frame
            keep, self.key = self.start + len(self.payloads) // 2, None
        count = keep - self.start
        if count >= TRIM_PACKETS:
            self._bytes -= sum(len(payload.data) for payload in self.payloads[:count])
            del self.payloads[:count]
            self.start += count
