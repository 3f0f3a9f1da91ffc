"""RTMP playback through the whole hub: a program for everybody, a feed for the crew of its center alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import av
import pytest

from tests.conftest import BackingUrls
from tests.support.hub import in_process_hub
from tests.support.short_film import make_short_film
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.service
SECONDS = 60.0


def frames(url: str, count: int) -> int:
    """So many pictures, decoded by PyAV (ffmpeg)."""
    with av.open(url, timeout=SECONDS) as player:
        for number, _ in enumerate(player.decode(video=0), 1):
            if number >= count:
                return number
    return 0


async def test_a_program_and_a_feed_are_played(backing_urls: BackingUrls, tmp_path: Path) -> None:
    async with in_process_hub(backing_urls.mongodb, backing_urls.redis, tmp_path) as hub:
        await asyncio.to_thread(make_short_film, tmp_path / "sources" / "lake.mp4")
        crew = await hub.crew(hub.first_center, "director")
        event = await hub.event(crew)
        venue, feed = event["venues"][0], event["venues"][0]["feeds"][0]
        assert venue["play"]["rtmp_url"] == f"rtmp://127.0.0.1:{hub.running.rtmp_port}/play/{event['id']}/{venue['id']}"
        await crew.ok("PATCH", f"/api/v1/feeds/{feed['id']}", {"source": {"url": "file:lake.mp4"}})
        playing = asyncio.create_task(asyncio.to_thread(frames, venue["play"]["rtmp_url"], 10))
        await crew.ok("POST", f"/api/v1/events/{event['id']}/start")
        assert await playing == 10, "it came before the event was live"

        async def live() -> bool:
            now = await crew.ok("GET", f"/api/v1/events/{event['id']}")
            return bool(now["venues"][0]["feeds"][0]["status"]["state"] == "live")

        await eventually_async(live, SECONDS)
        address = feed["preview"]["rtmp_url"]
        assert await asyncio.to_thread(frames, f"{address}?token={crew.token}", 10) == 10
        stranger = await hub.crew(await hub.center("别的中心"), "director")
        for token in ("", "?token=nonsense", f"?token={stranger.token}"):
            with pytest.raises(av.FFmpegError):
                await asyncio.to_thread(frames, address + token, 1)
        assert "venuecast_rtmp_players_refused_total 3.0" in (await hub.stranger()("GET", "/metrics")).body.decode()
