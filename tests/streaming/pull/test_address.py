"""What may be pulled, and how ffmpeg is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.events.model import EventState, Source
from streaming.pull.address import Networks, SourceRefused, check_address, check_networks, find_files, is_allowed
from streaming.pull.arguments import concat_listing, source_arguments
from streaming.pull.pullers import is_due


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:secret@192.168.1.64:554/Streaming/Channels/101",
        "rtsps://cam.example.cn/1",
        "rtmp://live.example.cn/live/key",
        "https://live.example.cn/hall/index.m3u8?token=1",
        "http://10.0.0.8/live.flv",
        "srt://10.0.0.8:9000?streamid=read:hall",
        "file:west-lake.mp4",
        "file:one.mp4,two.mp4",
    ],
)
def test_addresses_of_cameras_and_films_are_taken(url: str) -> None:
    check_address(url)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("concat:/etc/passwd|/etc/shadow", "source_scheme"),
        ("gopher://10.0.0.1/", "source_scheme"),
        ("/etc/passwd", "source_scheme"),
        ("pipe:0", "source_scheme"),
        ("rtsp://", "source_address"),
        ("http://[::1", "source_address"),
        ("http://host:99999/", "source_address"),
        ("rtsp://cam/one two", "source_address"),
        ("file:/etc/passwd", "source_file"),
        ("file:../secret.mp4", "source_file"),
        ("file:.hidden", "source_file"),
        ("file:", "source_file"),
        ("file:it's.mp4", "source_file"),
    ],
)
def test_everything_else_is_refused_with_its_reason(url: str, code: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        check_address(url)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("address", "private", "public"),
    [
        ("114.114.114.114", True, True),
        ("192.168.1.64", True, False),
        ("10.1.2.3", True, False),
        ("fd00::1", True, False),
        ("127.0.0.1", False, False),
        ("::1", False, False),
        ("::ffff:127.0.0.1", False, False),
        ("169.254.169.254", False, False),
        ("fe80::1%eth0", False, False),
        ("224.0.0.1", False, False),
        ("0.0.0.0", False, False),
    ],
)
def test_networks_are_told_apart(address: str, private: bool, public: bool) -> None:
    assert is_allowed(address, Networks.PRIVATE) is private
    assert is_allowed(address, Networks.PUBLIC) is public
    assert is_allowed(address, Networks.ANY)


async def test_a_name_that_leads_to_this_machine_is_refused() -> None:
    with pytest.raises(SourceRefused):
        await check_networks("http://localhost:27017/", Networks.PRIVATE)
    await check_networks("http://localhost:27017/", Networks.ANY)


def test_files_stay_in_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "film.mp4").write_bytes(b"")
    (tmp_path / "secret.mp4").write_bytes(b"")
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    assert find_files(folder, "file:film.mp4") == [folder / "film.mp4"]
    for url in ("file:link.mp4", "file:none.mp4"):
        with pytest.raises(SourceRefused):
            find_files(folder, url)


def test_a_camera_gets_tcp_and_udp_in_turn_unless_told() -> None:
    def transport(source: Source, attempt: int) -> str:
        arguments = source_arguments(source, [], None, attempt=attempt)
        return arguments[arguments.index("-rtsp_transport") + 1]

    auto, fixed = Source("rtsp://cam/1"), Source("rtsp://cam/1", transport="udp")
    assert [transport(auto, attempt) for attempt in range(4)] == ["tcp", "udp", "tcp", "udp"]
    assert [transport(fixed, attempt) for attempt in range(2)] == ["udp", "udp"]


def test_the_web_never_leads_to_files() -> None:
    for url in ("http://h/a.m3u8", "https://h/a.flv", "rtsp://h/1", "rtmp://h/a/b"):
        arguments = source_arguments(Source(url), [], None, attempt=0)
        allowed = arguments[arguments.index("-protocol_whitelist") + 1].split(",")
        assert not {"file", "concat", "pipe", "subfile"} & set(allowed)


def test_a_playlist_is_one_endless_input(tmp_path: Path) -> None:
    files = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    arguments = source_arguments(Source("file:one.mp4,two.mp4"), files, tmp_path / "list", attempt=0)
    assert arguments[:3] == ["-re", "-stream_loop", "-1"]
    assert concat_listing(files).splitlines()[1] == f"file '{files[0]}'"


def test_sources_are_due_with_the_event_or_by_the_clock() -> None:
    with_event = Source("rtsp://cam/1")
    assert is_due(with_event, EventState.LIVE, 0)
    assert not is_due(with_event, EventState.SCHEDULED, 0)
    timed = Source("rtsp://cam/1", start="scheduled", from_at=100.0, until_at=200.0)
    assert [is_due(timed, EventState.SCHEDULED, at) for at in (99, 100, 199, 200)] == [False, True, True, False]
    assert not is_due(timed, EventState.ENDED, 150)
