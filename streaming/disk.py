"""How long the disk lasts: hours left at what the running events write, and when to warn or refuse a start."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

RESERVE_BYTES = 512 * 1024 * 1024
"""Not counted as free: the databases on the same disk must be able to go on when the media cannot."""
NOMINAL_BITS_PER_SECOND = 4_000_000.0
"""What a venue is taken to write before it is measured: 720p at 4 Mbit/s, the upper end of what county crews send."""
START_HOURS = 1.0
"""An event does not start with less: the shortest ceremony would not fit."""
WARN_HOURS = 12.0
"""A crew is told from here on: a day's programme no longer fits."""
CRITICAL_HOURS = 2.0
"""From here on it is told loudly."""


class DiskLevel(StrEnum):
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class DiskState:
    free_bytes: int
    """What may still be written: beyond the reserve."""
    total_bytes: int
    bits_per_second: float
    hours_left: float
    level: DiskLevel


class DiskFull(Exception):
    """A start is refused: the recording would not last `START_HOURS`."""

    def __init__(self, hours: float) -> None:
        super().__init__(f"the disk lasts {hours:.1f} h; a start needs {START_HOURS:.0f} h")
        self.hours = hours


def hours_left(free_bytes: int, bits_per_second: float) -> float:
    """Hours that many free bytes last; at least one venue's nominal rate is assumed."""
    return 8 * max(free_bytes, 0) / max(bits_per_second, NOMINAL_BITS_PER_SECOND) / 3600


def level(hours: float) -> DiskLevel:
    if hours < CRITICAL_HOURS:
        return DiskLevel.CRITICAL
    return DiskLevel.WARNING if hours < WARN_HOURS else DiskLevel.OK


class DiskMeter:
    """Asked by the console and before a start. `rate` gives the bits per second that are being written now."""

    def __init__(self, media_dir: Path, rate: Callable[[], float] = lambda: 0.0) -> None:
        self._media_dir = media_dir
        self._rate = rate

    async def state(self, more_venues: int = 0) -> DiskState:
        """The disk as it is, or as it would be with that many more venues on air at the nominal rate."""
        total, free = await asyncio.to_thread(_usage, self._media_dir)
        bits = self._rate() + more_venues * NOMINAL_BITS_PER_SECOND
        hours = hours_left(free, bits)
        return DiskState(free, total, bits, hours, level(hours))

    async def hours_left(self) -> float:
        return (await self.state()).hours_left

    async def check_start(self, venues: int) -> DiskState:
        """Raises DiskFull when an event with that many venues should not start."""
        state = await self.state(more_venues=venues)
        if state.hours_left < START_HOURS:
            raise DiskFull(state.hours_left)
        return state


def _usage(path: Path) -> tuple[int, int]:
    """Total bytes, and free ones beyond the reserve, of the disk that holds (or will hold) this directory."""
    while not path.exists() and path != path.parent:
        path = path.parent
    usage = shutil.disk_usage(path)
    return usage.total, max(usage.free - RESERVE_BYTES, 0)
