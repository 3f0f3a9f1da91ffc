"""The one thread that writes to a disk: segments and index lines, from a bounded queue, never waited for.

A file is written beside its name, fsynced, renamed; then its line goes into the index, which is fsynced too. So a
line in the index means a whole file, also after a power cut. What fails, or finds the queue full, is a gap: the live
goes on from memory, and the recording has a hole that it knows of. Index lines and init sections are never given up:
they wait, in order, until the disk takes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

QUEUE_BYTES = 64 * 1024 * 1024
"""Waiting for one disk: two minutes of two venues at 2 Mbit/s. Beyond it segments become gaps."""
QUEUE_JOBS = 20_000
"""Bounds even what costs next to nothing (gap lines) while a disk hangs: 11 hours of one venue. Beyond it the hole has
no lines of its own, only a step in the media sequence."""
RETRY_SECONDS = 2.0
"""How often an index line that the disk refused is tried again while nothing else is written."""
REPORT_SECONDS = 10.0
"""Repeated trouble is logged no more often than this, with a count."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WriteJob:
    """A file and the index line that tells of it; or a line alone (`name` empty)."""

    directory: Path
    name: str
    data: bytes
    line: bytes
    """Appended to the index when the file is there."""
    gap_line: bytes | None
    """Appended instead when it is not; None for what must not be given up (init sections)."""
    done: Callable[[bool], None] | None = None
    """Called in the writer's thread: was the file written?"""


class Disk(Protocol):
    """What the writer does to a disk; blocking, in its thread. Raises OSError."""

    def write_file(self, path: Path, data: bytes) -> None: ...

    def append(self, path: Path, data: bytes) -> None: ...


class LocalDisk:
    """A file system."""

    def write_file(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(path.name + ".tmp")
        try:
            with temporary.open("wb", buffering=0) as file:
                _write_all(file.fileno(), data)
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

    def append(self, path: Path, data: bytes) -> None:
        with path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                _write_all(file.fileno(), data)
                os.fdatasync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(file.fileno(), size)  # no half line before the next attempt
                raise


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class SegmentWriter:
    """Owns the thread. `submit` may be called from any thread and never blocks."""

    def __init__(self, disk: Disk | None = None, index_name: str = "index.jsonl") -> None:
        self.written = 0
        self.failed = 0
        """Files that were given up because the disk refused them."""
        self.refused = 0
        """Segments that found the queue full."""
        self.last_error = ""
        self._disk = disk or LocalDisk()
        self._index_name = index_name
        self._jobs: deque[WriteJob] = deque()
        self._bytes = 0
        self._pending: dict[Path, deque[WriteJob]] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._reported = -REPORT_SECONDS
        self._troubles = 0
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="segment-writer", daemon=True)

    @property
    def queued_bytes(self) -> int:
        return self._bytes

    @property
    def stalled_seconds(self) -> float:
        """How long the write under way has taken."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: WriteJob) -> bool:
        """Queue a job. False: the queue is full, and the job has become its gap line."""
        with self._changed:
            fits = self._bytes + len(job.data) <= QUEUE_BYTES or job.gap_line is None
            if not fits and job.gap_line is not None:
                self.refused += 1
                job = WriteJob(job.directory, "", b"", job.gap_line, None, job.done)
            if len(self._jobs) >= QUEUE_JOBS:
                return False
            self._jobs.append(job)
            self._bytes += len(job.data)
            self._changed.notify()
        return fits

    def close(self, timeout: float) -> bool:
        """Write what is queued and end the thread. False when the disk did not take it in time."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._closing:
                    if not self._changed.wait(RETRY_SECONDS if self._pending else None) and self._pending:
                        break
                if not self._jobs and self._closing and not self._pending:
                    return
                job = self._jobs.popleft() if self._jobs else None
                last = self._closing and job is None
            self._busy_since = time.monotonic()
            if job is None:
                self._retry()
            else:
                self._write(job)
            self._busy_since = None
            if job is not None:
                with self._changed:
                    self._bytes -= len(job.data)
            if last:
                return

    def _retry(self) -> None:
        for directory in list(self._pending):
            self._settle(directory)

    def _write(self, job: WriteJob) -> None:
        written = False
        if job.name and job.gap_line is not None:
            try:
                self._disk.write_file(job.directory / job.name, job.data)
                written = True
            except OSError as error:
                self.failed += 1
                self._report(error)
            line = job.line if written else job.gap_line
            self._pending.setdefault(job.directory, deque()).append(WriteJob(job.directory, "", b"", line, None))
        else:
            self._pending.setdefault(job.directory, deque()).append(job)
        self._settle(job.directory)
        if (job.gap_line is not None or not job.name) and job.done is not None:
            job.done(written)

    def _settle(self, directory: Path) -> None:
        """Write what must not be lost, in order, as far as the disk takes it."""
        waiting = self._pending.get(directory)
        while waiting:
            job = waiting[0]
            try:
                if job.name:
                    self._disk.write_file(directory / job.name, job.data)
                self._disk.append(directory / self._index_name, job.line)
            except OSError as error:
                self._report(error)
                return
            waiting.popleft()
            self.written += 1
            if job.name and job.done is not None:
                job.done(True)
        self._pending.pop(directory, None)

    def _report(self, error: OSError) -> None:
        self.last_error = error.strerror or type(error).__name__
        self._troubles += 1
        now = time.monotonic()
        if now - self._reported >= REPORT_SECONDS:
            log.error("disk refuses segments", error=self.last_error, times=self._troubles)
            self._reported = now
            self._troubles = 0


@contextlib.asynccontextmanager
async def open_writer(disk: Disk | None = None, close_seconds: float = 10.0) -> AsyncIterator[SegmentWriter]:
    """A running writer; at the end it gets `close_seconds` to write what is queued."""
    writer = SegmentWriter(disk)
    writer.start()
    try:
        yield writer
    finally:
        if not await asyncio.to_thread(writer.close, close_seconds):
            log.error("segments not written at stop", bytes=writer.queued_bytes)
