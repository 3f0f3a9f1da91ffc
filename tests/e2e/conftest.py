"""One hub for the browser tests of a worker, as its users run it, and one Chromium a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser

from tests.support.browser import chromium
from tests.support.hub_process import HubProcess, hub_process


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("hub") / "data") as running:
        [center] = running.request("GET", "/api/v1/centers")["items"]
        quotas = center["quotas"] | {"live_events": 100}  # the tests of a worker leave theirs on air
        running.request("PATCH", f"/api/v1/centers/{center['id']}", {"quotas": quotas})
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running
