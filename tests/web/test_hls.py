"""HLS over HTTP: playlists, blocking, media, caching; judged by ffmpeg over a real socket."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from streaming.hls import window as window_module
from streaming.hls.output import HlsOutput, open_output
from streaming.hls.writer import open_writer
from streaming.media import Item
from streaming.stream import Stream
from tests.support.encoded import encode
from web.routes import hls as routes
from web.routes.hls import hls_endpoints

Client = TestClient[web.Request, web.Application]


@dataclass
class Live:
    client: Client
    stream: Stream
    output: HlsOutput
    items: tuple[Item, ...]

    def play(self, seconds: float) -> None:
        """Write so much of the media as has not been written yet."""
        count = round(len(self.items) * seconds / 6.0)
        for item in self.items[self.written : count]:
            self.stream.write(item)
        self.written = max(self.written, count)

    written: int = 0


class Outputs:
    output: HlsOutput | None = None

    def hls(self, event_id: str, venue_id: str) -> HlsOutput | None:
        return self.output if (event_id, venue_id) in (("e", "v"), ("e", "main")) else None


async def _replay_of(event_id: str) -> str | None:
    return "https://live.example.cn/replay/item/index.m3u8" if event_id == "ended" else None


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    outputs = Outputs()
    app = web.Application()
    for endpoint in hls_endpoints(outputs, _replay_of):
        app.router.add_route(endpoint.method, endpoint.path, endpoint.handler)
    stream = Stream("test")
    items = await asyncio.to_thread(encode, 6.0)
    async with open_writer() as writer, TestClient(TestServer(app, host="127.0.0.1")) as client:
        outputs.output = await open_output(stream, tmp_path / "e" / "v", writer)
        yield Live(client, stream, outputs.output, items)
        await outputs.output.close()


@pytest.mark.service
async def test_the_judge_plays_it_over_http(live: Live) -> None:
    live.play(6.0)
    await live.output.close()
    url = str(live.client.make_url("/live/e/main/index.m3u8"))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-i", url, "-f", "null", "-"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.service
async def test_case_44_a_blocking_request_is_answered_when_its_part_lands(live: Live) -> None:
    live.play(2.5)
    msn, part = live.output.window.position
    url = f"/live/e/v/media.m3u8?_HLS_msn={msn}&_HLS_part={part}"
    waiting = asyncio.ensure_future(live.client.get(url))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert not done
    live.play(3.5)
    answer = await asyncio.wait_for(waiting, 30)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert f"seg-{msn}.{part}.m4s" in await answer.text()


@pytest.mark.service
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("_HLS_msn=99", 400),
        ("_HLS_part=1", 400),
        ("_HLS_msn=x", 400),
        ("_HLS_msn=-1", 400),
        ("_HLS_msn=2&_HLS_part=99", 400),
        ("_HLS_msn=1", 200),
        ("_HLS_skip=YES", 200),
        ("unknown=1", 200),
    ],
)
async def test_directives(live: Live, query: str, status: int) -> None:
    live.play(3.0)
    answer = await live.client.get(f"/live/e/v/media.m3u8?{query}")
    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.service
async def test_a_feed_that_stalls_answers_503(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "BLOCK_SECONDS", 0.05)
    live.play(3.0)
    msn, part = live.output.window.position
    answer = await live.client.get(f"/live/e/v/media.m3u8?_HLS_msn={msn}&_HLS_part={part}")
    assert answer.status == 503
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.service
async def test_the_hinted_part_is_held_until_it_is_there(live: Live) -> None:
    live.play(2.5)
    msn, part = live.output.window.position
    waiting = asyncio.ensure_future(live.client.get(f"/live/e/v/seg-{msn}.{part}.m4s"))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert not done
    live.play(3.5)
    answer = await asyncio.wait_for(waiting, 30)
    assert (answer.status, await answer.read()) == (200, live.output.window.file(f"seg-{msn}.{part}.m4s"))


@pytest.mark.service
async def test_segments_are_immutable_and_take_ranges(live: Live) -> None:
    live.play(4.5)
    url = "/live/e/v/seg-1.m4s"
    whole = await live.client.get(url)
    data = await whole.read()
    assert whole.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert whole.content_type == "video/iso.segment"
    etag = whole.headers["ETag"]
    part = await live.client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status, await part.read()) == (206, data[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(data)}"
    tail = await live.client.get(url, headers={"Range": "bytes=-5"})
    assert (tail.status, await tail.read()) == (206, data[-5:])
    outside = await live.client.get(url, headers={"Range": f"bytes={len(data)}-"})
    assert (outside.status, outside.headers["Content-Range"]) == (416, f"bytes */{len(data)}")
    stale = await live.client.get(url, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (stale.status, await stale.read()) == (200, data)
    assert (await live.client.get(url, headers={"If-None-Match": etag})).status == 304
    assert (await live.client.get("/live/e/v/init-1.mp4")).content_type == "video/mp4"


@pytest.mark.service
async def test_a_segment_that_has_left_memory_comes_from_its_file(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.play(6.0)
    data = live.output.window.file("seg-1.m4s")
    await live.output.close()
    monkeypatch.setattr(live.output.window, "file", lambda _: None)
    answer = await live.client.get("/live/e/v/seg-1.m4s")
    assert (answer.status, await answer.read()) == (200, data)


@pytest.mark.service
@pytest.mark.parametrize("name", ["seg-99.m4s", "index.jsonl", "seg-1.m4s.tmp", "..%2f..%2fsecret", "init-9.mp4"])
async def test_other_names_are_404_for_a_second(live: Live, name: str) -> None:
    live.play(3.0)
    answer = await live.client.get(f"/live/e/v/{name}")
    assert (answer.status, answer.headers["Cache-Control"]) == (404, "max-age=1")
    assert answer.content_type == "application/problem+json"


@pytest.mark.service
async def test_playlists_are_compressed_and_fresh_for_a_second(live: Live) -> None:
    live.play(3.0)
    packed = await live.client.get("/live/e/v/media.m3u8", headers={"Accept-Encoding": "gzip"})
    plain = await live.client.get("/live/e/v/media.m3u8", headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert await packed.text() == await plain.text()
    assert packed.headers["Cache-Control"] == "max-age=1"
    assert "Content-Encoding" not in plain.headers


@pytest.mark.service
async def test_apples_player_gets_low_latency_only_behind_http_2(live: Live) -> None:
    live.play(3.0)
    agent = {"User-Agent": "AppleCoreMedia/1.0.0"}
    assert "plain=1" in await (await live.client.get("/live/e/v/index.m3u8", headers=agent)).text()
    behind = {**agent, "X-Forwarded-Http-Version": "HTTP/2.0"}
    assert "plain=1" not in await (await live.client.get("/live/e/v/index.m3u8", headers=behind)).text()
    assert "PART" not in await (await live.client.get("/live/e/v/media.m3u8?plain=1")).text()


@pytest.mark.service
async def test_case_45_before_the_first_picture_players_wait(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = asyncio.ensure_future(live.client.get("/live/e/v/index.m3u8"))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert not done
    live.play(3.0)
    answer = await asyncio.wait_for(waiting, 30)
    assert 'CODECS="avc1.' in await answer.text()


@pytest.mark.service
async def test_case_45_no_picture_in_time_is_a_problem(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "FIRST_PICTURE_SECONDS", 0.05)
    for name in ("index.m3u8", "media.m3u8"):
        answer = await live.client.get(f"/live/e/v/{name}")
        assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.service
async def test_what_is_not_live_points_at_its_replay(live: Live) -> None:
    answer = await live.client.get("/live/ended/main/index.m3u8")
    assert answer.status == 404
    assert answer.headers["Link"].startswith("<https://live.example.cn/replay/item/index.m3u8>")
    assert "Link" not in (await live.client.get("/live/other/main/index.m3u8")).headers
