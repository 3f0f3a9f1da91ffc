"""`venuecast check` says in plain words what is wrong."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from config import diagnosis
from tests.support.commands import venuecast

pytestmark = pytest.mark.service


def test_all_well(tmp_path: Path) -> None:
    checked = venuecast("check", data_dir=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert "✗" not in checked.stdout
    assert "mongod: mongod is there with all it needs" in checked.stdout


def test_a_taken_port_names_the_process(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        checked = venuecast("check", data_dir=tmp_path, VENUECAST_RTMP_PORT=str(port), VENUECAST_RTMP_HOST="127.0.0.1")
    assert checked.returncode == 1
    assert f"✗ RTMP port {port} is taken by " in checked.stdout
    assert f"(process {os.getpid()})" in checked.stdout
    assert "VENUECAST_RTMP_PORT" in checked.stdout


def test_serving_on_a_taken_port_says_so_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        refused = venuecast("serve", data_dir=tmp_path, VENUECAST_HTTP_PORT=port, VENUECAST_HTTP_HOST="127.0.0.1")
    assert refused.returncode == 1
    assert "venuecast check" in refused.stderr
    assert "Traceback" not in refused.stderr + refused.stdout


def test_a_mongodb_and_a_redis_that_do_not_answer(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    checked = venuecast(
        "check",
        data_dir=tmp_path,
        VENUECAST_MONGODB_URL=f"mongodb://operator:secret-word@127.0.0.1:{port}/",
        VENUECAST_REDIS_URL=f"redis://:secret-word@127.0.0.1:{port}/0",
    )
    assert checked.returncode == 1
    assert "MongoDB" in checked.stdout and "Redis" in checked.stdout
    assert "secret-word" not in checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("VENUECAST_MONGODB_URL", "mongo//nowhere"), ("VENUECAST_REDIS_URL", "nowhere")]
)
def test_an_address_that_is_none(tmp_path: Path, name: str, value: str) -> None:
    checked = venuecast("check", data_dir=tmp_path, **{name: value})
    assert checked.returncode == 1
    assert name in checked.stdout
    assert "Traceback" not in checked.stderr


def test_a_misspelt_setting_is_told_the_nearest_right_name(tmp_path: Path) -> None:
    checked = venuecast("check", data_dir=tmp_path, VENUECAST_HTTP_PROT="8080")
    assert checked.returncode == 2
    assert "did you mean VENUECAST_HTTP_PORT?" in checked.stderr


def test_a_missing_certificate(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.pem")
    checked = venuecast("check", data_dir=tmp_path, VENUECAST_TLS_CERT=missing, VENUECAST_TLS_KEY=missing)
    assert checked.returncode == 1
    assert "none.pem is not there" in checked.stdout


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "LOW_BYTES", 2**63)
    finding = diagnosis._disk(tmp_path / "not" / "there" / "yet")
    assert not finding.ok
    assert "make room before an event" in finding.text


def test_a_missing_shared_library_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_missing_libraries", lambda binary: ["libcurl.so.4"])
    finding = diagnosis._binary("mongod", tmp_path / "mongod", "VENUECAST_MONGODB_URL")
    assert finding.text == "mongod lacks libcurl.so.4: apt-get install libcurl4"
