"""The rules on measures alone: threshold, hold time, release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.health.rules import RULES, Measures, Watch

CLEAN = Measures(
    age_seconds=60,
    has_video=True,
    has_audio=True,
    gop_seconds=2.0,
    audio_gap_seconds=0.02,
    silent_share=0.0,
    bitrate_swing=0.1,
    clock_ppm=10.0,
    frozen_seconds=2.0,
    black_seconds=0.0,
)

FAULTS = {
    "gop_long": replace(CLEAN, gop_seconds=12.0),
    "no_audio": replace(CLEAN, has_audio=False),
    "silence": replace(CLEAN, silent_share=0.2),
    "bitrate_swing": replace(CLEAN, bitrate_swing=0.6),
    "clock_drift": replace(CLEAN, clock_ppm=-200.0),
    "frozen": replace(CLEAN, frozen_seconds=21.0),
    "black": replace(CLEAN, black_seconds=9.0, frozen_seconds=30.0),
}


def test_every_rule_has_a_fault_here() -> None:
    assert FAULTS.keys() == {rule.code for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_fault_is_said_after_its_hold_time_and_taken_back_after_its_release(rule: object) -> None:
    code = rule.code  # type: ignore[attr-defined]
    hold, release = rule.hold_seconds, rule.release_seconds  # type: ignore[attr-defined]
    watch = Watch()
    second = 0
    while second < hold:
        watch.look(FAULTS[code], 1000.0 + second)
        assert watch.findings == ()
        second += 1
    watch.look(FAULTS[code], 1000.0 + second)
    assert [finding.code for finding in watch.findings] == [code]
    assert watch.findings[0].since == 1000.0
    for quiet in range(int(release)):
        watch.look(CLEAN, 1001.0 + second + quiet)
        assert [finding.code for finding in watch.findings] == [code]
    watch.look(CLEAN, 1001.0 + second + release)
    assert watch.findings == ()


def test_a_blip_is_no_news() -> None:
    watch = Watch()
    for second in range(100):
        watch.look(FAULTS["silence"] if second % 4 == 0 else CLEAN, 1000.0 + second)
        assert watch.findings == ()


def test_black_is_not_also_called_frozen() -> None:
    watch = Watch()
    for second in range(30):
        watch.look(FAULTS["black"], 1000.0 + second)
    assert [finding.code for finding in watch.findings] == ["black"]
