"""The HLS output of one venue: subscribes to its program, fills the live window, hands segments to the writer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from streaming.hls.codec_strings import codecs_attribute
from streaming.hls.index import closed_line, init_line, open_index, segment_line
from streaming.hls.playlist import Variant, init_name, multivariant_playlist, parse_name, segment_name
from streaming.hls.segmenter import Cut, InitSection, Position, Segment, Segmenter
from streaming.hls.window import Window
from streaming.hls.writer import WriteJob
from streaming.media import End, Item, Track
from streaming.stream import Stream

REPORT_SECONDS = 10.0
"""An item that cannot be packaged is logged no more often than this."""
CLOSE_SECONDS = 5.0
"""How long closing waits for the disk; beyond it the writer goes on by itself."""

log = structlog.get_logger(__name__)


class SegmentSink(Protocol):
    """Where finished segments go; `streaming.hls.writer.SegmentWriter`."""

    def submit(self, job: WriteJob) -> bool: ...


class HlsOutput:
    """Made by `open_output`. Requests read `window`, `multivariant` and `path`; `close` ends the recording."""

    def __init__(self, stream: Stream, directory: Path, writer: SegmentSink, position: Position) -> None:
        self.directory = directory
        self.window = Window(position.msn + 1)
        self.errors = 0
        """Items that could not be packaged: bugs, each a traceback in the log."""
        self.bytes_out = 0
        self._stream = stream
        self._writer = writer
        self._segmenter = Segmenter(position)
        self._tracks: tuple[Track, ...] = ()
        self._codecs = ""
        self._closed = False
        self._reported = -REPORT_SECONDS
        self._loop = asyncio.get_running_loop()
        stream.subscribe(self)

    def receive(self, item: Item) -> None:
        """An item of the program (`streaming.stream.Subscriber`)."""
        if self._closed:
            return
        try:
            cuts = self._segmenter.feed(item)
            if cuts:
                self._publish(cuts)
        except Exception:
            # a Subscriber never raises: the publisher and the other outputs must not feel it
            self.errors += 1
            now = time.monotonic()
            if now - self._reported >= REPORT_SECONDS:
                self._reported = now
                log.exception("hls packaging failed", stream=self._stream.name, errors=self.errors)
        if isinstance(item, End):
            self.window.end()

    async def close(self) -> None:
        """Write the last segment, list it with ENDLIST, and wait until the disk has it (bounded)."""
        if self._closed:
            return
        self._stream.unsubscribe(self)
        self.receive(End())
        self._closed = True
        settled = self._loop.create_future()
        self._submit("", b"", closed_line(), None, lambda _: None if settled.done() else settled.set_result(None))
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await settled
        except TimeoutError:
            log.warning("closing does not wait for the disk any longer", stream=self._stream.name)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """What is on air now."""
        return self._tracks

    def multivariant(self, media_uri: str) -> bytes:
        """The top playlist: this one rung, at `media_uri`."""
        video = next((track for track in self._tracks if track.is_video), None)
        return multivariant_playlist(
            [
                Variant(
                    media_uri,
                    self._codecs,
                    # before the first segment is there: what a 720p camera usually sends
                    bandwidth=round(self.window.peak_bits) or 2_500_000,
                    average_bandwidth=round(self.window.average_bits) or 2_000_000,
                    width=video.width if video else 0,
                    height=video.height if video else 0,
                )
            ]
        ).encode()

    def path(self, name: str) -> Path | None:
        """Where a segment or init section lies once it has left memory; None for any other name."""
        kind, _, _ = parse_name(name)
        return self.directory / name if kind in ("init", "segment") else None

    def _publish(self, cuts: list[Cut]) -> None:
        for cut in cuts:
            match cut:
                case InitSection():
                    self._tracks = cut.tracks
                    self._codecs = codecs_attribute(cut.tracks)
                    self._submit(init_name(cut.number), cut.data, init_line(cut, self._codecs), None, None)
                case Segment():
                    self.bytes_out += len(cut.data)
        self.window.add(cuts)
        for cut in cuts:
            if isinstance(cut, Segment):
                self._submit(
                    segment_name(cut.head.msn),
                    cut.data,
                    segment_line(cut, gap=False),
                    segment_line(cut, gap=True),
                    partial(self.window.confirm, cut.head.msn),
                )

    def _submit(
        self, name: str, data: bytes, line: bytes, gap_line: bytes | None, done: Callable[[bool], None] | None
    ) -> None:
        self._writer.submit(
            WriteJob(self.directory, name, data, line, gap_line, partial(self._tell, done) if done else None)
        )

    def _tell(self, done: Callable[[bool], None], written: bool) -> None:
        """Carry the writer's word from its thread to the loop."""
        try:
            self._loop.call_soon_threadsafe(done, written)
        except RuntimeError:
            pass  # the loop has ended before the disk answered


async def open_output(stream: Stream, directory: Path, writer: SegmentSink) -> HlsOutput:
    """Subscribe an output to a program, going on behind whatever `directory` holds from an earlier run.

    A disk that cannot be read or written now is logged; the live starts all the same.
    """
    try:
        position = await asyncio.to_thread(open_index, directory)
    except OSError as error:
        log.error("recording cannot be opened", directory=directory.name, error=error.strerror)
        # nobody knows what was seen before: numbers from the clock are higher than any counted ones
        number = int(time.time())
        position = Position(msn=number, init=number, discontinuity_sequence=number, resumed=True)
    return HlsOutput(stream, directory, writer, position)
