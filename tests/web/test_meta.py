"""Health, readiness, metrics and the API's own page."""

from __future__ import annotations

import pytest

from tests.support.hub import InProcessHub

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]


async def test_health_and_readiness_name_the_backing_services(hub: InProcessHub) -> None:
    stranger = hub.stranger()
    assert (await stranger.ok("GET", "/healthz")) == {"status": "ok"}
    assert (await stranger.ok("GET", "/readyz")) == {"status": "ok", "services": {"mongodb": True, "redis": True}}


async def test_metrics_are_prometheus_text(hub: InProcessHub) -> None:
    answer = await hub.stranger()("GET", "/metrics")
    assert answer.status == 200 and answer.headers["content-type"] == "text/plain; version=0.0.4"
    for name in ("venuecast_feeds_live", "venuecast_programs", "venuecast_viewers"):
        assert f"# TYPE {name} gauge" in answer.body.decode()


async def test_the_docs_page_lists_every_documented_path(hub: InProcessHub) -> None:
    stranger = hub.stranger()
    page = (await stranger("GET", "/api/docs")).body.decode()
    document = await stranger.ok("GET", "/api/v1/openapi.json")
    assert document["paths"]
    assert [path for path in document["paths"] if f"<code>{path}</code>" not in page] == []


async def test_what_is_not_there_is_a_problem(hub: InProcessHub) -> None:
    stranger = hub.stranger()
    answer = await stranger("GET", "/api/v1/nothing", headers={"Accept-Language": "en"})
    assert (answer.status, answer.content_type, answer.json["code"]) == (404, "application/problem+json", "not_found")
    answer = await stranger("DELETE", "/api/v1/events")
    assert (answer.status, answer.content_type) == (405, "application/problem+json")
    assert answer.headers["allow"] == "GET, POST"
