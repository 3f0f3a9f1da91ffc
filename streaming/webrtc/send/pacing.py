"""How fast one viewer is sent what waits for it, and which times a replayed GOP carries."""

from __future__ import annotations

from dataclasses import dataclass

BURST_BYTES = 96 * 1024
"""A key frame of 720p goes out in one go; a larger one is spread."""
FIRST_BURST_BYTES = 64 * 1024
"""To a viewer whose link is not known yet: the cached key frame and a few frames."""
SPEED = 5.0
"""Times the stream's own rate: a GOP of 2 s has been caught up with after half a second."""
MIN_BYTES_PER_SECOND = 1_000_000
MAX_BYTES_PER_SECOND = 8_000_000
REPLAY_STEP = 270
"""Ticks of 90 kHz between replayed frames: 3 ms, so that the player runs through them and stands at the live edge."""
_MASK = 0xFFFFFFFF


class Pace:
    """A bucket of bytes that may be sent at once."""

    __slots__ = ("_filled_at", "tokens")

    def __init__(self, now: float) -> None:
        self.tokens = float(FIRST_BURST_BYTES)
        self._filled_at = now

    def fill(self, now: float, bytes_per_second: float) -> None:
        """`bytes_per_second`: the stream's own rate."""
        rate = min(max(bytes_per_second * SPEED, MIN_BYTES_PER_SECOND), MAX_BYTES_PER_SECOND)
        self.tokens = min(self.tokens + (now - self._filled_at) * rate, BURST_BYTES)
        self._filled_at = now


@dataclass(frozen=True, slots=True)
class Replay:
    """Frames that a viewer gets late, with times that let it catch up."""

    first: int
    """Number of the frame that it begins with."""
    last: int
    base: int
    """RTP time of the first frame."""
    step: int

    def timestamp(self, frame: int, own: int) -> int:
        """The RTP time of a frame whose own is `own`."""
        return (self.base + (frame - self.first) * self.step) & _MASK if frame <= self.last else own


def joining(first: int, last: int, newest: int) -> Replay:
    """For a viewer that has seen nothing: the newest frame keeps its time, those before it stand close together."""
    return Replay(first, last, (newest - (last - first) * REPLAY_STEP) & _MASK, REPLAY_STEP)


def again(first: int, last: int, newest: int, frame_ticks: int) -> Replay:
    """For a viewer that lost the picture: times after the newest that it has got, and before the next frame's."""
    step = max(frame_ticks // (last - first + 2), 1)
    return Replay(first, last, (newest + step) & _MASK, step)
