"""Start, stop, kill and start again, as an operator meets them."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
import urllib3

from tests.support.hub_process import HubProcess, encoder, hub_process

pytestmark = [pytest.mark.service, pytest.mark.timeout(180)]

SECOND_START_SECONDS = 5.0
"""What a crew is promised. Measured at 1.5 s."""


def children(hub: HubProcess) -> list[psutil.Process]:
    found = psutil.Process(hub.pid).children(recursive=True)
    assert {process.name() for process in found} >= {"mongod", "redis-server"}
    return found


def gone(processes: list[psutil.Process], seconds: float = 30.0) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive


def media_sequence(hub: HubProcess, event_id: str) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = urllib3.request("GET", f"{hub.url}/live/{event_id}/main/media.m3u8")
        for line in answer.data.decode().splitlines():
            if line.startswith("#EXT-X-MEDIA-SEQUENCE:"):
                return int(line.partition(":")[2]) + answer.data.count(b"#EXTINF")
        time.sleep(0.2)
    raise AssertionError("no playlist within a minute")


@pytest.mark.parametrize(
    ("stop", "start"),
    [(60.0, 60.0), pytest.param(20.0, SECOND_START_SECONDS, marks=pytest.mark.long)],
    ids=["done", "soon"],
)
def test_ctrl_c_stops_everything_in_order(tmp_path: Path, stop: float, start: float) -> None:
    with hub_process(tmp_path / "data") as hub:
        started = children(hub)
        event = hub.create_event()
        hub.start_event(event["id"])
        with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
            media_sequence(hub, event["id"])
            began = time.monotonic()
            assert hub.stop(60.0) == 0
            assert time.monotonic() - began < stop
        assert gone(started)
        assert not hub.running_file.exists()
        assert "Traceback" not in hub.log.read_text()
        assert "never awaited" not in hub.log.read_text()

        began = time.monotonic()
        hub.start()
        assert time.monotonic() - began < start


def test_a_second_ctrl_c_hurries(tmp_path: Path) -> None:
    with hub_process(tmp_path / "data") as hub:
        started = children(hub)
        process = psutil.Process(hub.pid)
        # the embedded servers are held, so that an orderly stop would have to wait for them
        for child in started:
            child.suspend()
        try:
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            assert process.status() != psutil.STATUS_ZOMBIE
            assert hub.stop() == 130  # an orderly stop waits for them, and says 0
        finally:
            for child in started:
                child.resume()
        assert gone(started)


def test_a_killed_hub_leaves_no_orphans_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with hub_process(tmp_path / "data") as hub:
        event = hub.create_event()
        hub.start_event(event["id"])
        started = children(hub)
        with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
            time.sleep(5)
            before = media_sequence(hub, event["id"])
            hub.kill()
        hub.start()  # at once: the old mongod may still be writing its last page
        assert gone(started)
        with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
            assert hub.request("GET", f"/api/v1/events/{event['id']}")["state"] == "live"
            assert media_sequence(hub, event["id"]) >= before


def test_a_second_hub_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with hub_process(tmp_path / "data") as hub:
        second = HubProcess(hub.data_dir)
        second.log = tmp_path / "second.log"
        second_running = hub.running_file.read_text()
        with pytest.raises(RuntimeError, match="another hub is running"):
            second.start()
        hub.running_file.write_text(second_running)
        assert hub.request("GET", "/healthz", token="")["status"] == "ok"


def test_the_first_start_prints_a_password_and_the_second_does_not(tmp_path: Path) -> None:
    hub = HubProcess(tmp_path / "data", VENUECAST_ADMIN_PASSWORD="")
    hub.start()
    try:
        [line] = [line for line in hub.log.read_text().splitlines() if "(shown only now)" in line]
        password = line.split()[1]
        assert hub.login("admin", password)
        assert "Push to   rtmp://" in hub.log.read_text()
        hub.stop()
        hub.log.unlink()
        hub.start()
        assert "Password" not in hub.log.read_text()
        assert hub.login("admin", password)
        hub.stop()
    except (AssertionError, subprocess.TimeoutExpired):
        hub.kill()
        raise
