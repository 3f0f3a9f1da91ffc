"""HTTP-FLV (and the peers' RTMP) fan-out: server CPU per delivered GB, memory per viewer, time to first key frame."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median, quantiles

from bench.cpu import CLIENT_CORE, pin, usage

WINDOW_SECONDS = 6.0
WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Measure:
    server: str
    protocol: str
    viewers: int
    cpu_seconds_per_gb: float
    percent_of_core_per_viewer: float
    first_key_frame_p50_ms: float
    first_key_frame_p95_ms: float
    rss_bytes: int
    """Of the server, with these viewers connected."""
    starved: int


def measure(server: str, pid: int, kind: str, url: str, viewers: int, *, root_only: bool) -> Measure:
    """Connect viewers in a process on the client core and watch the server's CPU over a window.

    `root_only` counts the server process without its children: the hub's databases serve no video, and their idle
    cost is reported by the idle benchmark instead.
    """
    command = [sys.executable, "-m", "bench.viewers", kind, url, str(viewers), str(WINDOW_SECONDS)]
    rates: list[float] = []
    report: dict[str, object] = {}
    rss = 0
    for _ in range(WINDOWS):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdin is not None and client.stdout is not None
            pin(client.pid, CLIENT_CORE)
            if client.stdout.readline().strip() != "ready":
                raise RuntimeError(f"the viewers of {server} did not start")
            before = usage(pid, only="root" if root_only else None)
            client.stdin.write("\n")
            client.stdin.flush()
            report = json.loads(client.stdout.readline())
            after = usage(pid, only="root" if root_only else None)
            client.stdin.write("\n")
            client.stdin.flush()
        rss = max(rss, after.rss_bytes)
        rates.append((after.cpu_seconds - before.cpu_seconds) / (float(str(report["bytes"])) / 1e9))
        time.sleep(1)
    firsts = report["first_key_frame_ms"]
    assert isinstance(firsts, list)
    rate = median(rates)
    gigabytes_per_second = float(str(report["bytes"])) / 1e9 / float(str(report["seconds"]))
    return Measure(
        server=server,
        protocol=kind,
        viewers=viewers,
        cpu_seconds_per_gb=rate,
        percent_of_core_per_viewer=rate * gigabytes_per_second * 100 / viewers,
        first_key_frame_p50_ms=median(firsts),
        first_key_frame_p95_ms=quantiles(firsts, n=20)[-1],
        rss_bytes=rss,
        starved=int(str(report["starved"])) + int(str(report["lost"])),
    )
