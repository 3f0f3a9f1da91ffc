"""An outside judge reads what phones read: decodes all of it, checks its clocks and the lip sync."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from tests.support.hub_process import HubProcess
from tests.support.marks import Verdict, judge, make_film

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]

LIP_SYNC_SECONDS = 0.050


@contextmanager
def film_pushed(film: Path, url: str) -> Iterator[None]:
    """The film pushed in real time without a change, as an encoder would."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-re", "-i", str(film), "-c", "copy", "-f", "flv", url]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def complaints(url: str, seconds: float) -> str:
    """What ffmpeg's own reader and decoders say about an output while it plays for so many seconds."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-xerror", "-t", str(seconds), "-i", url, "-f", "null", "-",
    ]  # fmt: skip
    finished = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    return finished.stderr + ("" if finished.returncode == 0 else f"exit code {finished.returncode}")


def assert_sound(verdict: Verdict, least_marks: int) -> None:
    assert verdict.undecodable == 0
    assert verdict.backward == 0
    assert len(verdict.flashes) >= least_marks and len(verdict.beeps) >= least_marks
    inner = [d for flash, d in zip(verdict.flashes, verdict.distances, strict=True) if flash < verdict.beeps[-1] - 0.5]
    assert max(abs(distance) for distance in inner[1:]) <= LIP_SYNC_SECONDS, verdict.distances


def play_addresses(event: dict[str, Any]) -> tuple[str, str]:
    play = event["venues"][0]["play"]
    return play["hls_url"], play["flv_url"]


def judge_outputs(hub: HubProcess, directory: Path, seconds: int) -> None:
    film = make_film(directory / "film.flv", seconds + 30)
    event = hub.create_event()
    hub.start_event(event["id"])
    hls_url, flv_url = play_addresses(event)
    with film_pushed(film, event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
        time.sleep(6)  # past the first card, into the film
        assert_sound(judge(flv_url, seconds=seconds), seconds - 2)
        assert complaints(flv_url, 4) == ""
        assert_sound(judge(hls_url, seconds=8), 6)
        assert complaints(hls_url, 4) == ""
    hub.request("POST", f"/api/v1/events/{event['id']}/end")
    deadline = time.monotonic() + 60
    while not (items := hub.request("GET", f"/api/v1/library/items?event_id={event['id']}")["items"]):
        assert time.monotonic() < deadline, "no replay appeared"
        time.sleep(0.3)
    replay = f"{hub.url}/replay/{items[0]['id']}/index.m3u8"
    assert_sound(judge(replay), seconds - 2)


def test_hls_flv_and_replay_are_sound(hub: HubProcess, tmp_path: Path) -> None:
    judge_outputs(hub, tmp_path, 10)


@pytest.mark.long
def test_hls_flv_and_replay_are_sound_over_a_minute(hub: HubProcess, tmp_path: Path) -> None:
    judge_outputs(hub, tmp_path, 60)
