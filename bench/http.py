"""HLS delivery over HTTP: CPU per playlist request and per segment request, hub beside nginx static files, by wrk."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass

from bench.cpu import CLIENT_CORE, usage

CONNECTIONS = 32
SECONDS = 6

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


def measure(server: str, what: str, pid: int, url: str, *, root_only: bool) -> HttpMeasure:
    """Load one URL over keep-alive connections from the client core for some seconds."""
    only = "root" if root_only else None
    before = usage(pid, only=only)
    output = subprocess.run(
        ["taskset", "-c", str(CLIENT_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", "-s", "/dev/stdin", url],
        input=REPORT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    after = usage(pid, only=only)
    found = re.search(r"JSON (\{.*\})", output)
    if found is None:
        raise RuntimeError(f"wrk said: {output}")
    report = json.loads(found.group(1))
    cpu = after.cpu_seconds - before.cpu_seconds
    return HttpMeasure(
        server=server,
        what=what,
        requests_per_second=report["requests"] / (report["us"] / 1e6),
        cpu_microseconds_per_request=cpu / report["requests"] * 1e6,
        cpu_seconds_per_gb=cpu / (report["bytes"] / 1e9),
        failed=report["bad"],
    )
