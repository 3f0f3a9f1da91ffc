"""The seam between the loop and a codec: a bounded queue, one job in work, results back on the loop in order.

Theory: a codec is a state machine that must see packets one after the other, so a lane never has two jobs in work;
its jobs are short (`BATCH_PACKETS`), so that lanes that share the threads take turns. What waits longer than
`MAX_LAG_SECONDS` says that the machine cannot keep up with real time: all that waits is dropped, and the lane takes
nothing up to the next key frame. The publisher and its other subscribers never notice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Protocol

import av
import structlog

from streaming.media import Format, Packet

BATCH_PACKETS = 8
"""A job's size: a third of a second of picture, some 50 ms of work."""
MAX_LAG_SECONDS = 2.0
"""What waits longer is late for every viewer; a joiner's cached GOP must fit in."""
MAX_WAITING = 600
"""Packets: ten seconds of 60 fps. Bounds memory where the clock does not (a GOP handed over in one go)."""
STRAIN_SECONDS = 10.0
"""Strain is shown for so long after the last drop: long enough to be read, short enough to be true."""
FAILURES_TO_TELL = 5
"""Batches in a row that the codec could not read before it is called broken; damage of a moment is not."""

log = structlog.get_logger(__name__)


class Work(Protocol):
    """A codec's state. Called on a worker thread, one call at a time."""

    def feed(self, packets: Sequence[Packet]) -> list[Format | Packet]:
        """Raises av.FFmpegError or ValueError for what cannot be read; the lane then makes a new one."""


class Lane:
    """One codec's. `put` from the loop; `deliver` is called on the loop."""

    def __init__(
        self,
        executor: Executor,
        make: Callable[[], Work],
        deliver: Callable[[list[Format | Packet]], None],
        *,
        video: bool,
    ) -> None:
        self._executor, self._make, self._deliver, self._video = executor, make, deliver, video
        self._loop = asyncio.get_running_loop()
        self._work: Work | None = None
        self._waiting: deque[tuple[float, Packet]] = deque()
        self._job: asyncio.Future[list[Format | Packet]] | None = None
        self._skipping = video
        self._closed = False
        self._failures = 0
        self._dropped_at: float | None = None
        self.dropped = 0
        """Packets that never reached the codec, or that it could not read."""
        self.lag = 0.0
        """Seconds that the last finished batch had waited and worked."""

    @property
    def strained(self) -> bool:
        """Whether it had to drop for want of time just now."""
        return self._dropped_at is not None and self._loop.time() - self._dropped_at < STRAIN_SECONDS

    @property
    def broken(self) -> bool:
        """Whether the codec makes nothing of what comes."""
        return self._failures >= FAILURES_TO_TELL

    def put(self, packet: Packet) -> None:
        if self._closed:
            return
        now = self._loop.time()
        if self._waiting and (now - self._waiting[0][0] > MAX_LAG_SECONDS or len(self._waiting) >= MAX_WAITING):
            self._drop_waiting(now)
        if self._skipping:
            if not packet.keyframe:
                self.dropped += 1
                return
            self._skipping = False
        self._waiting.append((now, packet))
        if self._job is None:
            self._submit()

    def close(self) -> None:
        """Deliver nothing more. A job in work runs to its end; nobody hears of it."""
        self._closed = True
        self._waiting.clear()

    def _drop_waiting(self, now: float) -> None:
        self.dropped += len(self._waiting)
        self._waiting.clear()
        self._dropped_at = now
        self._skipping = self._video

    def _submit(self) -> None:
        since = self._waiting[0][0]
        batch = [self._waiting.popleft()[1] for _ in range(min(BATCH_PACKETS, len(self._waiting)))]
        self._job = job = self._loop.run_in_executor(self._executor, self._run, batch)
        job.add_done_callback(lambda done: self._done(done, since, len(batch)))

    def _run(self, batch: list[Packet]) -> list[Format | Packet]:
        """On a worker thread."""
        if self._work is None:
            self._work = self._make()
        try:
            return self._work.feed(batch)
        except BaseException:
            self._work = None
            raise

    def _done(self, job: asyncio.Future[list[Format | Packet]], since: float, count: int) -> None:
        self._job = None
        if self._closed or job.cancelled():
            if not job.cancelled():
                job.exception()
            return
        error = job.exception()
        if error is None:
            self._failures = 0
            self.lag = self._loop.time() - since
            self._deliver(job.result())
        else:
            self.dropped += count
            self._failures += 1
            self._skipping = self._video
            if not isinstance(error, av.FFmpegError | ValueError):
                log.error("a codec job failed", error=repr(error), exc_info=error)
        if self._waiting and not self._closed and self._job is None:
            self._submit()
