"""All that subscribes to feeds and programs: HLS and FLV of live venues, stills, crew previews and health of feeds."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config.clock import Clock
from streaming.events.model import Event, Venue
from streaming.flv.fanout import FlvFanout
from streaming.health.meter import HealthMeter
from streaming.health.rules import Finding
from streaming.hls.output import HlsOutput, SegmentSink, open_output
from streaming.preview.still import StillSource
from streaming.program.program import Program
from streaming.stream import Stream


@dataclass(frozen=True, slots=True)
class _FeedOutputs:
    still: StillSource
    health: HealthMeter
    flv: FlvFanout


@dataclass(frozen=True, slots=True)
class _VenueOutputs:
    hls: HlsOutput
    flv: FlvFanout
    still: StillSource


class Outputs:
    """Opened and closed by the hub; asked by the routes. `decoders` is the bounded seam to PyAV."""

    def __init__(self, media_dir: Path, writer: SegmentSink, clock: Clock, decoders: ThreadPoolExecutor) -> None:
        self._media_dir = media_dir
        self._writer = writer
        self._clock = clock
        self._decoders = decoders
        self._feeds: dict[str, _FeedOutputs] = {}
        self._venues: dict[tuple[str, str], _VenueOutputs] = {}
        self._main: dict[str, str] = {}

    def feed_opened(self, feed_id: str, stream: Stream) -> None:
        self._feeds[feed_id] = _FeedOutputs(
            StillSource(stream, self._decoders),
            HealthMeter(stream, self._clock, self._decoders),
            FlvFanout(stream, asyncio.get_running_loop()),
        )

    def feed_closed(self, feed_id: str) -> None:
        outputs = self._feeds.pop(feed_id, None)
        if outputs is not None:
            outputs.still.close()
            outputs.health.close()
            outputs.flv.close()

    async def venue_opened(self, event: Event, venue: Venue, program: Program) -> None:
        directory = recording_directory(self._media_dir, event.id, venue.id)
        hls = await open_output(program, directory, self._writer)
        flv = FlvFanout(program, asyncio.get_running_loop())
        self._venues[event.id, venue.id] = _VenueOutputs(hls, flv, StillSource(program, self._decoders))
        if venue.main:
            self._main[event.id] = venue.id

    async def venue_closed(self, event_id: str, venue_id: str) -> None:
        outputs = self._venues.pop((event_id, venue_id), None)
        if self._main.get(event_id) == venue_id:
            del self._main[event_id]
        if outputs is not None:
            outputs.flv.close()
            outputs.still.close()
            await outputs.hls.close()

    def bits_per_second(self) -> float:
        """What all live venues together write to the disk."""
        return sum(outputs.hls.window.average_bits for outputs in self._venues.values())

    def findings(self, feed_id: str) -> tuple[Finding, ...]:
        outputs = self._feeds.get(feed_id)
        return outputs.health.findings if outputs is not None else ()

    def hls(self, event_id: str, venue_id: str) -> HlsOutput | None:
        outputs = self._venue(event_id, venue_id)
        return outputs.hls if outputs is not None else None

    def flv(self, event_id: str, venue_id: str) -> FlvFanout | None:
        outputs = self._venue(event_id, venue_id)
        return outputs.flv if outputs is not None else None

    def venue_still(self, event_id: str, venue_id: str) -> StillSource | None:
        outputs = self._venue(event_id, venue_id)
        return outputs.still if outputs is not None else None

    def feed_still(self, feed_id: str) -> StillSource | None:
        outputs = self._feeds.get(feed_id)
        return outputs.still if outputs is not None else None

    def feed_flv(self, feed_id: str) -> FlvFanout | None:
        outputs = self._feeds.get(feed_id)
        return outputs.flv if outputs is not None else None

    def _venue(self, event_id: str, venue_id: str) -> _VenueOutputs | None:
        if venue_id == "main":
            venue_id = self._main.get(event_id, "")
        return self._venues.get((event_id, venue_id))


def recording_directory(media_dir: Path, event_id: str, venue_id: str) -> Path:
    """Where a venue's segments and their index lie."""
    return media_dir / event_id / venue_id
