"""An old snapshot and the batches behind it give the new snapshot, whatever happens in a room."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interaction.room import Room, RoomRules
from interaction.store.comments import Comment, Status
from interaction.store.rooms import RoomRecord

ACTS = st.lists(
    st.tuples(
        st.sampled_from(["comment", "remove", "like", "heart", "pin", "cut", "end", "heartbeat", "tick"]),
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
            case "heartbeat":
                room.presence.heartbeat(f"v{value}", "venue", now)
        batch = room.take_batch(now, 0.0)
        if batch is not None:
            client = fold(client, batch)
    snapshot = room.snapshot(0.0)
    for field in ("epoch", "seq", "comments", "pinned", "viewers", "likes", "cut", "event"):
        assert client[field] == snapshot[field], field
