"""One ffmpeg process: no shell, no terminal, dies with the hub, its words kept short and without secrets."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import imageio_ffmpeg

from config.embedded import child

KEPT_LINES = 30
"""ffmpeg says the cause in its last lines; a source that floods us with warnings keeps no memory."""
STOP_SECONDS = 3.0
LAST_WORDS_SECONDS = 2.0
PIPE_BYTES = 256 * 1024
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,9}://\S+", re.IGNORECASE)


def ffmpeg_binary() -> str:
    """The binary that the wheel carries."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


class FfmpegProcess:
    """What `open_ffmpeg` yields."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.pid = process.pid
        self.output = process.stdout
        self._errors = process.stderr
        self._process = process
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        """What it said last, addresses left out: they hold keys and passwords."""
        self._listening = asyncio.create_task(self._listen())

    async def last_words(self) -> list[str]:
        """All it has said, once its output has ended: words come through another pipe."""
        await asyncio.wait({self._listening}, timeout=LAST_WORDS_SECONDS)
        return list(self.lines)

    async def close(self) -> None:
        """End it, and the listening to it."""
        await self._stop()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        """Keep its words until it says no more."""
        while True:
            try:
                line = await self._errors.readline()
            except ValueError:  # longer than the limit: of no use, and read past
                continue
            if not line:
                return
            text = _ADDRESS.sub("<address>", line.decode("utf-8", "replace").strip())
            if text:
                self.lines.append(text[:300])

    async def _stop(self) -> None:
        """End it and wait; it has nothing to save."""
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)


@asynccontextmanager
async def open_ffmpeg(arguments: Sequence[str]) -> AsyncIterator[FfmpegProcess]:
    """Run ffmpeg with these arguments while the context is open. OSError when it cannot be started.

    The launcher of `config.embedded.child` gives it the parent-death signal, so this belongs on the main thread.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        child.__file__,
        str(os.getpid()),
        str(int(signal.SIGKILL)),
        ffmpeg_binary(),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=PIPE_BYTES,
    )
    running = FfmpegProcess(process)
    try:
        yield running
    finally:
        await asyncio.shield(running.close())
