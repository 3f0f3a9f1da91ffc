"""All that subscribes to feeds and programs: HLS and FLV of live venues, stills, crew previews and health of feeds.

HLS and FLV take the broadcast form (AAC whatever comes), WebRTC viewers the browser form: `streaming.transcode`.
"""

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
from streaming.rtmp.player import tag_message
from streaming.stream import Stream
from streaming.transcode import DerivedStream, Transcoders


@dataclass(frozen=True, slots=True)
class _FeedOutputs:
    stream: Stream
    still: StillSource
    health: HealthMeter
    flv: FlvFanout


@dataclass(frozen=True, slots=True)
class _VenueOutputs:
    program: Program
    hls: HlsOutput
    flv: FlvFanout
    still: StillSource


class Outputs:
    """Opened and closed by the hub; asked by the routes. `decoders` is the bounded seam to PyAV."""

    def __init__(
        self, media_dir: Path, writer: SegmentSink, clock: Clock, decoders: ThreadPoolExecutor, forms: Transcoders
    ) -> None:
        self._media_dir = media_dir
        self._writer = writer
        self._clock = clock
        self._decoders = decoders
        self._forms = forms
        self._feeds: dict[str, _FeedOutputs] = {}
        self._venues: dict[tuple[str, str], _VenueOutputs] = {}
        self._main: dict[str, str] = {}
        self._rtmp: dict[Stream, FlvFanout] = {}
        """Of programs and feeds that RTMP players have asked for, by source."""

    def feed_opened(self, feed_id: str, stream: Stream) -> None:
        self._feeds[feed_id] = _FeedOutputs(
            stream,
            StillSource(stream, self._decoders),
            HealthMeter(stream, self._clock, self._decoders),
            FlvFanout(self._forms.broadcast(stream), asyncio.get_running_loop()),
        )

    def feed_closed(self, feed_id: str) -> None:
        outputs = self._feeds.pop(feed_id, None)
        if outputs is not None:
            outputs.still.close()
            outputs.health.close()
            outputs.flv.close()
            self._close_rtmp(outputs.stream)
            self._forms.release(outputs.stream)

    async def venue_opened(self, event: Event, venue: Venue, program: Program) -> None:
        directory = recording_directory(self._media_dir, event.id, venue.id)
        broadcast = self._forms.broadcast(program)
        hls = await open_output(broadcast, directory, self._writer)
        flv = FlvFanout(broadcast, asyncio.get_running_loop())
        self._venues[event.id, venue.id] = _VenueOutputs(program, hls, flv, StillSource(program, self._decoders))
        if venue.main:
            self._main[event.id] = venue.id

    async def venue_closed(self, event_id: str, venue_id: str) -> None:
        outputs = self._venues.pop((event_id, venue_id), None)
        if self._main.get(event_id) == venue_id:
            del self._main[event_id]
        if outputs is not None:
            outputs.flv.close()
            outputs.still.close()
            self._close_rtmp(outputs.program)
            await outputs.hls.close()
            self._forms.release(outputs.program)

    def bits_per_second(self) -> float:
        """What all live venues together write to the disk."""
        return sum(outputs.hls.window.average_bits for outputs in self._venues.values())

    def findings(self, feed_id: str) -> tuple[Finding, ...]:
        outputs = self._feeds.get(feed_id)
        if outputs is None:
            return ()
        trouble = self._forms.broadcast(outputs.stream).trouble
        strain = () if trouble is None else (Finding(trouble.code.value, "warning", trouble.since, {}),)
        return (*outputs.health.findings, *strain)

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

    def browser(self, event_id: str, venue_id: str) -> DerivedStream | None:
        """A venue's program as WebRTC carries it."""
        outputs = self._venue(event_id, venue_id)
        return self._forms.browser(outputs.program) if outputs is not None else None

    def feed_browser(self, feed_id: str) -> DerivedStream | None:
        outputs = self._feeds.get(feed_id)
        return self._forms.browser(outputs.stream) if outputs is not None else None

    def rtmp(self, event_id: str, venue_id: str) -> FlvFanout | None:
        """A venue's program for RTMP players."""
        outputs = self._venue(event_id, venue_id)
        return self._rtmp_of(outputs.program) if outputs is not None else None

    def feed_rtmp(self, feed_id: str) -> FlvFanout | None:
        outputs = self._feeds.get(feed_id)
        return self._rtmp_of(outputs.stream) if outputs is not None else None

    def _rtmp_of(self, source: Stream) -> FlvFanout:
        fanout = self._rtmp.get(source)
        if fanout is None:
            loop = asyncio.get_running_loop()
            fanout = self._rtmp[source] = FlvFanout(self._forms.broadcast(source), loop, tag_message)
        return fanout

    def _close_rtmp(self, source: Stream) -> None:
        fanout = self._rtmp.pop(source, None)
        if fanout is not None:
            fanout.close()

    def _venue(self, event_id: str, venue_id: str) -> _VenueOutputs | None:
        if venue_id == "main":
            venue_id = self._main.get(event_id, "")
        return self._venues.get((event_id, venue_id))


def recording_directory(media_dir: Path, event_id: str, venue_id: str) -> Path:
    """Where a venue's segments and their index lie."""
    return media_dir / event_id / venue_id
