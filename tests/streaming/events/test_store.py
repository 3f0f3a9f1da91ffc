"""The `events` collection on a real MongoDB: what goes in comes out, keys lead to feeds, edits do not overwrite."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from config.ids import new_id, new_stream_key
from config.mongodb import Database
from streaming.events.model import Event, EventState, Feed, FeedAddress, Rules, Venue
from streaming.events.store import UNIQUE_KEYS, Conflict, EventStore, from_document, to_document

pytestmark = pytest.mark.service


@pytest.fixture
async def store(database: Database) -> EventStore:
    opened = EventStore(database)
    await opened.ensure_indexes()
    return opened


def feed(key: str | None = "") -> Feed:
    return Feed(new_id(), "机位", new_stream_key() if key == "" else key)


def event(center_id: str = "center", *, created_at: float = 1_800_000_000.125, venues: int = 2) -> Event:
    return Event(
        id=new_id(),
        center_id=center_id,
        title="国庆灯会",
        description="晚上见\n不见不散",
        state=EventState.SCHEDULED,
        rules=Rules(("watch", "comment"), "post", 2.5, "after_review"),
        venues=tuple(Venue(new_id(), f"会场{n}", n == 0, (feed(), feed())) for n in range(venues)),
        created_at=created_at,
        starts_at=1_800_000_900.0,
        poster="/posters/a.jpg",
        cut=True,
    )


async def test_what_goes_in_comes_out(store: EventStore) -> None:
    kept = replace(event(), state=EventState.ENDED, started_at=1_800_001_000.5, ended_at=1_800_002_000.25)
    await store.insert(kept)
    assert await store.get(kept.id) == kept
    assert from_document(to_document(kept)) == kept
    assert await store.get(new_id()) is None


async def test_a_key_leads_to_its_feed(store: EventStore) -> None:
    kept, other = event(), event("another")
    await store.insert(kept)
    await store.insert(other)
    venue = kept.venues[1]
    wanted = venue.feeds[1]
    assert wanted.stream_key is not None
    address = FeedAddress("center", kept.id, venue.id, wanted.id, "机位", "会场1", EventState.SCHEDULED)
    assert await store.find_by_key(wanted.stream_key) == address
    assert await store.find_feed(wanted.id) == address
    assert await store.find_by_key(new_stream_key()) is None
    assert await store.find_feed(new_id()) is None


async def test_a_revoked_key_leads_nowhere(store: EventStore) -> None:
    kept = event()
    await store.insert(kept)
    revoked = kept.venues[0].feeds[0]
    assert revoked.stream_key is not None
    venue = replace(kept.venues[0], feeds=(replace(revoked, stream_key=None), kept.venues[0].feeds[1]))
    await store.update(kept.id, kept, replace(kept, venues=(venue, kept.venues[1])))
    assert await store.find_by_key(revoked.stream_key) is None
    assert await store.find_by_key("") is None
    found = await store.find_feed(revoked.id)
    assert found is not None and found.feed_id == revoked.id


async def test_any_number_of_events_have_revoked_keys_and_venues_without_a_feed(store: EventStore) -> None:
    for _ in range(3):
        bare = event()
        venues = (Venue(new_id(), "主会场", True, (feed(None), feed())), Venue(new_id(), "分会场", False, ()))
        await store.insert(replace(bare, venues=venues))
    assert len(await store.page(None)) == 3


async def test_the_index_of_early_builds_goes(database: Database) -> None:
    await database["events"].create_index(
        "venues.feeds.stream_key", unique=True, partialFilterExpression={"venues.feeds.stream_key": {"$type": "string"}}
    )
    await EventStore(database).ensure_indexes()
    indexes = await database["events"].index_information()
    assert UNIQUE_KEYS not in indexes and "unique" not in indexes["stream_key"]


async def test_looking_up_a_key_reads_one_document(store: EventStore, database: Database) -> None:
    kept = [event() for _ in range(20)]
    for one in kept:
        await store.insert(one)
    plan = await database.command(
        {
            "explain": {"find": "events", "filter": {"venues.feeds.stream_key": kept[7].venues[0].feeds[0].stream_key}},
            "verbosity": "executionStats",
        }
    )
    assert plan["executionStats"]["totalDocsExamined"] == 1


async def test_an_edit_of_something_older_is_a_conflict(store: EventStore) -> None:
    kept = event()
    await store.insert(kept)
    renamed = await store.update(kept.id, kept, replace(kept, title="灯会"))
    assert renamed.title == "灯会"
    with pytest.raises(Conflict):
        await store.update(kept.id, kept, replace(kept, description=""))
    assert await store.get(kept.id) == renamed


async def test_of_edits_at_once_one_wins(store: EventStore) -> None:
    kept = event()
    await store.insert(kept)
    edits = [store.update(kept.id, kept, replace(kept, title=f"名字{n}")) for n in range(5)]
    outcomes = await asyncio.gather(*edits, return_exceptions=True)
    won = [outcome for outcome in outcomes if isinstance(outcome, Event)]
    assert len(won) == 1
    assert [type(outcome) for outcome in outcomes].count(Conflict) == 4
    assert await store.get(kept.id) == won[0]


async def test_pages_are_newest_first_and_meet_without_a_hole(store: EventStore) -> None:
    # three of one moment: the id decides between them
    kept = [event(created_at=at) for at in (1.0, 2.0, 2.0, 2.0, 3.0)]
    for one in [*kept, event("another", created_at=2.5)]:
        await store.insert(one)
    expected = [e.id for e in sorted(kept, key=lambda e: (e.created_at, e.id), reverse=True)]
    found: list[str] = []
    before = None
    while page := await store.page(["center"], before=before, limit=2):
        found += [one.id for one in page]
        before = (page[-1].created_at, page[-1].id)
    assert found == expected


async def test_pages_filter_by_center_and_state(store: EventStore) -> None:
    live, draft = replace(event(), state=EventState.LIVE), event("another")
    await store.insert(live)
    await store.insert(draft)
    assert await store.page([]) == []
    assert await store.page(["center"]) == [live]
    assert await store.page(None, state=EventState.LIVE) == [live]
    assert await store.in_states((EventState.SCHEDULED,)) == [draft]
    assert (await store.count_live("center"), await store.count_live("another")) == (1, 0)
