"""`make bench-webrtc`: what a WHEP viewer costs beside Janus and aiortc, how soon it sees, who has to wait for it."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import imageio_ffmpeg

from bench.cpu import CLIENT_CORE, SERVER_CORE, pin, usage
from bench.webrtc import glass
from bench.webrtc.peers import WebRtcPeer, aiortc, janus
from tests.support.hub_process import HubProcess, hub_process

VIEWERS = (20, 100, 200)
AUDIO_VIEWERS = 100
AIORTC_VIEWERS = 2
"""Two encoders fill its core."""
JOINS_PER_SECOND = 20.0
STORM = 200
FLV_VIEWERS = 20
WINDOW_SECONDS = 4.0
WINDOWS = 3
SETTLE_SECONDS = 5.0
CLIP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Row:
    server: str
    media: str
    viewers: int
    percent_of_core_per_viewer: float
    microseconds_per_packet: float
    first_key_frame_p50_ms: float
    first_key_frame_p95_ms: float
    rss_bytes: int
    lost: int
    starved: int


def make_clip(directory: Path) -> Path:
    """720p30 of 2 Mbit/s without B-frames, a key frame every 2 s, AAC of 96 kbit/s; to be looped."""
    path = directory / "webrtc.flv"
    video = f"testsrc2=size=1280x720:rate=30:duration={CLIP_SECONDS},noise=alls=8:allf=t"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y",
            "-f", "lavfi", "-i", video,
            "-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={CLIP_SECONDS}",
            "-c:v", "libx264", "-preset", "veryfast", "-b:v", "2000k", "-maxrate", "2000k", "-bufsize", "2000k",
            "-profile:v", "main", "-bf", "0", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
            "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k", "-f", "flv", str(path),
        ],
        check=True,
    )  # fmt: skip
    return path


@contextmanager
def pushing(clip: Path, url: str, *, audio: bool) -> Iterator[None]:
    process = subprocess.Popen(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-re", "-stream_loop", "-1", "-i", str(clip),
            *(() if audio else ("-an",)), "-c", "copy", "-f", "flv", "-flvflags", "no_duration_filesize", url,
        ],
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        pin(process.pid, CLIENT_CORE)
        time.sleep(SETTLE_SECONDS)
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def clients(module: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A client process on its core, once it has said `ready`."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            pin(process.pid, CLIENT_CORE)
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def asked(process: subprocess.Popen[str]) -> dict[str, Any]:
    """One window's report."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError("the clients did not start")


def measure(peer: WebRtcPeer, kind: str, media: str, count: int, *, only: str | None) -> Row:
    with clients(
        "bench.webrtc.load", kind, peer.url, count, JOINS_PER_SECOND, WINDOW_SECONDS, int("Opus" in media)
    ) as process:
        ready(process)
        costs, per_packet = [], []
        report: dict[str, Any] = {}
        rss = 0
        for _ in range(WINDOWS):
            before = usage(peer.pid, only=only)
            report = asked(process)
            after = usage(peer.pid, only=only)
            spent = after.cpu_seconds - before.cpu_seconds
            costs.append(spent / report["seconds"] / count * 100)
            per_packet.append(spent / max(report["packets"], 1) * 1e6)
            rss = max(rss, after.rss_bytes)
        firsts = report["first_key_frame_ms"] or [float("inf")]
        missing = count - len(report["first_key_frame_ms"])
        p95 = quantiles(firsts, n=20)[-1] if len(firsts) > 1 else firsts[0]
        row = Row(
            peer.name, media, count, median(costs), median(per_packet), median(firsts), p95, rss,
            report["lost"], report["starved"] + missing,
        )  # fmt: skip
        print(row, file=sys.stderr, flush=True)
        return row


def live_event(hub: HubProcess) -> tuple[str, str]:
    """Path of the main venue, and where to push."""
    event = hub.create_event()
    hub.start_event(event["id"])
    return f"{event['id']}/{event['venues'][0]['id']}", event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]


def hub_rows(directory: Path, clip: Path, counts: tuple[int, ...]) -> tuple[list[Row], dict[str, float]]:
    rows: list[Row] = []
    with hub_process(directory / "hub", VENUECAST_WHEP_MAX_VIEWERS="1000") as hub:
        pin(hub.pid, SERVER_CORE)
        path, rtmp_url = live_event(hub)
        peer = WebRtcPeer("venuecast", hub.pid, f"{hub.url}/whep/{path}")
        with pushing(clip, rtmp_url, audio=False):
            for count in counts:
                rows.append(measure(peer, "whep", "video", count, only="root"))
            waits = storm(peer, f"{hub.url}/live/{path}.flv") if max(counts) >= STORM else {}
        path, rtmp_url = live_event(hub)
        peer = WebRtcPeer("venuecast", hub.pid, f"{hub.url}/whep/{path}")
        with pushing(clip, rtmp_url, audio=True):
            rows.append(measure(peer, "whep", "video and Opus", min(AUDIO_VIEWERS, max(counts)), only="root"))
    return rows, waits


def delays(directory: Path) -> dict[str, float]:
    """Glass to glass in Chromium, p50 in seconds; the hub takes the core it gets."""
    with hub_process(directory / "glass") as hub:
        found = {"WHIP to WHEP": glass.whip_to_whep(hub), "RTMP to WHEP": glass.rtmp_to_whep(hub)}
    print(found, file=sys.stderr, flush=True)
    return found


def storm(peer: WebRtcPeer, flv_url: str) -> dict[str, float]:
    """The longest pause of FLV viewers, first undisturbed, then while STORM WHEP viewers join within 10 s."""
    with clients("bench.webrtc.flv_waits", flv_url, FLV_VIEWERS) as watchers:
        ready(watchers)
        time.sleep(5)
        calm = asked(watchers)["longest_ms"]
        with clients("bench.webrtc.load", "whep", peer.url, STORM, STORM / 9.5, 1, 0) as joiners:
            time.sleep(10.5)
            pause = asked(watchers)["longest_ms"]
            ready(joiners)
            report = asked(joiners)
    waits = {
        "calm_ms": calm,
        "storm_ms": pause,
        "join_seconds": report["join_seconds"],
        "joined": len(report["first_key_frame_ms"]),
    }
    print(waits, file=sys.stderr, flush=True)
    return waits


def bars(rows: list[Row], waits: dict[str, float], seen: dict[str, float]) -> list[tuple[str, float, float]]:
    by = {(row.server, row.media, row.viewers): row for row in rows}
    found: list[tuple[str, float, float]] = []
    ours, theirs = by.get(("venuecast", "video", 100)), by.get(("janus", "video", 100))
    if ours is not None:
        found.append(("video, 100 viewers: % of a core per viewer", 0.25, ours.percent_of_core_per_viewer))
        found.append(("packets lost by them", 0, float(ours.lost)))
        found.append(("first key frame after the answer, p95, ms", 300, ours.first_key_frame_p95_ms))
    if ours is not None and theirs is not None:
        ratio = ours.percent_of_core_per_viewer / theirs.percent_of_core_per_viewer
        found.append(("the same / Janus's", 0.5, ratio))
    sound = by.get(("venuecast", "video and Opus", 100))
    if sound is not None:
        found.append(("with Opus, 100 viewers: % of a core per viewer", 0.33, sound.percent_of_core_per_viewer))
    few, many = by.get(("venuecast", "video", 20)), by.get(("venuecast", "video", 200))
    if few is not None and many is not None:
        found.append(("memory per viewer beyond 20, KiB", 600, (many.rss_bytes - few.rss_bytes) / 1024 / 180))
    if waits:
        found.append(("FLV viewers' longest pause beyond the usual, ms", 100, waits["storm_ms"] - waits["calm_ms"]))
    found += [
        (f"glass to glass, {name}, p50, s", {"WHIP to WHEP": 0.25}.get(name, 0.4), value)
        for name, value in seen.items()
    ]
    return found


def report_of(rows: list[Row], waits: dict[str, float], seen: dict[str, float], machine: str) -> str:
    head = "| server | media | viewers | % core/viewer | µs/packet | first key frame p50 / p95 ms"
    lines = [
        machine,
        "",
        f"{head} | RSS MiB | lost | starved |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.server} | {row.media} | {row.viewers} | {row.percent_of_core_per_viewer:.3f}"
        f" | {row.microseconds_per_packet:.1f} | {row.first_key_frame_p50_ms:.0f} / {row.first_key_frame_p95_ms:.0f}"
        f" | {row.rss_bytes / 2**20:.0f} | {row.lost} | {row.starved} |"
        for row in rows
    ]
    if waits:
        lines.append("")
        lines.append(
            f"FLV viewers' longest pause: {waits['calm_ms']:.0f} ms undisturbed, {waits['storm_ms']:.0f} ms while"
            f" {waits['joined']:.0f} WHEP viewers joined in {waits['join_seconds']:.1f} s."
        )
    lines += ["", "| bar | asked | measured | met |", "| --- | --- | --- | --- |"]
    for name, asked_, value in bars(rows, waits, seen):
        lines.append(f"| {name} | ≤ {asked_} | {value:.3f} | {'yes' if value <= asked_ else '**no**'} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.webrtc", description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the raw figures here")
    parser.add_argument("--markdown", type=Path, help="also write the tables here")
    parser.add_argument("--quick", action="store_true", help="20 viewers only: to see that it runs")
    options = parser.parse_args()
    counts = VIEWERS[:1] if options.quick else VIEWERS
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        clip = make_clip(directory)
        rows, waits = hub_rows(directory, clip, counts)
        with janus(directory / "janus", clip) as peer:
            pin(peer.pid, SERVER_CORE)
            rows += [measure(peer, "janus", "video", count, only=None) for count in counts]
        with aiortc(clip) as peer:
            pin(peer.pid, SERVER_CORE)
            rows.append(measure(peer, "aiortc", "video", AIORTC_VIEWERS, only=None))
        seen = delays(directory)
    processor = subprocess.run(["uname", "-mr"], capture_output=True, text=True, check=True).stdout.strip()
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    machine = (
        f"Run of {at} on {platform.system()} {processor}, Python {platform.python_version()},"
        " server on core 0, clients on core 1."
    )
    text = report_of(rows, waits, seen, machine)
    print(text)
    if options.json:
        found = {"at": at, "rows": [asdict(row) for row in rows], "waits": waits, "glass_to_glass": seen}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1))
    if options.markdown:
        options.markdown.write_text(text)
    sys.exit(0 if all(value <= asked_ for _, asked_, value in bars(rows, waits, seen)) else 1)


if __name__ == "__main__":
    main()
