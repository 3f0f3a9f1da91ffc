"""Addresses that expire: Debian's nginx lets pass what we sign and nothing else; type A by a CDN's own example."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.nginx import DEPLOYED, NGINX, _wait_for, free_port
from web.play.signed_urls import (
    rounded_expiry,
    secure_link,
    secure_link_holds,
    signed_playlist,
    type_a,
    type_a_holds,
)

KEY, DIRECTORY = "a key of this test", "/live/e/v/"
FAR = 4_000_000_000

PLAYLIST = """#EXTM3U
#EXT-X-MAP:URI="init-1.mp4"
#EXTINF:2.0,
seg-1.m4s
#EXT-X-PART:DURATION=0.3,URI="part-2.0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-2.1.m4s"
media.m3u8?plain=1
"""


def test_every_address_of_a_playlist_carries_the_signature() -> None:
    assert signed_playlist(PLAYLIST, "md5=x&expires=1").splitlines() == [
        "#EXTM3U",
        '#EXT-X-MAP:URI="init-1.mp4?md5=x&expires=1"',
        "#EXTINF:2.0,",
        "seg-1.m4s?md5=x&expires=1",
        '#EXT-X-PART:DURATION=0.3,URI="part-2.0.m4s?md5=x&expires=1",INDEPENDENT=YES',
        '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-2.1.m4s?md5=x&expires=1"',
        "media.m3u8?plain=1&md5=x&expires=1",
    ]


def test_type_a_is_as_the_cdn_documents_it() -> None:
    """The example of Alibaba Cloud's documentation of URL signing, type A."""
    query = type_a("/video/standard/1K.html", "aliyuncdnexp1234", 1444435200, rand="0", uid="0")
    assert query == "auth_key=1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f"


@pytest.mark.parametrize(
    ("path", "now", "change"),
    [("/live/e/w.flv", 5, ""), ("/live/e/v.flv", 11, ""), ("/live/e/v.flv", 5, "0"), ("/live/e/v.flv", 5, "é")],
    ids=["another-path", "over", "longer", "not-ascii"],
)
def test_what_type_a_refuses(path: str, now: float, change: str) -> None:
    auth_key = type_a("/live/e/v.flv", KEY, 10).removeprefix("auth_key=")
    assert type_a_holds("/live/e/v.flv", KEY, auth_key, 10)
    assert not type_a_holds(path, KEY, auth_key + change, now)


def test_viewers_of_the_same_minutes_share_an_address_and_a_renewed_one_overlaps() -> None:
    assert rounded_expiry(1_000_000, 600) == rounded_expiry(1_000_150, 600)
    for now in range(1_000_000, 1_001_200, 7):
        assert 300 <= rounded_expiry(now, 600) - now <= 600


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """The deployed rule in Debian's nginx, in front of files that stand for the hub."""
    port, hub_port = free_port(), free_port()
    venue = tmp_path / "root" / "live" / "e" / "v"
    venue.mkdir(parents=True)
    for name in ("media.m3u8", "init-1.mp4", "seg-1.m4s", "part-2.0.m4s"):
        (venue / name).write_text(name)
    temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} pid {tmp_path}/pid; error_log {tmp_path}/error.log;"
        f"events {{}} http {{ access_log off; {temporary}"
        f"upstream hub {{ server 127.0.0.1:{hub_port}; }}"
        f"server {{ listen 127.0.0.1:{hub_port}; root {tmp_path}/root; }}"
        f'server {{ listen 127.0.0.1:{port}; set $play_key "{KEY}";'
        f"include {DEPLOYED}/signing/secure_link.conf; }} }}"
    )
    process = subprocess.Popen(
        [NGINX, "-c", str(configuration), "-p", str(tmp_path), "-g", "daemon off;"], stderr=subprocess.PIPE
    )
    try:
        _wait_for(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        assert process.stderr is not None
        process.stderr.close()


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


@pytest.mark.service
def test_nginx_lets_pass_what_is_signed_for_this_venue_and_now(guarded: str) -> None:
    query = secure_link(DIRECTORY, KEY, FAR)
    for name in ("media.m3u8", "init-1.mp4", "seg-1.m4s", "part-2.0.m4s"):
        assert status(f"{guarded}{DIRECTORY}{name}?{query}") == 200
    assert status(f"{guarded}{DIRECTORY}media.m3u8?_HLS_msn=3&{query}") == 200  # directives beside it
    assert status(f"{guarded}{DIRECTORY}seg-1.m4s") == 403
    assert status(f"{guarded}{DIRECTORY}seg-1.m4s?{secure_link('/live/e/w/', KEY, FAR)}") == 403
    assert status(f"{guarded}{DIRECTORY}seg-1.m4s?{secure_link(DIRECTORY, 'another key', FAR)}") == 403
    assert status(f"{guarded}{DIRECTORY}seg-1.m4s?{secure_link(DIRECTORY, KEY, 1_000_000_000)}") == 410


def test_the_hub_decides_as_nginx_does() -> None:
    md5 = secure_link(DIRECTORY, KEY, 10).removeprefix("md5=").partition("&")[0]
    assert secure_link_holds(DIRECTORY, KEY, md5, "10", 10)
    assert not secure_link_holds(DIRECTORY, KEY, md5, "10", 11)
    assert not secure_link_holds(DIRECTORY, KEY, md5, "11", 10)
    assert not secure_link_holds("/live/e/w/", KEY, md5, "10", 10)
    assert not secure_link_holds(DIRECTORY, KEY, "é", "²", 10)
