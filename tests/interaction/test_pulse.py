"""A room whose sockets cannot follow climbs the ladder by itself, goes on telling state, and comes back down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interaction.ladder import LADDER
from interaction.pulse import Pulse
from interaction.room import Room, RoomRules
from interaction.store.comments import Comment, Status
from interaction.store.rooms import RoomRecord

TICK = 0.25


class Line:
    """A broadcast whose line out is as full as the test says."""

    def __init__(self) -> None:
        self.full = 0.0
        self.items: list[dict[str, Any]] = []
        self.own: list[tuple[str, Any]] = []

    def to_room(self, event_id: str, event: str, payload: Any) -> None:
        self.items += payload["items"]

    def catch_up(self, event_id: str, snapshot: Callable[[], object]) -> None:
        pass

    def personal(self, event_id: str, viewer_id: str, payload: Any) -> None:
        self.own.append((viewer_id, payload))

    def behind(self, event_id: str) -> float:
        return self.full

    async def close_room(self, event_id: str) -> None:
        pass

    def taken(self, kind: str) -> list[dict[str, Any]]:
        found = [item for item in self.items if item["type"] == kind]
        self.items = [item for item in self.items if item["type"] != kind]
        return found


def test_up_by_strain_and_down_by_calm_with_every_state_told() -> None:
    room = Room("event", RoomRecord(epoch=1), [], RoomRules("live"))
    line = Line()
    pulse = Pulse(room, 0.0)
    now, said = 0.0, 0

    def second() -> None:
        """A comment and a change of an activity, and a second of ticks."""
        nonlocal now, said
        said += 1
        room.add_comment(Comment(f"c{said}", "event", f"v{said}", "n", f"words {said}", now, Status.SHOWN), now)
        room.activity_changed({"id": "vote", "state": "open", "number": said})
        for _ in range(round(1 / TICK)):
            now += TICK
            pulse.tick(line, now, 0.0, 0.0)

    second()
    assert [item["id"] for item in line.taken("comment")] == ["c1"]
    line.full = 0.9
    levels = []
    for _ in range(25):
        second()
        levels += [item["level"] for item in line.taken("level")]
        assert line.taken("activity")[-1]["number"] >= said - 1, "state waits for no line"
    assert levels == [level.name for level in LADDER[1:]]
    polled = room.polled(now, 0.0)
    assert polled["level"] == "state_only"
    # nobody else sees what is said now, its writer does
    line.taken("comment")
    line.own.clear()
    second()
    assert not line.taken("comment") and [viewer for viewer, _ in line.own] == [f"v{said}"]

    line.full = 0.0
    for _ in range(120):
        second()
        levels += [item["level"] for item in line.taken("level")]
    assert levels[4:] == ["polling", "slow", "half", "quick"]
    assert room.snapshot(0.0)["level"] == "quick"
    line.taken("comment")
    second()
    assert [item["id"] for item in line.taken("comment")] == [f"c{said}"]


def test_the_red_key_does_not_wait_for_the_pace_of_a_level() -> None:
    room = Room("event", RoomRecord(epoch=1), [], RoomRules("live"))
    line = Line()
    pulse = Pulse(room, 0.0)
    room.degrade(LADDER[-1])
    assert room.apply(RoomRules("live", cut=True))
    pulse.send(line, 0.01, 0.0)
    assert line.taken("cut") == [{"type": "cut", "cut": True}]
