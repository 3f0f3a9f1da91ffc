"""HLS delivery over HTTP: CPU per playlist request and per segment request, hub beside nginx static files, by wrk.

The servers take turns, so that a machine that slows down for a while does so for both.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.cpu import CLIENT_CORE, usage

CONNECTIONS = 32
SECONDS = 4
ROUNDS = 5

REPORT = r"""
done = function(s)
  local bad = s.errors.status + s.errors.read + s.errors.connect + s.errors.timeout
  io.write(string.format('JSON {"requests":%d,"bytes":%d,"us":%d,"bad":%d}\n', s.requests, s.bytes, s.duration, bad))
end
"""


@dataclass(frozen=True, slots=True)
class HttpMeasure:
    server: str
    what: str
    requests_per_second: float
    cpu_microseconds_per_request: float
    cpu_seconds_per_gb: float
    failed: int


@dataclass(frozen=True, slots=True)
class Target:
    server: str
    what: str
    pid: int
    url: Callable[[], str]
    """Asked before each round: a live segment is the newest one only for moments."""
    root_only: bool
    """Count the server process without its children."""


def side_by_side(targets: Sequence[Target]) -> list[HttpMeasure]:
    """Load each target in turn for some rounds; of each the round with the median cost."""
    rounds = [[measure(target) for target in targets] for _ in range(ROUNDS)]
    return [median_of([measures[index] for measures in rounds]) for index in range(len(targets))]


def median_of(measures: list[HttpMeasure]) -> HttpMeasure:
    middle = median(one.cpu_microseconds_per_request for one in measures)
    return min(measures, key=lambda one: abs(one.cpu_microseconds_per_request - middle))


def measure(target: Target) -> HttpMeasure:
    """Load one URL over keep-alive connections from the client core for some seconds."""
    only = "root" if target.root_only else None
    before = usage(target.pid, only=only)
    output = subprocess.run(
        [
            "taskset",
            "-c",
            str(CLIENT_CORE),
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{SECONDS}",
            "-s",
            "/dev/stdin",
            target.url(),
        ],
        input=REPORT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    after = usage(target.pid, only=only)
    found = re.search(r"JSON (\{.*\})", output)
    if found is None:
        raise RuntimeError(f"wrk said: {output}")
    report = json.loads(found.group(1))
    cpu = after.cpu_seconds - before.cpu_seconds
    return HttpMeasure(
        server=target.server,
        what=target.what,
        requests_per_second=report["requests"] / (report["us"] / 1e6),
        cpu_microseconds_per_request=cpu / report["requests"] * 1e6,
        cpu_seconds_per_gb=cpu / (report["bytes"] / 1e9),
        failed=report["bad"],
    )
