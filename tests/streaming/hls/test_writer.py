"""The writer: order, bounds, full and stalled disks."""

from __future__ import annotations

import errno
import os
import threading
from functools import partial
from pathlib import Path

import pytest

from streaming.hls import writer as writer_module
from streaming.hls.writer import LocalDisk, SegmentWriter, WriteJob


class Gate(LocalDisk):
    """A disk that hangs while the gate is shut, and refuses what `full` names."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.full = False

    def write_file(self, path: Path, data: bytes) -> None:
        self.entered.set()
        assert self.open.wait(60)
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write_file(path, data)

    def append(self, path: Path, data: bytes) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(path, data)


def _segment(directory: Path, number: int, size: int = 10) -> WriteJob:
    return WriteJob(directory, f"seg-{number}.m4s", bytes(size), b"kept %d\n" % number, b"gap %d\n" % number)


def _index(directory: Path) -> list[str]:
    return (directory / "index.jsonl").read_text().splitlines()


def test_files_come_before_their_lines_and_lines_in_order(tmp_path: Path) -> None:
    writer = SegmentWriter()
    writer.start()
    writer.submit(WriteJob(tmp_path, "init-1.mp4", b"init", b"init 1\n", None))
    for number in range(1, 4):
        assert writer.submit(_segment(tmp_path, number))
    assert writer.close(10)
    assert _index(tmp_path) == ["init 1", "kept 1", "kept 2", "kept 3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index.jsonl",
        "init-1.mp4",
        "seg-1.m4s",
        "seg-2.m4s",
        "seg-3.m4s",
    ]


def test_case_48_a_hanging_disk_holds_bounded_bytes_and_the_rest_becomes_gaps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "QUEUE_BYTES", 50)
    disk = Gate()
    disk.open.clear()
    writer = SegmentWriter(disk)
    writer.start()
    assert writer.submit(_segment(tmp_path, 1))
    assert disk.entered.wait(10)
    taken = [writer.submit(_segment(tmp_path, number)) for number in range(2, 11)]
    assert taken == [True] * 4 + [False] * 5
    assert writer.queued_bytes == 50
    assert writer.refused == 5
    disk.open.set()
    assert writer.close(10)
    assert _index(tmp_path) == [f"kept {n}" for n in range(1, 6)] + [f"gap {n}" for n in range(6, 11)]
    assert writer.queued_bytes == 0


def test_case_48_a_full_disk_makes_gaps_and_loses_no_line(tmp_path: Path) -> None:
    disk = Gate()
    disk.full = True
    writer = SegmentWriter(disk)
    answers: list[bool] = []
    refused = threading.Event()
    writer.start()
    writer.submit(WriteJob(tmp_path, "init-1.mp4", b"init", b"init 1\n", None))

    def done(number: int, written: bool) -> None:
        answers.append(written)
        if number == 2:
            refused.set()

    for number in (1, 2):
        job = _segment(tmp_path, number)
        writer.submit(WriteJob(tmp_path, job.name, job.data, job.line, job.gap_line, partial(done, number)))
    assert refused.wait(10)
    assert answers == [False, False]
    disk.full = False
    writer.submit(_segment(tmp_path, 3))
    assert writer.close(10)
    assert _index(tmp_path) == ["init 1", "gap 1", "gap 2", "kept 3"]
    assert (tmp_path / "init-1.mp4").read_bytes() == b"init"
    assert not list(tmp_path.glob("*.tmp"))
    assert writer.failed == 2


def test_closing_does_not_wait_for_a_hanging_disk(tmp_path: Path) -> None:
    disk = Gate()
    disk.open.clear()
    writer = SegmentWriter(disk)
    writer.start()
    writer.submit(_segment(tmp_path, 1))
    assert not writer.close(0.05)
    disk.open.set()
    assert writer.close(10)


def test_a_real_disk_that_is_full_leaves_no_half_file_and_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel writes what still fits and refuses the rest, as a full file system does."""
    disk = LocalDisk()
    disk.append(tmp_path / "index.jsonl", b"whole\n")
    write = os.write
    room = [7]

    def almost_full(fd: int, data: memoryview) -> int:
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(fd, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", almost_full)
    with pytest.raises(OSError):
        disk.write_file(tmp_path / "seg-1.m4s", bytes(100))
    room[0] = 3
    with pytest.raises(OSError):
        disk.append(tmp_path / "index.jsonl", b"torn line\n")
    assert [path.name for path in tmp_path.iterdir()] == ["index.jsonl"]
    assert (tmp_path / "index.jsonl").read_bytes() == b"whole\n"
