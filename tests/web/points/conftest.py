"""The hub of these tests lets many events be live at once: each test has one of its own."""

from __future__ import annotations

import pytest_asyncio

from tests.support.hub import InProcessHub


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def roomy(hub: InProcessHub) -> None:
    [center] = [one for one in (await hub.admin.ok("GET", "/api/v1/centers"))["items"] if one["id"] == hub.first_center]
    quotas = center["quotas"] | {"live_events": 500}
    await hub.admin.ok("PATCH", f"/api/v1/centers/{hub.first_center}", {"quotas": quotas})
