"""The peers as context managers: nginx with its RTMP module, nginx static files, node-media-server."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PEERS = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    pid: int
    rtmp_port: int
    http_port: int


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for_port(port: int, seconds: float = 10.0) -> None:
    """Return once something listens on a loopback port; TimeoutError when nothing does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port} after {seconds} s")


@contextmanager
def running(command: list[str], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


NGINX = """
worker_processes 1;
daemon off;
user root;
error_log {directory}/error.log warn;
pid {directory}/nginx.pid;
{modules}
events {{ worker_connections 4096; }}
rtmp {{
  server {{
    listen 127.0.0.1:{rtmp_port};
    chunk_size 65536;
    application live {{ live on; record off; }}
  }}
}}
http {{
  access_log off;
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 1000000;
  open_file_cache max=1000 inactive=60s;
  types {{ application/vnd.apple.mpegurl m3u8; video/iso.segment m4s; }}
  server {{ listen 127.0.0.1:{http_port}; root {root}; }}
}}
"""


@contextmanager
def nginx(directory: Path, root: Path) -> Iterator[Peer]:
    """Debian's nginx with libnginx-mod-rtmp: RTMP relay, and static files under `root`."""
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    rtmp_port, http_port = free_port(), free_port()
    config = directory / "nginx.conf"
    config.write_text(
        NGINX.format(
            directory=directory,
            root=root,
            rtmp_port=rtmp_port,
            http_port=http_port,
            modules="load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;",
        )
    )
    with running([binary, "-c", str(config), "-p", str(directory)]) as process:
        wait_for_port(rtmp_port)
        yield Peer("nginx", process.pid, rtmp_port, http_port)


@contextmanager
def node_media_server(directory: Path) -> Iterator[Peer]:
    """node-media-server of bench/peers/package-lock.json (`npm ci` there first), its admin pages off."""
    rtmp_port, http_port = free_port(), free_port()
    config = {
        "bind": "127.0.0.1",
        "notify": {"url": ""},
        "store": {"path": str(directory / "nms")},
        "auth": {"play": False, "publish": False, "secret": ""},
        "rtmp": {"port": rtmp_port},
        "http": {"port": http_port},
        "record": {"auto": False, "path": str(directory / "nms-record")},
    }
    path = directory / "nms.json"
    path.write_text(json.dumps(config))
    script = PEERS / "node_modules" / "node-media-server" / "bin" / "app.js"
    with (
        (directory / "nms.log").open("wb") as log,
        running(["node", str(script), "-c", str(path), "--no-admin"], stdout=log, stderr=log) as process,
    ):
        wait_for_port(rtmp_port)
        wait_for_port(http_port)
        yield Peer("node-media-server", process.pid, rtmp_port, http_port)
