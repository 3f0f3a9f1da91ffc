"""A clean push for ten minutes raises no health notice."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.support.hub_process import encoder, hub_process

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

MINUTES = float(os.environ.get("CLEAN_FEED_MINUTES", "10"))


def test_a_clean_push_raises_nothing(tmp_path: Path) -> None:
    with hub_process(tmp_path / "data") as hub:
        event = hub.create_event()
        hub.start_event(event["id"])
        raised: list[object] = []
        with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]) as push:
            deadline = time.monotonic() + MINUTES * 60
            while time.monotonic() < deadline:
                time.sleep(2)
                assert push.poll() is None, "the encoder was cut off"
                status = hub.request("GET", f"/api/v1/events/{event['id']}")["venues"][0]["feeds"][0]["status"]
                raised += status["health"]
        assert raised == []
