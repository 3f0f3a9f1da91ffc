"""A whole hub as its users run it: `venuecast serve` in a process of its own, on loopback and free ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import urllib3

READY_SECONDS = 60.0
ADMIN_PASSWORD = "correct horse battery staple"


class HubProcess:
    """Owner of one `venuecast serve`; start it, ask its API, push to it, kill it, start it again on the same data."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""
        self.http_port = 0
        self.rtmp_port = 0
        self.log = data_dir.parent / f"{data_dir.name}.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the hub and wait until it is ready. A second start keeps the ports of the first."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VENUECAST_")}
        environment |= {
            "VENUECAST_DATA_DIR": str(self.data_dir),
            "VENUECAST_HTTP_HOST": "127.0.0.1",
            "VENUECAST_HTTP_PORT": str(self.http_port),
            "VENUECAST_RTMP_HOST": "127.0.0.1",
            "VENUECAST_RTMP_PORT": str(self.rtmp_port),
            "VENUECAST_SRT_HOST": "127.0.0.1",
            "VENUECAST_SRT_PORT": "0",
            "VENUECAST_WEBRTC_HOST": "127.0.0.1",
            "VENUECAST_WEBRTC_PORT": "0",
            "VENUECAST_ADMIN_PASSWORD": ADMIN_PASSWORD,
        } | self._environment
        self.running_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "web.main", "serve"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self.running_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the hub did not start:\n{self.log.read_text('utf-8', 'replace')[-4000:]}")
            time.sleep(0.05)
        running = json.loads(self.running_file.read_text())
        self.http_port, self.rtmp_port = running["http_port"], running["rtmp_port"]
        self._token = ""

    @property
    def running_file(self) -> Path:
        """Written by the hub once it serves: its process id and ports."""
        return self.data_dir / "running.json"

    def stop(self, seconds: float = 30.0) -> int:
        """Ctrl-C, and wait. Returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(seconds)

    def kill(self) -> None:
        """kill -9: no chance to say anything."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def request(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        """One API call as the administrator (or with `token`); the JSON of the answer. AssertionError from 400 on."""
        if token is None:
            if not self._token:
                self._token = self.login("admin", ADMIN_PASSWORD)
            token = self._token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = urllib3.request(method, self.url + path, json=body, headers=headers, timeout=20)
        assert response.status < 400, f"{method} {path}: {response.status} {response.data[:600]!r}"
        return response.json() if response.data else None

    def login(self, username: str, password: str) -> str:
        body = {"username": username, "password": password}
        answer = self.request("POST", "/api/v1/auth/login", body, token="")
        return str(answer["access_token"])

    def create_event(self, title: str = "国庆灯会", venues: int = 1, **fields: object) -> dict[str, Any]:
        """A draft event with a main venue and branches, one feed each."""
        names = ["主会场", "分会场·广场", "分会场·剧院", "分会场·公园"][:venues]
        body = {
            "title": title,
            "venues": [
                {"name": name, "main": index == 0, "feeds": [{"name": f"机位{index + 1}"}]}
                for index, name in enumerate(names)
            ],
        } | fields
        event: dict[str, Any] = self.request("POST", "/api/v1/events", body)
        return event

    def start_event(self, event_id: str) -> None:
        self.request("POST", f"/api/v1/events/{event_id}/start")


@contextmanager
def hub_process(data_dir: Path, **environment: str) -> Iterator[HubProcess]:
    """A started hub, ended with it; a test may stop, kill and start it in between."""
    hub = HubProcess(data_dir, **environment)
    hub.start()
    try:
        yield hub
    finally:
        if hub._process is not None and hub._process.poll() is None:
            try:
                hub.stop()
            except subprocess.TimeoutExpired:
                hub.kill()
                raise


@contextmanager
def encoder(
    url: str,
    *,
    size: str = "640x360",
    rate: int = 25,
    gop_seconds: float = 2.0,
    video: bool = True,
    audio: bool = True,
    b_frames: int = 2,
    source: str = "testsrc2",
    extra: tuple[str, ...] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """ffmpeg as a crew's encoder: a moving picture and a tone, H.264 and AAC, pushed in real time until the end."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "warning", "-re"]
    if video:
        command += ["-f", "lavfi", "-i", f"{source}=size={size}:rate={rate}"]
    if audio:
        command += ["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"]
    if video:
        gop = round(gop_seconds * rate)
        command += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "film", "-pix_fmt", "yuv420p", "-b:v", "600k"]
        command += ["-g", str(gop), "-keyint_min", str(gop), "-sc_threshold", "0", "-bf", str(b_frames)]
    if audio:
        command += ["-c:a", "aac", "-b:a", "64k"]
    command += [*extra, "-f", "flv", "-flvflags", "no_duration_filesize", url]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
