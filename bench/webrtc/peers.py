"""Janus (Debian) with its streaming plugin, and aiortc as it comes, as context managers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from bench.cpu import CLIENT_CORE, pin
from bench.peers.servers import free_port, running, wait_for_port

PLUGINS = Path("/usr/lib/x86_64-linux-gnu/janus")


@dataclass(frozen=True, slots=True)
class WebRtcPeer:
    name: str
    pid: int
    url: str


_GENERAL = """general: {{
  configs_folder = "{directory}"
  plugins_folder = "{plugins}/plugins"
  transports_folder = "{plugins}/transports"
  events_folder = "{plugins}/events"
  loggers_folder = "{plugins}/loggers"
  debug_level = 2
  server_name = "bench"
}}
certificates: {{ dtls_ciphers = "DEFAULT" }}
media: {{ ipv6 = false }}
nat: {{ nice_debug = false ignore_mdns = true }}
plugins: {{ disable = "{others}" }}
transports: {{ disable = "{transports}" }}
events: {{ broadcast = false }}
"""
_HTTP = """general: {{ json = "compact" base_path = "/janus" http = true port = {port} ip = "127.0.0.1" https = false }}
admin: {{ admin_http = false }}
"""
_STREAMING = """feed: {{
  type = "rtp" id = 1 description = "bench" audio = false video = true
  videoport = {port} videoiface = "lo" videopt = 96 videocodec = "h264"
  videofmtp = "profile-level-id=42e01f;packetization-mode=1"
}}
"""


@contextmanager
def janus(directory: Path, flv: Path) -> Iterator[WebRtcPeer]:
    """Its streaming plugin fed with RTP by ffmpeg, as its documentation shows."""
    http, rtp = free_port(), free_port()
    directory.mkdir(parents=True, exist_ok=True)
    plugins = [path.name for path in (PLUGINS / "plugins").glob("*.so") if "streaming" not in path.name]
    transports = [path.name for path in (PLUGINS / "transports").glob("*.so") if "http" not in path.name]
    values = {"directory": directory, "plugins": PLUGINS}
    (directory / "janus.jcfg").write_text(
        _GENERAL.format(**values, others=",".join(plugins), transports=",".join(transports))
    )
    (directory / "janus.transport.http.jcfg").write_text(_HTTP.format(port=http))
    (directory / "janus.plugin.streaming.jcfg").write_text(_STREAMING.format(port=rtp))
    binary = shutil.which("janus")
    if binary is None:
        raise RuntimeError("janus is not installed: make setup-bench")
    with (directory / "janus.log").open("wb") as log:
        command = [binary, "-C", str(directory / "janus.jcfg"), "-F", str(directory)]
        with running(command, stdout=log, stderr=log) as process:
            wait_for_port(http)
            push = [
                imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-re", "-stream_loop", "-1", "-i", str(flv), "-an",
                "-c", "copy", "-bsf:v", "h264_mp4toannexb,dump_extra", "-payload_type", "96",
                "-f", "rtp", f"rtp://127.0.0.1:{rtp}?pkt_size=1200",
            ]  # fmt: skip
            with running(push, stdout=subprocess.DEVNULL) as source:
                pin(source.pid, CLIENT_CORE)
                time.sleep(3)
                yield WebRtcPeer("janus", process.pid, f"http://127.0.0.1:{http}/janus")


@contextmanager
def aiortc(flv: Path) -> Iterator[WebRtcPeer]:
    port = free_port()
    with running([sys.executable, "-m", "bench.webrtc.aiortc_server", str(flv), str(port)]) as process:
        wait_for_port(port, 20)
        yield WebRtcPeer("aiortc as it comes", process.pid, f"http://127.0.0.1:{port}/play")
