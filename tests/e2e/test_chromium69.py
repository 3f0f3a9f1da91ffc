"""The floor for old webviews: the pages in a real Chromium 69, which has no H.264 and no newer script or style."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_process import HubProcess, encoder
from tests.support.waiting import eventually_async
from web.routes.pages import DIST

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DRIVER = Path(__file__).parent / "chromium69" / "drive.mjs"
TAPS = DRIVER.with_name("taps.mjs")
ASSETS = DIST / "assets"
EVERYBODY = {"anonymous_may": ["watch", "like", "comment"], "moderation": "post"}
CHOSEN = "[aria-checked=true]"
ACTIVITIES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    (
        {"kind": "vote", "title": "最喜欢的花灯", "options": [{"text": "鲤鱼灯"}, {"text": "走马灯"}]},
        [("鲤鱼灯", CHOSEN), ("投票", "已投票")],
    ),
    ({"kind": "lottery", "title": "直播抽奖", "prizes": [{"name": "雨伞"}]}, [("我要参加", "您在奖池中")]),
    ({"kind": "checkin", "title": "现场报到"}, [("签到", "签到成功")]),
    (
        {
            "kind": "quiz",
            "title": "消防问答",
            "begin": "by_hand",
            "questions": [
                {
                    "text": "火警电话？",
                    "seconds": 300,
                    "options": [{"text": "一一九", "correct": True}, {"text": "一二零"}],
                }
            ],
        },
        [("一一九", CHOSEN), ("确定", "已作答")],
    ),
]
"""What an operator prepares, and how a thumb takes part: [the words that are tapped, the words that follow]."""
FITS = {"scrolls": False, "small": [], "sideways": [], "spilt": [], "tiny": []}
"""No sideways scroll, no target under 44 px, nothing beyond the edge, no label beyond its button; words of 16 px."""


@pytest.fixture(scope="session")
def chromium69(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the driver unpacks the browser on first use."""
    return tmp_path_factory.mktemp("chromium69") / "chromium"


async def look(chromium69: Path, directory: Path, url: str, comment: str = "", *modules: str) -> dict[str, Any]:
    """Open a page as an old phone does, say something in it if asked to, and return what was seen."""
    return await drive(DRIVER, chromium69, directory, url, comment, *modules)


async def drive(driver: Path, chromium69: Path, directory: Path, url: str, *more: str) -> dict[str, Any]:
    screenshot = directory / "screen.png"
    arguments = [str(driver), str(chromium69), str(screenshot), url, *more]
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
    assert "failed" not in seen, json.dumps(seen, ensure_ascii=False)
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


async def test_an_old_phone_takes_part_in_every_activity(hub: HubProcess, chromium69: Path, tmp_path: Path) -> None:
    may = {"anonymous_may": ["watch", "like", "comment", "vote", "answer", "enter"], "moderation": "post"}
    event = await asyncio.to_thread(hub.create_event, rules=may)
    await asyncio.to_thread(hub.start_event, event["id"])
    steps: list[tuple[str, str]] = []
    ids = []
    for body, taps in ACTIVITIES:
        activity = await asyncio.to_thread(hub.request, "POST", f"/api/v1/events/{event['id']}/activities", body)
        await asyncio.to_thread(hub.request, "POST", f"/api/v1/activities/{activity['id']}/open")
        ids.append(activity["id"])
        steps += [(body["title"], "收起"), *taps, ("收起", "评论")]
    driving = asyncio.create_task(drive(TAPS, chromium69, tmp_path, f"{hub.url}/e/{event['id']}", json.dumps(steps)))

    async def here() -> bool:
        results = await asyncio.to_thread(hub.request, "GET", f"/api/v1/activities/{ids[-2]}/results")
        return bool(results["total"] == 1) or driving.done()

    await eventually_async(here, 60.0)
    # who comes later plays from the next question on, so it is asked now
    await asyncio.to_thread(hub.request, "POST", f"/api/v1/activities/{ids[-1]}/ask")
    seen = await driving
    assert seen["errors"] == [] and not seen["sideways"]
    for activity_id in ids:
        results = await asyncio.to_thread(hub.request, "GET", f"/api/v1/activities/{activity_id}/results")
        answered = results["questions"][0]["answered"] if "questions" in results else 0
        assert 1 in (results.get("total"), results.get("entries"), answered), results


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
