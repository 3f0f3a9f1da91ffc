"""An old snapshot and the batches behind it give the new snapshot, whatever happens in a room."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interaction.ladder import LADDER
from interaction.room import Room, RoomRules
from interaction.store.comments import Comment, Status
from interaction.store.rooms import RoomRecord

ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "comment",
                "remove",
                "like",
                "heart",
                "pin",
                "cut",
                "end",
                "heartbeat",
                "level",
                "activity",
                "tally",
                "tick",
            ],
        ),
        st.integers(0, 5),
    ),
    max_size=60,
)


def fold(state: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
    """What a client does with a batch."""
    assert batch["seq"] == state["seq"] + 1 and batch["epoch"] == state["epoch"]
    state = {**state, "seq": batch["seq"]}
    for item in batch["items"]:
        content = {key: value for key, value in item.items() if key != "type"}
        match item["type"]:
            case "comment":
                others = [comment for comment in state["comments"] if comment["id"] != item["id"]]
                state["comments"] = [*others, content][-50:]
            case "comment_removed":
                state["comments"] = [comment for comment in state["comments"] if comment["id"] != item["id"]]
            case "presence":
                state["viewers"] = item["viewers"]
            case "comment_likes":
                counts = item["counts"]
                state["comments"] = [c | {"likes": counts.get(c["id"], c["likes"])} for c in state["comments"]]
            case "pinned":
                state["pinned"] = item["comment"]
            case "likes":
                state["likes"] = item["total"]
            case "cut":
                state["cut"] = item["cut"]
            case "event":
                state["event"] = content
            case "level":
                state["level"] = item["level"]
            case "activity":
                known = {one["id"]: one for one in state["activities"]}
                state["activities"] = list((known | {item["id"]: content}).values())
            case "tally":
                tally = {name: value for name, value in content.items() if name != "activity_id"}
                state["activities"] = [
                    one | {"tally": tally} if one["id"] == item["activity_id"] else one for one in state["activities"]
                ]
    return state


@given(ACTS)
def test_snapshot_and_batches_fit(acts: list[tuple[str, int]]) -> None:
    room = Room("event", RoomRecord(epoch=1), [], RoomRules("live"))
    client = room.snapshot(0.0)
    for number, (act, value) in enumerate(acts):
        now = number * 0.7
        match act:
            case "comment":
                room.add_comment(Comment(f"c{value}", "event", "v", "n", "words", now, Status.SHOWN), now)
            case "remove":
                room.remove_comment(f"c{value}")
            case "like":
                room.like(value)
            case "heart":
                room.comment_liked(f"c{value}", number)
            case "pin":
                pinned = Comment(f"c{value}", "event", "v", "n", "words", now, Status.SHOWN)
                room.pin(pinned if value else None)
            case "cut":
                room.apply(RoomRules("live", cut=bool(value % 2)))
            case "end":
                room.apply(RoomRules("ended" if value % 2 else "live"))
            case "level":
                room.degrade(LADDER[value % len(LADDER)])
            case "activity":
                room.activity_changed({"id": f"a{value % 3}", "state": "open" if value < 3 else "closed"})
            case "tally":
                room.tallied([{"type": "tally", "activity_id": f"a{value % 3}", "total": number}])
            case "heartbeat":
                room.presence.heartbeat(f"v{value}", "venue", now)
        batch = room.take_batch(now, 0.0)
        if batch is not None:
            client = fold(client, batch)
    snapshot = room.snapshot(0.0)
    for field in ("epoch", "seq", "comments", "pinned", "viewers", "likes", "cut", "event", "level", "activities"):
        assert client[field] == snapshot[field], field


SAID = st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["u1", "d1"]), st.booleans()), max_size=200)


@given(SAID, st.integers(0, 4), st.integers(0, 4))
def test_every_comment_is_shown_or_hidden_once_whatever_the_level(
    said: list[tuple[int, str, bool]], before: int, after: int
) -> None:
    room = Room("event", RoomRecord(epoch=1), [], RoomRules("live"))
    room.degrade(LADDER[before])
    shown: list[str] = []
    hidden = unseen = 0
    for number, (pause, viewer, tick) in enumerate(said):
        room.add_comment(Comment(f"c{number}", "event", viewer, "n", f"words {number}", 0, Status.SHOWN), 0)
        if not tick:
            continue
        batch = room.take_batch(number + pause / 100, 0.0)
        if batch is not None:
            shown += [item["id"] for item in batch["items"] if item["type"] == "comment"]
            hidden += batch["hidden"]
        unseen += len(room.take_unseen())
    polled = [comment["id"] for comment in room.polled(1e6, 0.0)["comments"]]
    if not LADDER[before].chatter:
        assert not shown and (LADDER[before].comments or not polled)
    room.degrade(LADDER[after])
    batch = room.take_batch(1e6, 0.0)
    room.degrade(LADDER[0])
    for last in (batch, room.take_batch(2e6, 0.0)):
        if last is not None:
            shown += [item["id"] for item in last["items"] if item["type"] == "comment"]
            hidden += last["hidden"]
    assert len(set(shown)) == len(shown) and len(shown) + hidden == len(said)
    assert shown == sorted(shown, key=lambda id_: int(id_[1:]))
    assert unseen + len(room.take_unseen()) <= hidden


@given(st.integers(0, 4), st.integers(0, 4))
def test_state_is_never_left_out(level: int, other: int) -> None:
    room = Room("event", RoomRecord(epoch=1), [], RoomRules("live"))
    room.degrade(LADDER[level])
    room.activity_changed({"id": "a1", "state": "open"})
    room.tallied([{"type": "tally", "activity_id": "a1", "total": 5}])
    room.announce({"type": "notice", "text": "words"})
    room.remove_comment("c1")
    room.apply(RoomRules("live", cut=True))
    room.degrade(LADDER[other])
    batch = room.take_batch(1.0, 0.0)
    assert batch is not None
    types = [item["type"] for item in batch["items"]]
    assert {"activity", "tally", "notice", "comment_removed", "cut", "event", "level"} <= set(types)
    assert room.snapshot(0.0)["activities"] == [{"id": "a1", "state": "open", "tally": {"total": 5}}]
