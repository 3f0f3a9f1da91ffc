"""One clock for the hub: UTC that never steps, and monotonic seconds for timers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a component needs to know of time. Tests pass a clock that they move by hand."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""

    def utc(self) -> float:
        """Seconds since the Unix epoch (UTC). Never steps while the process lives."""


class SystemClock:
    """UTC anchored once to the monotonic clock, so a stepped wall clock cannot bend a timeline."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def monotonic(self) -> float:
        return time.monotonic()

    def utc(self) -> float:
        return time.monotonic() + self._offset


def rfc3339(seconds: float) -> str:
    """Unix seconds as RFC 3339 UTC with milliseconds, e.g. ``2026-11-24T12:00:00.000Z``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def from_rfc3339(text: str) -> float:
    """Unix seconds of an RFC 3339 time. Raises ValueError when the text is not one, or has no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("time has no UTC offset")
    return moment.timestamp()
