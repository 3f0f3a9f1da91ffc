"""Cuts a Stream's items into init sections, parts and segments: pure, no clock, no disk.

A part is cut where the next frame would not fit into the part target, a segment at the first video key frame after
`MIN_SEGMENT_SECONDS`. Boundaries partition the time line of the leading track (video where there is one), so that
declared durations add up. Feeds that do not fit the raster (few frames a second, a video track that has stopped, GOPs
longer than a segment may be) are cut on the raster, between key frames if need be.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from streaming.hls.fmp4 import Run, Sample, fragment, init_section
from streaming.media import AUDIO_TRACK, VIDEO_TRACK, End, Format, Item, Packet, Track

PART_TARGET = 0.334
"""Seconds; fixed for an event's life (RFC 8216bis 4.4.3.7). Ten frames at 30/s, eight at 25/s or 24/s."""
PART_MIN = 0.85 * PART_TARGET
"""Every part but a segment's last is at least this long (RFC 8216bis 4.4.4.9)."""
MIN_SEGMENT_SECONDS = 2.0
"""The GOP that encoders are asked for: one request per viewer in two seconds."""
MAX_SEGMENT_SECONDS = 6.0
"""A GOP longer than this is cut between key frames: EXTINF may not exceed the target duration."""
MAX_SEGMENT_BYTES = 24 * 1024 * 1024
"""6 s of 32 Mbit/s: whatever a feed does with its timestamps, one segment holds no more memory."""
VIDEO_WAIT_SECONDS = 3.0
"""A video track without a key frame for this much audio: the audio starts alone."""
AUDIO_LEAD_SECONDS = 0.5
"""Audio this far beyond the part target means that video has stopped; less is how encoders interleave."""
START_DECODE_SECONDS = 1.0
"""The first decode time: room for negative composition offsets, which players drop below zero."""
_EPSILON = 0.0006
"""Half a millisecond: RTMP counts in those, so a frame of 33 1/3 ms may measure 34."""
_MAX_WAITING_AUDIO = 256
"""Five seconds of AAC at 48 kHz: what is kept while waiting for the first key frame."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where numbering and decode time stand; what follows is greater."""

    msn: int = 0
    """Of the last segment that may have been seen by anybody."""
    init: int = 0
    discontinuity_sequence: int = 0
    decode_seconds: float = START_DECODE_SECONDS
    resumed: bool = False
    """True after a restart: the first segment is a discontinuity."""


@dataclass(frozen=True, slots=True)
class InitSection:
    number: int
    tracks: tuple[Track, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """What is known of a segment when its first part lands."""

    msn: int
    init: int
    utc: float
    """Arrival of its first frame at the hub, smoothed; never steps within a discontinuity. Unix seconds."""
    discontinuity: bool
    discontinuity_sequence: int
    """Number of discontinuities from the start of the event up to and including this segment."""


@dataclass(frozen=True, slots=True)
class Part:
    head: SegmentHead
    index: int
    duration: float
    independent: bool
    """A decoder can start at its first video frame."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished segment: its parts' bytes in one piece."""

    head: SegmentHead
    duration: float
    independent: bool
    parts: tuple[Part, ...]
    data: bytes
    decode_end: float
    """Seconds on the output's decode time line at which it ends."""


Cut = InitSection | Part | Segment


@dataclass(slots=True)
class _Lane:
    """One track's samples that no part holds yet; the last one's duration is not known before the next."""

    track: Track
    shift: int
    """Added to a packet's times; ticks."""
    queue: deque[Packet]
    end: int = 0
    """Ticks (shifted) up to which fragments have been cut."""
    delta: int = 0
    """Ticks between the last two packets."""

    def seconds(self, packet: Packet) -> float:
        return (packet.dts + self.shift) / self.track.timescale

    def last_duration(self) -> int:
        packet = self.queue[-1]
        return packet.duration or self.delta or self.track.timescale // 30

    def take(self, before: float, *, all_of_them: bool = False) -> list[Sample]:
        """Remove the samples that start before that second (all: also the last, its duration estimated)."""
        samples: list[Sample] = []
        queue = self.queue
        while len(queue) > 1 and (all_of_them or self.seconds(queue[0]) < before - 1e-6):
            packet = queue.popleft()
            samples.append(_sample(packet, queue[0].dts - packet.dts))
        if all_of_them and queue:
            duration = self.last_duration()
            samples.append(_sample(queue.popleft(), duration))
        return samples


def _sample(packet: Packet, duration: int) -> Sample:
    return Sample(duration, packet.pts - packet.dts, packet.keyframe, packet.payload)


class Segmenter:
    """Feed it a Stream's items; each call returns what was completed by that item, in order."""

    def __init__(self, position: Position = Position()) -> None:
        self.dropped = 0
        """Packets without a place on the time line: before the first key frame, or behind what was cut."""
        self._msn = position.msn
        self._init = position.init
        self._discontinuities = position.discontinuity_sequence
        self._end_seconds = position.decode_seconds
        self._mark = position.resumed
        self._tracks: tuple[Track, ...] = ()
        self._lanes: dict[int, _Lane] = {}
        self._shift_seconds: float | None = None
        self._waiting: deque[Packet] | None = deque(maxlen=_MAX_WAITING_AUDIO)
        self._video_open = False
        self._fragment = 0
        self._head: SegmentHead | None = None
        self._parts: list[Part] = []
        self._bytes = 0
        self._pending_bytes = 0
        self._segment_start = 0.0
        self._part_start = 0.0
        self._utc: float | None = None
        self._next_utc = 0.0
        self._cuts: list[Cut] = []

    def feed(self, item: Item) -> list[Cut]:
        """Take one item of the stream, in order."""
        match item:
            case Packet():
                self._packet(item)
            case Format():
                self._format(item)
            case End():
                self._finish()
        if not self._cuts:
            return []
        cuts, self._cuts = self._cuts, []
        return cuts

    def _format(self, format_: Format) -> None:
        changed = format_.tracks != self._tracks
        if not changed and not format_.discontinuity:
            return  # an encoder that repeats its headers: nothing has happened (case 22)
        self._finish()
        self._waiting = deque(maxlen=_MAX_WAITING_AUDIO)
        self._video_open = False
        self._mark = self._mark or self._msn > 0
        if changed and format_.tracks:
            self._tracks = format_.tracks
            self._init += 1
            self._cuts.append(InitSection(self._init, format_.tracks, init_section(format_.tracks)))
        self._lanes = {
            track.id: _Lane(track, round((self._shift_seconds or 0.0) * track.timescale), deque())
            for track in format_.tracks
        }

    def _packet(self, packet: Packet) -> None:
        lane = self._lanes.get(packet.track_id)
        if lane is None:
            self.dropped += 1
        elif self._waiting is not None:
            self._wait(packet, lane, self._waiting)
        else:
            self._append(packet, lane)

    def _wait(self, packet: Packet, lane: _Lane, waiting: deque[Packet]) -> None:
        """Hold audio back until the first video key frame gives the time line its start."""
        video = self._lanes.get(VIDEO_TRACK)
        if video is None or (lane is video and packet.keyframe):
            self._begin(lane, packet)
            held = waiting
        elif lane is video:
            self.dropped += 1
            return
        else:
            waiting.append(packet)
            if packet.dts - waiting[0].dts < VIDEO_WAIT_SECONDS * lane.track.timescale:
                return
            self._begin(lane, waiting[0])
            held, packet = waiting, waiting.pop()
        self._waiting = None
        audio = self._lanes.get(AUDIO_TRACK)
        for earlier in held:
            if audio is not None:
                self._append(earlier, audio)
        self._append(packet, lane)

    def _begin(self, lane: _Lane, packet: Packet) -> None:
        """Place this packet on the output's time line, behind everything that was cut; both tracks move together."""
        raw = packet.dts / lane.track.timescale
        if self._shift_seconds is None or raw + self._shift_seconds < self._end_seconds:
            self._shift_seconds = self._end_seconds - raw
        for other in self._lanes.values():
            other.shift = round(self._shift_seconds * other.track.timescale)
        self._segment_start = self._part_start = lane.seconds(packet)
        for other in self._lanes.values():
            other.end = round(self._segment_start * other.track.timescale)
        lane.end = packet.dts + lane.shift

    def _append(self, packet: Packet, lane: _Lane) -> None:
        last = lane.queue[-1].dts if lane.queue else lane.end - lane.shift - 1
        video = lane.track.is_video
        if packet.dts <= last or (video and not self._video_open and not packet.keyframe):
            self.dropped += 1
            return
        if lane.queue:
            lane.delta = packet.dts - last
        self._video_open = self._video_open or video
        lane.queue.append(packet)
        self._pending_bytes += len(packet.payload)
        if video or VIDEO_TRACK not in self._lanes:
            self._lead(packet, lane)
        else:
            self._follow(lane.seconds(packet))

    def _lead(self, packet: Packet, lane: _Lane) -> None:
        """A frame of the leading track: end the segment or the part before it, if it is time."""
        now = lane.seconds(packet)
        elapsed = now - self._segment_start
        full = self._bytes + self._pending_bytes >= MAX_SEGMENT_BYTES or elapsed >= MAX_SEGMENT_SECONDS - _EPSILON
        if full or (packet.keyframe and elapsed >= MIN_SEGMENT_SECONDS - _EPSILON):
            self._cut_raster(now)
            self._cut_segment(now)
            return
        length = now - self._part_start
        frame = (lane.delta or lane.last_duration()) / lane.track.timescale
        if PART_MIN - _EPSILON <= length <= PART_TARGET + _EPSILON < length + frame:
            self._cut_part(now)
        else:
            self._cut_raster(now)

    def _follow(self, now: float) -> None:
        """Audio beside video: it cuts only when video has stopped arriving."""
        if now - self._part_start < PART_TARGET + AUDIO_LEAD_SECONDS and self._pending_bytes < MAX_SEGMENT_BYTES:
            return
        boundary = self._part_start + PART_TARGET
        self._cut_part(boundary)
        if boundary - self._segment_start >= MAX_SEGMENT_SECONDS - PART_TARGET:
            self._cut_segment(boundary)

    def _cut_raster(self, now: float) -> None:
        """Parts of exactly the target, for as long as the open one is longer than that."""
        while now - self._part_start > PART_TARGET + _EPSILON:
            if not self._cut_part(self._part_start + PART_TARGET):
                break

    def _cut_part(self, boundary: float, *, everything: bool = False) -> bool:
        """End the open part at that second; False when no complete sample lies before it."""
        runs: list[Run] = []
        size = 0
        independent = False
        utc: float | None = None
        for lane in self._lanes.values():
            first = lane.queue[0] if lane.queue else None
            samples = lane.take(boundary, all_of_them=everything)
            if not samples or first is None:
                continue
            decode_time = first.dts + lane.shift
            runs.append(Run(lane.track, decode_time, samples))
            lane.end = decode_time + sum(sample.duration for sample in samples)
            size += sum(len(sample.payload) for sample in samples)
            if lane.track.is_video or utc is None:
                independent = samples[0].keyframe and (lane.track.is_video or not self._video_open)
                utc = first.arrival
        if utc is None:
            return False
        head = self._head or self._open_segment(utc)
        self._fragment += 1
        data = fragment(self._fragment, runs)
        duration = min(boundary - self._part_start, PART_TARGET)
        part = Part(head, len(self._parts), max(duration, 0.001), independent, data)
        self._parts.append(part)
        self._bytes += len(data)
        self._pending_bytes -= size
        self._part_start = boundary
        self._cuts.append(part)
        return True

    def _open_segment(self, arrival: float) -> SegmentHead:
        self._msn += 1
        if self._mark:
            self._discontinuities += 1
        self._head = SegmentHead(self._msn, self._init, self._smooth(arrival), self._mark, self._discontinuities)
        self._mark = False
        return self._head

    def _smooth(self, arrival: float) -> float:
        """Arrival without the network's jitter: slewed by at most 5 %, stepped only forward at a discontinuity."""
        if self._utc is None:
            return arrival
        if self._mark:
            return max(arrival, self._next_utc)
        slew = 0.05 * (self._next_utc - self._utc)
        return self._next_utc + min(max(0.1 * (arrival - self._next_utc), -slew), slew)

    def _cut_segment(self, boundary: float, *, everything: bool = False) -> None:
        """End the open segment at that second; what is left before it becomes its last part."""
        boundary = max(boundary, self._part_start)
        self._cut_part(boundary, everything=everything)
        if self._head is None:
            self._segment_start = self._part_start = boundary
            return
        duration = boundary - self._segment_start
        parts = tuple(self._parts)
        data = b"".join(part.data for part in parts)
        segment = Segment(self._head, duration, parts[0].independent, parts, data, boundary)
        self._cuts.append(segment)
        self._utc = self._head.utc
        self._next_utc = self._head.utc + duration
        self._head = None
        self._parts = []
        self._bytes = 0
        self._segment_start = self._part_start = boundary

    def _finish(self) -> None:
        """End the segment with all that there is, as far as the media goes."""
        ends = [
            (lane.queue[-1].dts + lane.shift + lane.last_duration()) / lane.track.timescale
            for lane in self._lanes.values()
            if lane.queue
        ]
        lead = self._lanes.get(VIDEO_TRACK) or self._lanes.get(AUDIO_TRACK)
        if lead is not None and lead.queue:
            end = (lead.queue[-1].dts + lead.shift + lead.last_duration()) / lead.track.timescale
        else:
            end = max(ends, default=self._part_start)
        if self._lanes and self._waiting is None:
            self._cut_raster(end)
            self._cut_segment(end, everything=True)
            self._end_seconds = max([self._end_seconds, end, *ends])
