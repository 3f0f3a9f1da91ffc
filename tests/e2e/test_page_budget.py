"""What a phone has to load before the player, and what the built pages must not contain; judged on the build itself."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.support.browser import phone
from tests.support.hub_process import HubProcess, encoder
from web.routes.pages import DIST

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

FIRST_VIEW_BYTES = 150_000
"""Gzip, scripts and styles of the audience page before a player is loaded."""
PAGES = ["audience.html", "replay.html", "console.html"]
VIEWER_PAGES = ["audience.html", "replay.html"]
NAMED_NOT_FETCHED = {
    "www.w3.org": "XML namespaces",
    "example.com": "a base for relative addresses",
    "aomedia.org": "a scheme of timed metadata",
    "vuejs.org": "pages that an error message names",
    "socket.io": "pages that an error message names",
    "github.com": "pages that an error message names",
    "www.naiveui.com": "pages that an error message names",
}
"""Hosts that may stand in scripts as text; the browser test below shows that nobody asks them."""


def linked(page: str) -> list[Path]:
    """The scripts and styles that a page names in its head: all it loads before it runs."""
    found = re.findall(r'(?:src|href)="(/[^"]+)"', (DIST / page).read_text("utf-8"))
    return [DIST / address.lstrip("/") for address in found]


def statically_imported(script: Path) -> set[Path]:
    """What a script imports by `import … from`, through every level (dynamic `import()` is loaded later)."""
    seen: set[Path] = set()
    pending = [script]
    while pending:
        one = pending.pop()
        if one in seen:
            continue
        seen.add(one)
        names = re.findall(r'(?:from|import)\s*["\']\./([^"\']+\.js)["\']', one.read_text("utf-8"))
        pending += [one.parent / name for name in names]
    return seen


def first_view(page: str) -> set[Path]:
    needed = {path for path in linked(page) if path.suffix == ".css"}
    for script in (path for path in linked(page) if path.suffix == ".js"):
        needed |= statically_imported(script)
    return needed


@pytest.mark.parametrize("page", VIEWER_PAGES)
def test_the_first_view_stays_within_its_budget(page: str) -> None:
    needed = first_view(page)
    assert {path.suffix for path in needed} == {".js", ".css"}
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in needed}
    assert sum(sizes.values()) <= FIRST_VIEW_BYTES, sizes
    assert not [name for name in sizes if name.startswith(("hls", "mpegts"))], "a player is loaded before the page"


def test_no_source_maps_are_shipped() -> None:
    scripts = [path for path in DIST.rglob("*") if path.suffix in (".js", ".css")]
    assert scripts
    assert not list(DIST.rglob("*.map"))
    assert [path.name for path in scripts if b"sourceMappingURL=" in path.read_bytes()] == []


def test_the_build_names_no_other_host() -> None:
    for path in DIST.rglob("*"):
        if path.suffix not in (".html", ".css", ".js"):
            continue
        hosts = set(re.findall(r"(?:https?:|[\"'(])//([\w-]+(?:\.[\w-]+)+)", path.read_text("utf-8")))
        allowed = NAMED_NOT_FETCHED.keys() if path.suffix == ".js" else set()
        assert hosts <= allowed, path.name


@pytest.mark.parametrize("page", VIEWER_PAGES)
def test_styles_for_viewers_need_nothing_newer_than_chrome_69(page: str) -> None:
    """No `gap` (in flex from 84), `aspect-ratio` and `:is` (88), `inset` (87), `min()` (79), and their kin."""
    newer = re.compile(
        r"(?:^|[;{])(?:(?:row-|column-)?gap|aspect-ratio|inset(?:-\w+)*)\s*:"
        r"|:(?:is|where|has)\("
        r"|[:\s,(](?:min|max|clamp)\("
        r"|\d(?:dvh|svh|lvh)\b"
    )
    styles = [path for path in linked(page) if path.suffix == ".css"]
    assert styles
    for style in styles:
        assert newer.findall(style.read_text("utf-8")) == [], style.name


async def test_a_live_page_asks_no_other_host(hub: HubProcess, browser: Browser) -> None:
    event = hub.create_event()
    hub.start_event(event["id"])
    context = await phone(browser)
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
        await page.goto(f"{hub.url}/e/{event['id']}")
        await page.wait_for_function("() => document.querySelector('video')?.videoWidth === 640", timeout=30_000)
    assert any(url.endswith(".m3u8") for url in asked)
    assert [url for url in asked if not url.startswith((hub.url, "blob:", "data:"))] == []
    await context.close()
