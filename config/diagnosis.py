"""What may be wrong with a machine or its settings, in plain words: the body of `venuecast check`."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from cryptography import x509

from config.backing import BackingError, open_mongodb, open_redis
from config.embedded.mongod import mongod_binary
from config.embedded.redis_server import redis_binary
from config.settings import Settings

LOW_BYTES = 10 * 1024**3
"""About an hour of two venues, with what a system needs."""
CERTIFICATE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Finding:
    ok: bool
    text: str


async def diagnose(settings: Settings) -> list[Finding]:
    """Look at ports, disk, binaries, backing services and certificate; a sentence each."""
    web, streaming, store = settings.web, settings.streaming, settings.store
    findings = [_port("HTTP", web.host, web.port), _port("RTMP", streaming.rtmp_host, streaming.rtmp_port)]
    if streaming.rtmps_port is not None:
        findings.append(_port("RTMPS", streaming.rtmp_host, streaming.rtmps_port))
    findings.append(_disk(store.data_dir))
    if store.mongodb_url is None:
        findings.append(_binary("mongod", mongod_binary(), "VENUECAST_MONGODB_URL"))
    else:
        findings.append(await _answers_mongodb(store.mongodb_url.get_secret_value()))
    if store.redis_url is None:
        findings.append(_binary("redis-server", redis_binary(), "VENUECAST_REDIS_URL"))
    else:
        findings.append(await _answers_redis(store.redis_url.get_secret_value()))
    if web.tls_cert is not None and web.tls_key is not None:
        findings.append(_certificate(web.tls_cert, web.tls_key))
    return findings


def _port(name: str, host: str, port: int) -> Finding:
    if port == 0:
        return Finding(True, f"{name}: any free port")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            return Finding(False, f"{name} port {port} needs root; choose one above 1023 (VENUECAST_{name}_PORT)")
        except OSError as error:
            holder = _holder(port)
            who = f" by {holder}" if holder else ""
            hint = f"stop it, or set VENUECAST_{name}_PORT" if holder else str(error.strerror)
            return Finding(False, f"{name} port {port} is taken{who}: {hint}")
    return Finding(True, f"{name} port {port} is free")


def _holder(port: int) -> str | None:
    """Name and id of the process that listens on a port, as far as we may see it."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.NoSuchProcess:
                return None
    return None


def _disk(data_dir: Path) -> Finding:
    path = data_dir.absolute()
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free
    text = f"{free / 1e9:.1f} GB free where {data_dir} is"
    if free < LOW_BYTES:
        return Finding(False, f"Disk: only {text}; make room before an event (an hour of one venue takes about 1.5 GB)")
    return Finding(True, f"Disk: {text}")


def _binary(name: str, binary: Path | None, setting: str) -> Finding:
    if binary is None:
        return Finding(False, f"No {name} for this platform: install one, or set {setting}")
    missing = _missing_libraries(binary)
    if missing:
        packages = {"libcrypto.so.3": "libssl3", "libssl.so.3": "libssl3", "libcurl.so.4": "libcurl4"}
        names = sorted({packages.get(library, library) for library in missing})
        return Finding(False, f"{name} lacks {', '.join(missing)}: apt-get install {' '.join(names)}")
    return Finding(True, f"{name}: {binary.name} is there with all it needs")


def _missing_libraries(binary: Path) -> list[str]:
    if shutil.which("ldd") is None:
        return []
    listed = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False).stdout
    return [line.split()[0] for line in listed.splitlines() if "not found" in line]


async def _answers_mongodb(url: str) -> Finding:
    try:
        async with open_mongodb(url):
            return Finding(True, "MongoDB answers")
    except BackingError as error:
        return Finding(False, str(error))


async def _answers_redis(url: str) -> Finding:
    try:
        async with open_redis(url):
            return Finding(True, "Redis answers")
    except BackingError as error:
        return Finding(False, str(error))


def _certificate(certificate: Path, key: Path) -> Finding:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except FileNotFoundError as error:
        return Finding(False, f"Certificate: {error.filename or certificate} is not there")
    except (ssl.SSLError, OSError) as error:
        return Finding(False, f"Certificate {certificate} and key {key} do not load: {error}")
    expires = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    days = (expires - datetime.now(UTC)).days
    if days < 0:
        return Finding(False, f"Certificate {certificate} expired on {expires:%Y-%m-%d}; renew it")
    if days < CERTIFICATE_DAYS:
        return Finding(False, f"Certificate {certificate} expires in {days} days; renew it")
    return Finding(True, f"Certificate is good until {expires:%Y-%m-%d}")
