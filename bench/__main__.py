"""`make bench`: the hub beside its peers, one table, the ratios, and what was asked of them."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import urllib3

from bench import fanout, http, latency
from bench.cpu import CLIENT_CORE, SERVER_CORE, pin, usage
from bench.media import make_flv, push
from bench.peers.servers import Peer, nginx, node_media_server
from tests.support.hub_process import HubProcess, hub_process

VIEWERS = (50, 200, 400)
IDLE_SECONDS = 30.0
SETTLE_SECONDS = 4.0


def started_encoder(stack: ExitStack, flv: Path, url: str) -> None:
    process = push(flv, url)
    stack.callback(process.wait)
    stack.callback(process.kill)
    pin(process.pid, CLIENT_CORE)
    time.sleep(SETTLE_SECONDS)


def peer_fanout(peer: Peer, flv: Path, kind: str) -> list[fanout.Measure]:
    pin(peer.pid, SERVER_CORE)
    with ExitStack() as stack:
        started_encoder(stack, flv, f"rtmp://127.0.0.1:{peer.rtmp_port}/live/a")
        if kind == "rtmp":
            url = f"rtmp://127.0.0.1:{peer.rtmp_port}/live/a"
        else:
            url = f"http://127.0.0.1:{peer.http_port}/live/a.flv"
        return [fanout.measure(peer.name, peer.pid, kind, url, count, root_only=False) for count in VIEWERS]


def live_event(hub: HubProcess) -> tuple[dict[str, Any], str]:
    event = hub.create_event(rules={"anonymous_may": ["watch", "like", "comment"], "moderation": "post"})
    hub.start_event(event["id"])
    return event, event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]


def hub_benchmarks(directory: Path, flv: Path, root: Path) -> dict[str, Any]:
    """Everything that needs a running hub; fills `root` with the segment and playlist that nginx then serves."""
    with hub_process(directory / "hub") as hub, ExitStack() as stack:
        pin(hub.pid, SERVER_CORE)
        event, rtmp_url = live_event(hub)
        started_encoder(stack, flv, rtmp_url)
        before = usage(hub.pid, only="root")
        time.sleep(IDLE_SECONDS)
        after = usage(hub.pid, only="root")
        idle = (after.cpu_seconds - before.cpu_seconds) / IDLE_SECONDS * 100
        base = f"{hub.url}/live/{event['id']}/{event['venues'][0]['id']}"
        flv_rows = [
            fanout.measure("venuecast", hub.pid, "flv", f"{base}.flv", count, root_only=True) for count in VIEWERS
        ]
        play = event["venues"][0]["play"]["rtmp_url"].removeprefix("rtmp://")
        flv_rows += [
            fanout.measure("venuecast", hub.pid, "rtmp", f"rtmp://{play}", count, root_only=True) for count in VIEWERS
        ]
        playlist, segments = f"{base}/media.m3u8", NewestSegment(base)
        copy_for_nginx(playlist, segments(), root)
        peer = stack.enter_context(nginx(directory, root))
        pin(peer.pid, SERVER_CORE)
        static = f"http://127.0.0.1:{peer.http_port}"
        http_rows = [
            *http.side_by_side(
                [
                    http.Target("venuecast", "playlist", hub.pid, lambda: playlist, True),
                    http.Target("nginx", "playlist", peer.pid, lambda: f"{static}/index.m3u8", False),
                ]
            ),
            *http.side_by_side(
                [
                    http.Target("venuecast", "segment", hub.pid, segments, True),
                    http.Target("nginx", "segment", peer.pid, lambda: f"{static}/segment.m4s", False),
                ]
            ),
        ]
    return {"idle_percent_of_core": idle, "fanout": flv_rows, "http": http_rows}


class NewestSegment:
    """The address of the newest whole segment of a live playlist, at each call."""

    def __init__(self, base: str) -> None:
        self._base = base

    def __call__(self) -> str:
        lines = urllib3.request("GET", f"{self._base}/media.m3u8").data.decode().splitlines()
        return f"{self._base}/{[line for line in lines if line and not line.startswith('#')][-1]}"


def copy_for_nginx(playlist_url: str, segment_url: str, root: Path) -> None:
    """What nginx serves as static files: the same segment and the same playlist."""
    (root / "segment.m4s").write_bytes(urllib3.request("GET", segment_url).data)
    (root / "index.m3u8").write_bytes(urllib3.request("GET", playlist_url).data)


def glass_to_glass(directory: Path) -> list[latency.Delay]:
    with hub_process(directory / "latency") as hub:
        event, rtmp_url = live_event(hub)
        source = latency.publisher(rtmp_url)
        try:
            time.sleep(SETTLE_SECONDS)
            page = f"{hub.url}/e/{event['id']}"
            return [asyncio.run(latency.measure(page, protocol)) for protocol in ("hls", "flv")]
        finally:
            source.kill()
            source.wait()


def report(result: dict[str, Any]) -> str:
    """The result as Markdown: tables, ratios, and each bar with whether it was met."""
    lines = [f"Run of {result['at']} on {result['machine']}.", ""]
    lines += ["| server, protocol | viewers | CPU s/GB | % core/viewer | first key frame p50 / p95 ms | RSS MiB |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for row in result["fanout"]:
        lines.append(
            f"| {row['server']} {row['protocol']} | {row['viewers']} | {row['cpu_seconds_per_gb']:.2f}"
            f" | {row['percent_of_core_per_viewer']:.4f}"
            f" | {row['first_key_frame_p50_ms']:.1f} / {row['first_key_frame_p95_ms']:.1f}"
            f" | {row['rss_bytes'] / 2**20:.0f} |"
        )
    lines += [
        "",
        "| server | what | requests/s | CPU µs/request | CPU s/GB | failed |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["http"]:
        lines.append(
            f"| {row['server']} | {row['what']} | {row['requests_per_second']:.0f}"
            f" | {row['cpu_microseconds_per_request']:.1f} | {row['cpu_seconds_per_gb']:.3f} | {row['failed']} |"
        )
    lines += ["", "| bar | asked | measured | met |", "| --- | --- | --- | --- |"]
    for name, asked, value in bars(result):
        lines.append(f"| {name} | ≤ {asked} | {value:.3f} | {'yes' if value <= asked else '**no**'} |")
    return "\n".join(lines) + "\n"


def bars(result: dict[str, Any]) -> list[tuple[str, float, float]]:
    rows = {(row["server"], row["protocol"], row["viewers"]): row for row in result["fanout"]}
    cost = {(row["server"], row["what"]): row["cpu_microseconds_per_request"] for row in result["http"]}
    few, most = VIEWERS[0], VIEWERS[-1]
    hub, nginx_rtmp = rows["venuecast", "flv", most], rows["nginx", "rtmp", most]["cpu_seconds_per_gb"]
    node = rows["node-media-server", "flv", most]["cpu_seconds_per_gb"]
    rtmp = rows["venuecast", "rtmp", most]["cpu_seconds_per_gb"]
    growth = (hub["rss_bytes"] - rows["venuecast", "flv", few]["rss_bytes"]) / 1024 / (most - few)
    found = [
        ("FLV CPU per GB / nginx-rtmp's RTMP, 400 viewers", 0.55, hub["cpu_seconds_per_gb"] / nginx_rtmp),
        ("RTMP CPU per GB / nginx-rtmp's, 400 players", 0.55, rtmp / nginx_rtmp),
        ("FLV CPU per GB / node's FLV, 400 viewers", 0.35, hub["cpu_seconds_per_gb"] / node),
        ("first key frame p95 at 400 viewers, ms", 25.0, hub["first_key_frame_p95_ms"]),
        ("memory per FLV viewer beyond 50, KiB", 64.0, growth),
        ("one feed in, packaged, recorded, no viewers, % of a core", 4.0, result["idle_percent_of_core"]),
        ("segment, CPU per request / nginx", 1.6, cost["venuecast", "segment"] / cost["nginx", "segment"]),
        ("playlist, CPU per request / nginx", 4.5, cost["venuecast", "playlist"] / cost["nginx", "playlist"]),
    ]
    for row in result["delays"]:
        limit = 2.0 if row["protocol"] == "hls" else 0.8
        found.append((f"glass to glass {row['protocol']} p50, s", limit, row["p50_seconds"]))
        found.append((f"first picture {row['protocol']} p50, s", 1.0, row["first_picture_p50_seconds"]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the raw figures here")
    parser.add_argument("--markdown", type=Path, help="also write the tables here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        root = directory / "root"
        root.mkdir()
        flv = make_flv(directory)
        result: dict[str, Any] = hub_benchmarks(directory, flv, root)
        with nginx(directory, root) as peer:
            result["fanout"] += peer_fanout(peer, flv, "rtmp")
        with node_media_server(directory) as peer:
            result["fanout"] += peer_fanout(peer, flv, "flv")
        result["delays"] = glass_to_glass(directory)
    processor = subprocess.run(["uname", "-mr"], capture_output=True, text=True, check=True).stdout.strip()
    result["at"] = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    result["machine"] = (
        f"{platform.system()} {processor}, Python {platform.python_version()}, server on core 0, clients on core 1"
    )
    for part in ("fanout", "http", "delays"):
        result[part] = [asdict(row) for row in result[part]]
    text = report(result)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    if options.markdown:
        options.markdown.write_text(text)
    sys.exit(0 if all(value <= asked for _, asked, value in bars(result)) else 1)


if __name__ == "__main__":
    main()
