"""Each rule: what is wrong, from which value on, how long before it is said, and how long before it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["warning", "critical"]
Values = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Measures:
    """A feed over its last seconds, taken once a second while its publisher is connected."""

    age_seconds: float
    """Since the first packet of this publisher."""
    has_video: bool
    has_audio: bool
    gop_seconds: float
    """The longest of the running GOP and the last finished ones; 0 without video."""
    audio_gap_seconds: float
    """Since the last audio packet, while video goes on."""
    silent_share: float | None
    """Share of the last SILENCE_WINDOW seconds that were silent; None before the window is full."""
    bitrate_swing: float | None
    """Half the spread of the bit rate over its middle, e.g. 0.6 for ±60 %; None before the window is full."""
    clock_ppm: float | None
    """How much faster the encoder's clock runs than ours, parts per million; None before it is known."""
    frozen_seconds: float
    """How long the key frames have all shown the same picture."""
    black_seconds: float
    """How long the key frames have all been black."""


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    level: Level
    hold_seconds: float
    """The condition holds this long before the crew hears of it: a blip is no news."""
    release_seconds: float
    """And is gone this long before the notice goes: no flapping."""
    wrong: Callable[[Measures], Values | None]
    """What was measured when something is wrong, else None."""


GOP_SECONDS = 6.0
"""Longer GOPs cannot be cut at key frames (segments end at 6 s): joining and switching get slow."""
NO_AUDIO_SECONDS = 5.0
SILENT_SHARE = 0.15
"""A second in five (0.2), less what a window cuts off at its ends."""
BITRATE_SWING = 0.45
"""±60 % with margin for the averaging; constant-rate encoders stay within ±15 %."""
CLOCK_PPM = 120.0
"""Crystals are within 50 ppm; from 120 on an hour drifts by 0.4 s."""
FROZEN_SECONDS = 20.0
BLACK_SECONDS = 8.0


def _gop_long(measures: Measures) -> Values | None:
    return {"seconds": round(measures.gop_seconds, 1)} if measures.gop_seconds > GOP_SECONDS else None


def _no_audio(measures: Measures) -> Values | None:
    if not measures.has_audio:
        return {"seconds": round(measures.age_seconds)}
    gap = measures.audio_gap_seconds
    return {"seconds": round(gap)} if gap > NO_AUDIO_SECONDS else None


def _silence(measures: Measures) -> Values | None:
    share = measures.silent_share
    return {"percent": round(share * 100)} if share is not None and share >= SILENT_SHARE else None


def _bitrate_swing(measures: Measures) -> Values | None:
    swing = measures.bitrate_swing
    return {"percent": round(swing * 100)} if swing is not None and swing >= BITRATE_SWING else None


def _clock_drift(measures: Measures) -> Values | None:
    ppm = measures.clock_ppm
    return {"ppm": round(ppm)} if ppm is not None and abs(ppm) >= CLOCK_PPM else None


def _frozen(measures: Measures) -> Values | None:
    if measures.black_seconds or measures.frozen_seconds < FROZEN_SECONDS:
        return None
    return {"seconds": round(measures.frozen_seconds)}


def _black(measures: Measures) -> Values | None:
    return {"seconds": round(measures.black_seconds)} if measures.black_seconds >= BLACK_SECONDS else None


RULES: tuple[Rule, ...] = (
    Rule("gop_long", "warning", hold_seconds=3, release_seconds=15, wrong=_gop_long),
    Rule("no_audio", "warning", hold_seconds=5, release_seconds=2, wrong=_no_audio),
    Rule("silence", "warning", hold_seconds=5, release_seconds=10, wrong=_silence),
    Rule("bitrate_swing", "warning", hold_seconds=10, release_seconds=20, wrong=_bitrate_swing),
    Rule("clock_drift", "warning", hold_seconds=30, release_seconds=30, wrong=_clock_drift),
    Rule("frozen", "warning", hold_seconds=1, release_seconds=1, wrong=_frozen),
    Rule("black", "critical", hold_seconds=1, release_seconds=1, wrong=_black),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong now."""

    code: str
    level: Level
    since: float
    """UTC from which the condition held, Unix seconds."""
    values: Values


class Watch:
    """Applies the rules to one feed's measures, second by second."""

    def __init__(self, rules: tuple[Rule, ...] = RULES) -> None:
        self._rules = rules
        self._wrong_since: dict[str, float] = {}
        self._right_since: dict[str, float] = {}
        self._raised: dict[str, Finding] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(self._raised.values())

    def clear(self) -> None:
        """Forget everything: the publisher has gone, its faults with it."""
        self._wrong_since.clear()
        self._right_since.clear()
        self._raised.clear()

    def look(self, measures: Measures, utc: float) -> None:
        """Take the measures of this second; `findings` is current afterwards."""
        for rule in self._rules:
            values = rule.wrong(measures)
            if values is not None:
                self._right_since.pop(rule.code, None)
                since = self._wrong_since.setdefault(rule.code, utc)
                if rule.code in self._raised or utc - since >= rule.hold_seconds:
                    self._raised[rule.code] = Finding(rule.code, rule.level, since, values)
            elif rule.code in self._raised:
                if utc - self._right_since.setdefault(rule.code, utc) >= rule.release_seconds:
                    del self._raised[rule.code], self._wrong_since[rule.code], self._right_since[rule.code]
            else:
                self._wrong_since.pop(rule.code, None)
