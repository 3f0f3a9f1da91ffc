"""A whole output: media in, playlists and files out, restarts, stalled and full disks, judged by ffmpeg."""

from __future__ import annotations

import asyncio
import re
import subprocess
import threading
from pathlib import Path

import imageio_ffmpeg
import pytest

from streaming.hls.index import INDEX_NAME, UNRECORDED, SegmentEntry, parse_index, position_after, read_index
from streaming.hls.output import HlsOutput, open_output
from streaming.hls.segmenter import Position
from streaming.hls.window import Form
from streaming.hls.writer import LocalDisk, WriteJob, open_writer
from streaming.media import Codec, Format, Item, Packet
from streaming.stream import Stream
from tests.support.encoded import encode


def _later(items: tuple[Item, ...], seconds: float) -> list[Item]:
    """The same packets again, `seconds` later."""
    format_ = items[0]
    assert isinstance(format_, Format)
    scales = {track.id: track.timescale for track in format_.tracks}
    return [
        Packet(
            item.track_id,
            item.dts + round(seconds * scales[item.track_id]),
            item.pts + round(seconds * scales[item.track_id]),
            item.duration,
            item.keyframe,
            item.payload,
            item.arrival + seconds,
        )
        for item in items
        if isinstance(item, Packet)
    ]


def _judge(directory: Path, output: HlsOutput) -> str:
    """What ffmpeg complains about when it decodes the plain playlist; and its timestamps, strictly growing."""
    playlist = directory / "judged.m3u8"
    playlist.write_bytes(output.window.playlist(Form.PLAIN).body)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-i", str(playlist), "-map", "0", "-f", "null", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stderr


def _segments(directory: Path) -> list[SegmentEntry]:
    return [entry for entry in read_index(directory) if isinstance(entry, SegmentEntry)]


@pytest.mark.service
@pytest.mark.parametrize(
    ("video", "audio", "b_frames"),
    [(Codec.H264, Codec.AAC, 2), (Codec.H264, None, 0), (None, Codec.AAC, 0), (Codec.HEVC, Codec.AAC, 0)],
)
async def test_case_24_the_judge_decodes_every_kind_without_a_word(
    tmp_path: Path, video: Codec | None, audio: Codec | None, b_frames: int
) -> None:
    items = encode(6.0, video=video, audio=audio, b_frames=b_frames)
    async with open_writer() as writer:
        stream = Stream("test")
        output = await open_output(stream, tmp_path, writer)
        for item in items:
            stream.write(item)
        await output.close()
    assert output.errors == 0
    complaints = await asyncio.to_thread(_judge, tmp_path, output)
    assert complaints == ""
    assert sum(entry.duration for entry in _segments(tmp_path)) == pytest.approx(6.0, abs=0.1)


@pytest.mark.service
async def test_case_23_after_a_kill_numbers_and_decode_time_go_on_and_no_name_is_used_twice(tmp_path: Path) -> None:
    items = encode(6.0)
    async with open_writer() as writer:
        first = Stream("first")
        await open_output(first, tmp_path, writer)  # never closed: the process was killed
        for item in items:
            first.write(item)
    with (tmp_path / INDEX_NAME).open("ab") as index:
        index.write(b'{"kind":"segment","msn":3,"dur')  # and a line was torn
    before = _segments(tmp_path)
    async with open_writer() as writer:
        second = Stream("second")
        output = await open_output(second, tmp_path, writer)
        for item in items:
            second.write(item)
        text = output.window.playlist(Form.LOW_LATENCY).body.decode()
        await output.close()
    after = _segments(tmp_path)[len(before) :]
    assert [entry.msn for entry in before] == [1, 2]
    assert after[0].msn == 2 + UNRECORDED + 1
    assert after[0].discontinuity
    assert after[0].discontinuity_sequence > before[-1].discontinuity_sequence
    assert after[0].decode_end > before[-1].decode_end
    assert after[0].init > before[-1].init
    assert f"#EXT-X-MEDIA-SEQUENCE:{after[0].msn}\n" in text
    assert text.index("#EXT-X-DISCONTINUITY\n") < text.index("#EXT-X-PART:")
    assert await asyncio.to_thread(_judge, tmp_path, output) == ""


@pytest.mark.service
async def test_after_an_orderly_stop_numbers_go_on_without_a_hole(tmp_path: Path) -> None:
    for _ in range(2):
        async with open_writer() as writer:
            stream = Stream("again")
            output = await open_output(stream, tmp_path, writer)
            for item in encode(6.0):
                stream.write(item)
            await output.close()
    assert [entry.msn for entry in _segments(tmp_path)] == [1, 2, 3, 4, 5, 6]
    assert [entry.discontinuity for entry in _segments(tmp_path)] == [False, False, False, True, False, False]


class Stalled(LocalDisk):
    """Writes hang until they are let go."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def write_file(self, path: Path, data: bytes) -> None:
        assert self.go_on.wait(60)
        super().write_file(path, data)


@pytest.mark.service
async def test_case_48_with_writes_stopped_for_60_s_of_media_the_live_goes_on_from_memory(tmp_path: Path) -> None:
    items = encode(6.0)
    disk = Stalled()
    async with open_writer(disk) as writer:
        stream = Stream("stalled")
        output = await open_output(stream, tmp_path, writer)
        loop = asyncio.get_running_loop()
        slowest = 0.0
        stream.write(items[0])
        for turn in range(10):
            for packet in _later(items, 6.0 * turn):
                began = loop.time()
                stream.write(packet)
                slowest = max(slowest, loop.time() - began)
        text = output.window.playlist(Form.LOW_LATENCY).body.decode()
        names = re.findall(r"^seg-\d+\.m4s$", text, re.MULTILINE)
        assert "GAP" not in text
        assert len(names) >= 29
        assert all(output.window.file(name) is not None for name in names)
        assert writer.queued_bytes <= 64 * 1024 * 1024
        assert slowest < 0.1  # what the publisher felt of it
        disk.go_on.set()
        await output.close()
    assert len(_segments(tmp_path)) == 30
    assert not any(entry.gap for entry in _segments(tmp_path))


class Small(LocalDisk):
    """A file system with so many bytes, and not one more."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write_file(self, path: Path, data: bytes) -> None:
        if len(data) > self.room:
            raise OSError(28, "No space left on device")
        self.room -= len(data)
        super().write_file(path, data)


@pytest.mark.service
async def test_case_48_a_full_disk_leaves_the_live_alone_and_a_hole_in_the_index(tmp_path: Path) -> None:
    async with open_writer(Small(room=400_000)) as writer:
        stream = Stream("full")
        output = await open_output(stream, tmp_path, writer)
        for item in encode(10.0):
            stream.write(item)
        text = output.window.playlist(Form.LOW_LATENCY).body.decode()
        await output.close()
    names = re.findall(r"^seg-\d+\.m4s$", text, re.MULTILINE)
    assert all(output.window.file(name) is not None for name in names)
    gaps = [entry.gap for entry in _segments(tmp_path)]
    assert gaps == [False, False, True, True, True]


async def test_an_output_starts_on_a_disk_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "event").write_text("a file where the directory should be")
    async with open_writer() as writer:
        output = await open_output(Stream("odd"), tmp_path / "event" / "venue", writer)
        assert output.window.position[0] > 1_700_000_000
        output.window.end()


async def test_a_bug_in_packaging_never_reaches_the_publisher(tmp_path: Path) -> None:
    class Broken:
        def submit(self, job: WriteJob) -> bool:
            raise RuntimeError("broken")

    stream = Stream("bug")
    output = HlsOutput(stream, tmp_path, Broken(), Position())
    stream.write(encode(2.0)[0])
    assert output.errors == 1


def test_index_lines_that_are_torn_or_foreign_are_passed_over() -> None:
    whole = (
        b'{"kind":"segment","msn":7,"init":2,"duration":2.0,"utc":1.0,"independent":true,"discontinuity":false,'
        b'"discontinuity_sequence":3,"decode_end":15.0,"bytes":9}\n'
    )
    entries = parse_index(b"{}\n[1]\nnull\n\xff\n" + whole + whole[:40] + b"\n" + b'{"kind":"later"}\n')
    assert len(entries) == 1
    position = position_after(entries)
    assert (position.msn, position.init, position.discontinuity_sequence) == (
        7 + UNRECORDED,
        2 + UNRECORDED,
        3 + UNRECORDED,
    )
    assert position.resumed


def test_an_empty_index_starts_at_the_beginning() -> None:
    assert position_after([]) == Position()
