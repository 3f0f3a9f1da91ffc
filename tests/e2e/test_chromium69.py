"""The floor for old webviews: the pages in a real Chromium 69, which has no H.264 and no newer script or style."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_process import HubProcess, encoder
from web.routes.pages import DIST

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DRIVER = Path(__file__).parent / "chromium69" / "drive.mjs"
ASSETS = DIST / "assets"
EVERYBODY = {"anonymous_may": ["watch", "like", "comment"], "moderation": "post"}
FITS = {"scrolls": False, "small": [], "sideways": [], "spilt": [], "tiny": []}
"""No sideways scroll, no target under 44 px, nothing beyond the edge, no label beyond its button; words of 16 px."""


@pytest.fixture(scope="session")
def chromium69(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the driver unpacks the browser on first use."""
    return tmp_path_factory.mktemp("chromium69") / "chromium"


async def look(chromium69: Path, directory: Path, url: str, comment: str = "", *modules: str) -> dict[str, Any]:
    """Open a page as an old phone does, say something in it if asked to, and return what was seen."""
    screenshot = directory / "screen.png"
    arguments = [str(DRIVER), str(chromium69), str(screenshot), url, comment, *modules]
    process = await asyncio.create_subprocess_exec(
        "node", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        output, complaints = await asyncio.wait_for(process.communicate(), 90)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()
    seen: dict[str, Any] = json.loads(output)
    assert "failed" not in seen, seen
    assert seen["version"].startswith("HeadlessChrome/69.")
    assert screenshot.stat().st_size > 1000
    return seen


async def test_the_live_page_lays_out_and_comments_with_an_honest_word_about_the_picture(
    hub: HubProcess, chromium69: Path, tmp_path: Path
) -> None:
    event = await asyncio.to_thread(hub.create_event, venues=4, rules=EVERYBODY, description="灯会在人民广场举行。")
    await asyncio.to_thread(hub.start_event, event["id"])
    with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
        seen = await look(chromium69, tmp_path, f"{hub.url}/e/{event['id']}", "老手机也能说话")
    assert seen["errors"] == []
    assert seen["layout"] == FITS
    assert seen["status"] == ["此浏览器不能播放直播画面，您仍可参与评论。请用较新的手机浏览器或客户端观看。"]
    assert len(seen["comments"]) == 1 and "老手机也能说话" in seen["comments"][0]
    kept = await asyncio.to_thread(hub.request, "GET", f"/api/v1/events/{event['id']}/comments")
    assert [comment["text"] for comment in kept["items"]] == ["老手机也能说话"]


async def test_the_countdown_lays_out(hub: HubProcess, chromium69: Path, tmp_path: Path) -> None:
    event = await asyncio.to_thread(hub.create_event, starts_at="2099-10-01T12:00:00Z", venues=2)
    seen = await look(chromium69, tmp_path, f"{hub.url}/e/{event['id']}")
    assert seen["errors"] == []
    assert seen["layout"] == FITS
    assert "国庆灯会" in seen["text"] and "开始" in seen["text"]


async def test_the_players_parse_although_this_browser_never_starts_them(
    hub: HubProcess, chromium69: Path, tmp_path: Path
) -> None:
    players = [path for pattern in ("hls*.js", "flv*.js", "mpegts*.js") for path in ASSETS.glob(pattern)]
    assert len(players) >= 3
    modules = [f"/assets/{path.name}" for path in players]
    seen = await look(chromium69, tmp_path, f"{hub.url}/e/nosuchevent", "", *modules)
    assert seen["modules"] == [""] * len(modules)


@pytest.mark.parametrize(
    ("path", "words"), [("/e/nosuchevent", "没有找到这场直播"), ("/r/nosuchreplay", "没有找到这个回放")]
)
async def test_a_wrong_link_is_said_in_plain_words(
    hub: HubProcess, chromium69: Path, tmp_path: Path, path: str, words: str
) -> None:
    seen = await look(chromium69, tmp_path, hub.url + path)
    assert words in seen["text"]
    assert seen["layout"] == FITS
    # the page itself is answered with 404, which the browser reports; scripts have nothing to say
    assert [error for error in seen["errors"] if "404" not in error] == []
