"""One hub a module, with small pages of its own in place of the built ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import BackingUrls
from tests.support.hub import InProcessHub, in_process_hub
from web.routes import pages

TEMPLATE = '<!doctype html><html lang="zh-CN"><head><!--head--></head><body>{name}<!--data--></body></html>'


@pytest.fixture(scope="module")
def small_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages with the marks that the real ones have, so that these tests need no front-end build."""
    dist = tmp_path_factory.mktemp("dist")
    for name in ("audience", "screen", "verify", "cam", "console", "replay"):
        (dist / f"{name}.html").write_text(TEMPLATE.replace("{name}", name * 300), "utf-8")
    (dist / "assets").mkdir()
    (dist / "assets" / "main-1a2b.js").write_text("console.log('灯会');\n" * 100, "utf-8")
    (dist / "assets" / "logo-3c4d.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    return dist


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    backing_urls: BackingUrls, small_pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[InProcessHub]:
    """The whole hub, shared by a module's tests: each makes the centers, people and events that it needs."""
    directory = tmp_path_factory.mktemp("hub")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "DIST", small_pages)
        async with in_process_hub(backing_urls.mongodb, backing_urls.redis, directory / "data") as opened:
            yield opened
