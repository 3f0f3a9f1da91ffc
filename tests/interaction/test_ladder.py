"""The ladder is driven up and down by what it measures; triggers and releases as docs/rooms.md says."""

from __future__ import annotations

from pathlib import Path

import pytest

from interaction.ladder import BOUNCE_SECONDS, LADDER, MAX_CALM_SECONDS, Ladder, Load

CALM, BUSY = Load(0.05, 0.01, 0.0), Load(0.95, 0.01, 0.0)
TICK = 0.25


class Room:
    """A ladder and a clock that goes on by the level's own pace."""

    def __init__(self) -> None:
        self.ladder = Ladder()
        self.now = 0.0

    @property
    def name(self) -> str:
        return self.ladder.level.name

    def batch(self, load: Load) -> bool:
        self.now += TICK * self.ladder.level.every
        return self.ladder.measured(load, self.now)

    def until_it_changes(self, load: Load) -> float:
        """Seconds."""
        before = self.now
        while not self.batch(load):
            assert self.now - before < 1000
        return self.now - before


def test_up_to_the_top_and_down_again() -> None:
    room = Room()
    climbed, released = {}, {}
    while room.name != LADDER[-1].name:
        seconds = room.until_it_changes(BUSY)
        climbed[room.name] = seconds
    assert list(climbed) == ["half", "slow", "polling", "state_only"]
    assert [round(seconds, 2) for seconds in climbed.values()] == [1.0, 2.0, 5.0, 10.0]
    for _ in range(50):
        assert not room.batch(BUSY), "there is no level above"
    while room.name != "quick":
        seconds, left = 0.0, room.name
        seconds = room.until_it_changes(CALM)
        released[left] = seconds
    assert list(released) == ["state_only", "polling", "slow", "half"]
    for level in LADDER[1:]:
        assert released[level.name] == pytest.approx(level.calm_seconds, abs=1.01)
    for _ in range(100):
        assert not room.batch(CALM)


@pytest.mark.parametrize("load", [Load(0.9, 0, 0), Load(0, 0.4, 0), Load(0, 0, 0.2)])
def test_each_measure_alone_is_a_trigger(load: Load) -> None:
    room = Room()
    room.until_it_changes(load)
    assert room.name == "half"


def test_a_single_spike_changes_nothing() -> None:
    room = Room()
    for number in range(1000):
        assert not room.batch(BUSY if number % 4 else CALM)


def test_what_is_neither_strained_nor_calm_holds_the_level() -> None:
    room = Room()
    room.until_it_changes(BUSY)
    for _ in range(1000):
        assert not room.batch(Load(0.5, 0, 0))
    assert room.name == "half"


def test_a_level_released_too_early_stays_longer_the_next_time() -> None:
    room = Room()
    waits = []
    for _ in range(8):
        assert room.until_it_changes(BUSY) < BOUNCE_SECONDS
        waits.append(room.until_it_changes(CALM))
    assert waits[0] == pytest.approx(10, abs=1) and waits[1] == pytest.approx(20, abs=1)
    assert waits == sorted(waits) and waits[-1] == pytest.approx(MAX_CALM_SECONDS, abs=1)
    for _ in range(400):
        room.batch(CALM)
    room.until_it_changes(BUSY)
    assert room.until_it_changes(CALM) == pytest.approx(10, abs=1)


def test_the_table_of_the_documentation_names_every_level() -> None:
    table = (Path(__file__).parents[2] / "docs" / "rooms.md").read_text("utf-8")
    for level in LADDER:
        assert f"`{level.name}`" in table, level.name
