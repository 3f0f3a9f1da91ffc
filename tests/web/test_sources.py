"""Sources through the API: set, shown, pulled, refused in words; SRT through the whole hub."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from streaming.gateway.process import ffmpeg_binary
from tests.conftest import BackingUrls
from tests.support.hub import in_process_hub
from tests.support.short_film import make_short_film
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.service
SECONDS = 60.0


async def test_a_film_in_a_loop_and_an_srt_encoder_are_feeds_like_any_other(
    backing_urls: BackingUrls, tmp_path: Path
) -> None:
    async with in_process_hub(backing_urls.mongodb, backing_urls.redis, tmp_path, VENUECAST_PULL_NETWORKS="any") as hub:
        film = await asyncio.to_thread(make_short_film, tmp_path / "sources" / "lake.mp4")
        crew = await hub.crew(hub.first_center, "director")
        event = await hub.event(crew)
        first, second = event["venues"][0]["feeds"]
        body = {"source": {"url": "file:lake.mp4"}}
        answer = await crew.ok("PATCH", f"/api/v1/feeds/{first['id']}", body)
        assert answer["venues"][0]["feeds"][0]["source"]["url"] == "file:lake.mp4"
        assert answer["venues"][0]["feeds"][0]["status"]["pull"] is None, "not due yet"
        await crew.ok("POST", f"/api/v1/events/{event['id']}/start")

        async def feed(index: int) -> Any:
            now = await crew.ok("GET", f"/api/v1/events/{event['id']}")
            return now["venues"][0]["feeds"][index]["status"]

        async def is_live(index: int) -> bool:
            return bool((await feed(index))["state"] == "live")

        await eventually_async(lambda: is_live(0), SECONDS)
        status = await feed(0)
        assert status["protocol"] == "pull-file"
        assert status["pull"]["state"] == "live"
        flv = event["venues"][0]["play"]["flv_url"].removeprefix(hub.url)
        assert (await hub.stranger()("GET", flv)).body[:3] == b"FLV"

        address = second["ingest"]["srt_url"]
        assert f":{hub.running.srt_port}?" in address
        command = [ffmpeg_binary(), "-v", "error", "-re", "-stream_loop", "-1", "-i", str(film), "-c", "copy"]
        encoder = await asyncio.create_subprocess_exec(*command, "-f", "mpegts", address)
        try:
            await eventually_async(lambda: is_live(1), SECONDS)

            async def counted() -> bool:
                return bool(((await feed(1))["link"] or {"packets": 0})["packets"] > 50)

            await eventually_async(counted, SECONDS)
            assert (await feed(1))["protocol"] == "srt"
            metrics = (await hub.stranger()("GET", "/metrics")).body.decode()
            assert "venuecast_srt_callers 1.0" in metrics
            assert "venuecast_sources_live 1.0" in metrics
        finally:
            encoder.kill()
            await encoder.wait()


async def test_addresses_that_may_not_be_pulled_are_refused_in_words_and_keep_their_secrets(
    backing_urls: BackingUrls, tmp_path: Path
) -> None:
    async with in_process_hub(backing_urls.mongodb, backing_urls.redis, tmp_path) as hub:
        crew = await hub.crew(hub.first_center, "director")
        event = await hub.event(crew)
        feed = event["venues"][0]["feeds"][0]
        for url in ("file:../secret", "gopher://10.0.0.1", "/etc/passwd"):
            answer = await crew("PATCH", f"/api/v1/feeds/{feed['id']}", {"source": {"url": url}})
            assert answer.status == 422, url
        body = {"source": {"url": "rtsp://admin:secret@127.0.0.1/1?token=abc"}}
        await crew.ok("PATCH", f"/api/v1/feeds/{feed['id']}", body)
        await crew.ok("POST", f"/api/v1/events/{event['id']}/start")

        async def pull() -> Any:
            return (await crew.ok("GET", f"/api/v1/events/{event['id']}"))["venues"][0]["feeds"][0]["status"]["pull"]

        async def refused() -> bool:
            return bool(((await pull()) or {}).get("state") == "refused")

        await eventually_async(refused, SECONDS)
        assert "主机设置" in (await pull())["zh"]
        moderator = await hub.crew(hub.first_center, "moderator")
        seen = await moderator.ok("GET", f"/api/v1/events/{event['id']}")
        assert seen["venues"][0]["feeds"][0]["source"]["url"] == "rtsp://127.0.0.1/1", "no password for them"
        await crew.ok("PATCH", f"/api/v1/feeds/{feed['id']}", {"source": None})
        assert await pull() is None
