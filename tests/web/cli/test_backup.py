"""A whole installation carried over: a comment, a recording and its replay, into a new place."""

from __future__ import annotations

import asyncio
import tarfile
import time
from pathlib import Path
from typing import Any

import av
import pytest
import socketio
import urllib3

from tests.support.commands import venuecast
from tests.support.hub_process import HubProcess, encoder, hub_process

pytestmark = [pytest.mark.service, pytest.mark.timeout(180)]

RULES = {"anonymous_may": ["watch", "like", "comment"], "moderation": "post", "replay": "at_end"}


async def comment(hub: HubProcess, event_id: str, text: str) -> None:
    joined = await asyncio.to_thread(
        hub.request, "POST", f"/api/v1/events/{event_id}/join", {"device_id": "phone-1"}, token=""
    )
    client = socketio.AsyncClient()
    await client.connect(hub.url, namespaces=["/room"], auth={"token": joined["token"]}, transports=["websocket"])
    answer = await client.call("comment", {"text": text, "client_id": "c1"}, namespace="/room")
    await client.disconnect()
    assert answer["ok"] is True


def replay_of(hub: HubProcess, event_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        items: list[dict[str, Any]] = hub.request("GET", f"/api/v1/library/items?event_id={event_id}")["items"]
        if items and items[0]["state"] == "published":
            return items[0]
        time.sleep(0.2)
    raise AssertionError("no replay within a minute of the end")


def packets_of(url: str) -> int:
    with av.open(url) as container:
        return sum(1 for packet in container.demux(video=0) if packet.dts is not None)


async def test_an_installation_is_restored_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "venuecast.tar"
    with hub_process(tmp_path / "old") as hub:
        event = await asyncio.to_thread(hub.create_event, rules=RULES)
        await asyncio.to_thread(hub.start_event, event["id"])
        with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
            await asyncio.sleep(7)
            await comment(hub, event["id"], "灯真好看")
        await asyncio.to_thread(hub.request, "POST", f"/api/v1/events/{event['id']}/end")
        item = await asyncio.to_thread(replay_of, hub, event["id"])
        watched = await asyncio.to_thread(packets_of, f"{hub.url}/replay/{item['id']}/index.m3u8")
        assert watched > 100
        made = await asyncio.to_thread(venuecast, "backup", str(file), data_dir=hub.data_dir)  # beside the running hub
        assert made.returncode == 0, made.stderr
        refused = await asyncio.to_thread(venuecast, "restore", str(file), data_dir=hub.data_dir)
        assert refused.returncode == 1
        assert "another hub is running" in refused.stderr

    restored = await asyncio.to_thread(venuecast, "restore", str(file), data_dir=tmp_path / "new")
    assert restored.returncode == 0, restored.stderr
    again = await asyncio.to_thread(venuecast, "restore", str(file), data_dir=tmp_path / "new")
    assert again.returncode == 1
    assert "holds events already" in again.stderr

    with hub_process(tmp_path / "new") as hub:
        assert hub.request("GET", f"/api/v1/events/{event['id']}")["state"] == "ended"
        comments = hub.request("GET", f"/api/v1/events/{event['id']}/comments")["items"]
        assert [kept["text"] for kept in comments] == ["灯真好看"]
        url = f"{hub.url}/replay/{item['id']}/index.m3u8"
        assert await asyncio.to_thread(packets_of, url) == watched
        page = await asyncio.to_thread(urllib3.request, "GET", f"{hub.url}/r/{item['id']}")
        assert page.status == 200


def test_a_damaged_backup_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "venuecast.tar"
    (tmp_path / "data" / "posters").mkdir(parents=True)
    (tmp_path / "data" / "posters" / "lantern.webp").write_bytes(b"a poster of lanterns" * 100)
    assert venuecast("backup", str(file), data_dir=tmp_path / "data").returncode == 0
    with tarfile.open(file) as archive:
        offset = archive.getmember("data/posters/lantern.webp").offset_data
    content = bytearray(file.read_bytes())
    content[offset + 3] ^= 1
    file.write_bytes(content)
    damaged = venuecast("restore", str(file), data_dir=tmp_path / "other")
    assert damaged.returncode == 1
    assert "damaged; nothing was restored" in damaged.stderr
    assert not (tmp_path / "other" / "posters").exists()


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"no tar at all")
    refused = venuecast("restore", str(tmp_path / "holiday.jpg"), data_dir=tmp_path / "data")
    assert refused.returncode == 1
    assert "cannot be read" in refused.stderr
