"""The deployment's own nginx configuration, run on free ports of loopback in front of a hub of the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") or "/usr/sbin/nginx"
READY_SECONDS = 20.0
DEPLOYED = Path(__file__).parents[2] / "deploy" / "nginx"


@dataclass(frozen=True, slots=True)
class Proxy:
    http_port: int
    https_port: int
    access_log: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.https_port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_certificate(directory: Path) -> None:
    """`fullchain.pem` and `privkey.pem` for localhost, good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (directory / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def adapted(directory: Path, hub_port: int, http_port: int, https_port: int, site: str = "site.conf") -> Path:
    """A copy of the deployed configuration with this machine's ports and directories; AssertionError when a line that
    has to be replaced is not there (any more)."""
    make_certificate(directory)
    for name, source in (("nginx.conf", "nginx.conf"), ("hub.conf", "hub.conf"), ("site.conf", site)):
        shutil.copy(DEPLOYED / source, directory / name)
    replacements = {
        "nginx.conf": [
            ("user www-data;", "user root;" if os.geteuid() == 0 else ""),  # a test's directory is its owner's alone
            ("worker_processes auto;", "worker_processes 1;"),
            ("worker_rlimit_nofile 65536;", ""),
            ("worker_connections 32768;", "worker_connections 256;"),
            ("/run/nginx.pid", f"{directory}/nginx.pid"),
            ("/var/log/nginx/", f"{directory}/"),
            ("/var/cache/venuecast", f"{directory}/cache"),
            ("127.0.0.1:8080", f"127.0.0.1:{hub_port}"),
        ],
        "site.conf": [
            ("/etc/venuecast/tls/", f"{directory}/"),
            ("    listen [::]:80;\n", ""),
            ("    listen [::]:443 ssl http2;\n", ""),
            ("listen 80;", f"listen 127.0.0.1:{http_port};"),
            ("listen 443 ", f"listen 127.0.0.1:{https_port} "),
        ]
        if site == "site.conf"
        else [("listen 8081;", f"listen 127.0.0.1:{http_port};")],
    }
    for name, pairs in replacements.items():
        text = (directory / name).read_text("utf-8")
        for old, new in pairs:
            assert old in text, (name, old)
            text = text.replace(old, new)
        (directory / name).write_text(text, "utf-8")
    return directory / "nginx.conf"


@contextmanager
def nginx(directory: Path, hub_port: int) -> Iterator[Proxy]:
    """nginx as deployed, in front of the hub on `hub_port`; answers when it is yielded."""
    http_port, https_port = free_port(), free_port()
    configuration = adapted(directory, hub_port, http_port, https_port)
    # bodies on their way to a slow client go beside the configuration, not to the system's directories
    scratch = "".join(
        f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = configuration.read_text("utf-8")
    configuration.write_text(text.replace("http {", "http { " + scratch, 1), "utf-8")
    process = subprocess.Popen(
        [NGINX, "-c", str(configuration), "-p", str(directory), "-g", "daemon off;"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait_for(process, http_port)
        yield Proxy(http_port, https_port, directory / "access.log")
    finally:
        process.terminate()
        process.wait(20)
        assert process.stderr is not None
        process.stderr.close()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        if process.poll() is not None:
            assert process.stderr is not None
            raise RuntimeError(process.stderr.read().decode("utf-8", "replace"))
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
