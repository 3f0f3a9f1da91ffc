"""From an ffmpeg process to a publication: arguments, tags, time limits, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum

import structlog

from config.clock import Clock
from streaming.flv.demux import Demuxer
from streaming.flv.tag import UnsupportedCodec
from streaming.gateway.flv_reader import FlvError, FlvReader
from streaming.gateway.outcome import Outcome, Reason, read_outcome
from streaming.gateway.process import open_ffmpeg
from streaming.ingest import Publication

START_SECONDS = 15.0
"""From starting to the first packet: cameras with a key frame every 10 s need most of it."""
SILENCE_SECONDS = 10.0
"""A source that gives nothing for this long is gone."""
READ_BYTES = 128 * 1024

log = structlog.get_logger(__name__)


class Carry(Enum):
    """What ffmpeg does with the media: copies, as long as FLV can carry it."""

    COPY = ("-c", "copy")
    SOUND = ("-c:v", "copy", "-c:a", "aac", "-ar", "48000", "-ac", "2", "-b:a", "128k")
    """For cameras with G.711 and the like."""
    BOTH = (
        "-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-crf", "24",
        "-maxrate", "4M", "-bufsize", "4M", "-force_key_frames", "expr:gte(t,n_forced*2)",
        "-c:a", "aac", "-ar", "48000", "-ac", "2", "-b:a", "128k",
    )  # fmt: skip
    """For MJPEG, MPEG-2 and the like: costs a third of a core at 720p."""

    @property
    def next(self) -> Carry | None:
        """What to try when FLV could not carry this."""
        order = list(Carry)
        index = order.index(self) + 1
        return order[index] if index < len(order) else None


def flv_arguments(source: Sequence[str], carry: Carry) -> list[str]:
    """A whole command line (without the binary): this input, as FLV on the standard output, without delay."""
    return [
        "-hide_banner", "-nostats", "-loglevel", "warning", "-nostdin",
        *source,
        "-map", "0:v:0?", "-map", "0:a:0?", *carry.value,
        "-max_interleave_delta", "300000", "-flush_packets", "1",
        "-flvflags", "no_duration_filesize", "-f", "flv", "pipe:1",
    ]  # fmt: skip


class Intake:
    """One source into one publication. `run` until it ends; `carry` is learnt and kept between runs."""

    def __init__(self, clock: Clock, *, start_seconds: float = START_SECONDS) -> None:
        self._clock = clock
        self._start_seconds = start_seconds
        self.carry = Carry.COPY
        self.media = False
        """Whether this run has given a packet."""

    async def run(
        self, source: Sequence[str], publication: Publication, on_start: Callable[[], None] = lambda: None
    ) -> Outcome:
        """Run ffmpeg until the source ends, fails or falls silent. Cancelling it ends the process too."""
        self.media = False
        try:
            async with open_ffmpeg(flv_arguments(source, self.carry)) as process:
                on_start()
                outcome = await self._copy(process.output, publication)
                if outcome is None:
                    outcome = read_outcome(await process.last_words(), had_media=self.media)
                elif not outcome.detail and process.lines:
                    outcome = Outcome(outcome.reason, process.lines[-1])
        except OSError as error:
            log.error("ffmpeg cannot be started", error=str(error))
            return Outcome(Reason.FAILED, str(error))
        if outcome.reason is Reason.UNSUPPORTED and self.carry.next is not None:
            self.carry = self.carry.next
        return outcome

    async def _copy(self, output: asyncio.StreamReader, publication: Publication) -> Outcome | None:
        """None at the end of the output."""
        loop = asyncio.get_running_loop()
        reader, demuxer = FlvReader(), Demuxer()
        while True:
            try:
                async with asyncio.timeout(SILENCE_SECONDS if self.media else self._start_seconds):
                    data = await output.read(READ_BYTES)
            except TimeoutError:
                return Outcome(Reason.SILENT if self.media else Reason.NO_MEDIA)
            if not data:
                return None
            utc, now = self._clock.utc(), loop.time()
            try:
                for tag in reader.feed(data):
                    if tag.type_id in (8, 9):
                        for item in demuxer.feed(tag.type_id, tag.timestamp, tag.body, utc, now):
                            publication.write(item)
                            self.media = True
            except UnsupportedCodec as error:
                return Outcome(Reason.UNSUPPORTED, str(error))
            except FlvError as error:
                return Outcome(Reason.FAILED, str(error))
