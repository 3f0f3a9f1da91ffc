"""`venuecast demo`: two venues on air from nothing, in one command."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import urllib3

from tests.support.commands import environment

pytestmark = [pytest.mark.service, pytest.mark.timeout(120)]

FIRST_PICTURE_SECONDS = 60.0


def test_two_venues_are_on_air_and_stop_with_ctrl_c(tmp_path: Path) -> None:
    log = tmp_path / "demo.log"
    with log.open("wb") as output:
        demo = subprocess.Popen(
            [sys.executable, "-m", "web.main", "demo"],
            env=environment(tmp_path / "data", VENUECAST_HTTP_HOST="127.0.0.1", VENUECAST_RTMP_HOST="127.0.0.1"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        url, event_id = watch_address(demo, log)
        event = urllib3.request("GET", f"{url}/api/v1/events/{event_id}/page").json()
        assert [venue["name"] for venue in event["venues"]] == ["主会场", "河滨分会场"]
        for venue in event["venues"]:
            playlist = urllib3.request("GET", f"{url}/live/{event_id}/{venue['id']}/index.m3u8", timeout=30)
            assert (playlist.status, b"#EXTM3U" in playlist.data) == (200, True)
        assert "comment" in event["anonymous_may"]
        found = re.search(r"Password  (\S+)", log.read_text())
        assert found is not None
        signed_in = urllib3.request(
            "POST", f"{url}/api/v1/auth/login", json={"username": "admin", "password": found.group(1)}
        )
        assert signed_in.status == 200
        cameras = [child for child in psutil.Process(demo.pid).children() if "ffmpeg" in child.name()]
        assert len(cameras) == 2
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
        assert not any(camera.is_running() for camera in cameras)
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()


def watch_address(demo: subprocess.Popen[bytes], log: Path) -> tuple[str, str]:
    deadline = time.monotonic() + FIRST_PICTURE_SECONDS
    while time.monotonic() < deadline and demo.poll() is None:
        found = re.search(r"Watch     (http://\S+)/e/(\S+)", log.read_text())
        if found is not None:
            return found.group(1), found.group(2)
        time.sleep(0.1)
    raise AssertionError(log.read_text())
