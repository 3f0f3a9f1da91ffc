"""From an encoder's clock to one timeline that only goes forward.

Theory: all tracks of a feed share one zero. A raw stamp is unrolled against the track's last one (2^32 and signed
2^31 wraps alike, cases 2 and 4), so a wrap is a small step. What remains is the step against expectation: rounding
is snapped away (audio runs on its sample clock), a short hiccup is smoothed, and a step that lasts is a new epoch,
in which both tracks move by the same shift, so that lip sync survives (case 30). A new publisher is a new epoch too,
placed by arrival time behind what was sent before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from streaming.codecs.aac import parse_config
from streaming.codecs.opus import packet_samples
from streaming.media import VIDEO_TIMESCALE, Codec, Format, Packet, Track

WRAP_SECONDS_MODULUS = 1 << 32
"""RTMP counts milliseconds in 32 bits; other protocols pass their own modulus."""
JUMP_SECONDS = 1.5
"""A step further than this from the last stamp, and from its neighbour track, is a jump, not a stalled camera."""
UNRELATED_SECONDS = 5.0
"""A track that first speaks this far from its neighbour counts from another zero; its arrival places it."""
JUMP_PACKETS = 3
"""A jump has to last this many packets of a track; a single wild stamp is smoothed over (case 30)."""
SNAP_SECONDS = 0.060
"""Audio stays on its sample clock while stamps are this near: RTMP rounds to 1 ms, encoders batch a frame or two."""
START_SECONDS = 1.0
"""Where a timeline begins: what an encoder stamps a little before its first packet still has room."""
NUDGE_SECONDS = 0.020
"""Beyond this an audio track's own rate and its stamps drift apart; each packet is then moved by NUDGE_SHARE of it."""
NUDGE_SHARE = 0.01


@dataclass(slots=True)
class _Clock:
    """One track's state."""

    track: Track
    raw_scale: int
    last_raw: int | None = None
    """Unrolled, in the raw scale."""
    last_dts: int | None = None
    """As sent on, in the track's timescale."""
    step: int = 0
    """The usual distance of two packets, in the track's timescale."""
    odd: int = 0
    """Packets in a row that are off."""
    aac_samples: int = 0
    offset: float = 0.0
    """Seconds; not 0 only for a track whose zero has nothing to do with the other's."""


class Timeline:
    """One feed's; lives as long as its Stream. `map` takes a publication's items in order."""

    def __init__(self, modulus: int = WRAP_SECONDS_MODULUS) -> None:
        self._modulus = modulus
        self._clocks: dict[int, _Clock] = {}
        self._shift: float | None = None
        """Seconds to add to a raw stamp of this epoch."""
        self._end = 0.0
        """Where the timeline has got to, seconds."""
        self._end_utc: float | None = None
        """Arrival of the packet that got there."""
        self._format: Format | None = None
        self.smoothed = 0
        self.jumps = 0

    def restart(self) -> None:
        """A new publisher follows: its clock says nothing about the old one's."""
        self._shift = None
        for clock in self._clocks.values():
            clock.last_raw = None
            clock.odd = 0
            clock.offset = 0.0

    def map(self, item: Format | Packet) -> list[Format | Packet]:
        """The item (one packet, or a format) as it goes into the Stream; nothing when it cannot be placed."""
        return [self._map_format(item)] if isinstance(item, Format) else self._map_packet(item)

    def _map_format(self, item: Format) -> Format:
        clocks: dict[int, _Clock] = {}
        tracks = []
        for raw in item.tracks:
            scale = VIDEO_TIMESCALE if raw.is_video else raw.sample_rate
            track = replace(raw, timescale=scale)
            old = self._clocks.get(raw.id)
            clock = _Clock(track, raw.timescale)
            if track.codec is Codec.AAC:
                clock.aac_samples = parse_config(track.config).frame_samples
            if old is not None:
                clock.last_raw = old.last_raw
                clock.step = old.step * scale // old.track.timescale
                if old.last_dts is not None:
                    clock.last_dts = old.last_dts * scale // old.track.timescale
            clocks[raw.id] = clock
            tracks.append(track)
        self._clocks = clocks
        previous, self._format = self._format, Format(tuple(tracks), item.discontinuity, item.reason)
        if previous is not None:
            # Told apart from a repeat: the same tracks again after a takeover are a discontinuity in time only.
            reason = item.reason if item.discontinuity else "takeover"
            self._format = Format(tuple(tracks), True, reason)
        return self._format

    def _map_packet(self, packet: Packet) -> list[Format | Packet]:
        clock = self._clocks.get(packet.track_id)
        if clock is None or self._format is None:
            return []
        items: list[Format | Packet] = []
        raw = self._unroll(clock, packet.dts)
        seconds = raw / clock.raw_scale
        if self._shift is None:
            self._shift = self._resume_at(packet) - seconds
        elif clock.last_raw is not None and self._is_jump(clock, raw):
            clock.odd += 1
            if clock.odd < JUMP_PACKETS:
                return self._smooth(clock, packet)
            self.jumps += 1
            self._shift = self._resume_at(packet) - seconds
            for other in self._clocks.values():
                other.odd = 0
                other.last_raw = None if other is not clock else raw
                other.offset = 0.0
            self._format = replace(self._format, discontinuity=True, reason="jump")
            items.append(self._format)
        elif clock.last_raw is None:
            distance = seconds + self._shift - self._end
            clock.offset = -distance if abs(distance) > UNRELATED_SECONDS else 0.0
        clock.odd = 0
        clock.last_raw = raw
        at = seconds + self._shift + clock.offset
        if at >= 0:
            items.append(self._place(clock, packet, at))
        return items

    def _unroll(self, clock: _Clock, stamp: int) -> int:
        """The stamp nearest to the track's last one among all that look alike modulo the wrap."""
        if clock.last_raw is None:
            neighbour = max((c.last_raw for c in self._clocks.values() if c.last_raw is not None), default=None)
            if neighbour is None:
                return stamp
            last = neighbour
        else:
            last = clock.last_raw
        half = self._modulus // 2
        return last + (stamp - last + half) % self._modulus - half

    def _is_jump(self, clock: _Clock, raw: int) -> bool:
        assert clock.last_raw is not None
        step = (raw - clock.last_raw) / clock.raw_scale
        return abs(step) > JUMP_SECONDS or step < -0.2

    def _resume_at(self, packet: Packet) -> float:
        """Where a new epoch begins: behind the old one by the time that has passed since, at least one step."""
        if self._end_utc is None:
            return START_SECONDS
        clock = self._clocks[packet.track_id]
        least = clock.step / clock.track.timescale or 0.02
        return self._end + max(packet.arrival - self._end_utc, least)

    def _smooth(self, clock: _Clock, packet: Packet) -> list[Format | Packet]:
        """Put a wild stamp one usual step behind its predecessor."""
        self.smoothed += 1
        if clock.last_dts is None:
            return []
        step = clock.step or clock.track.timescale // 50
        return [self._place(clock, packet, (clock.last_dts + step) / clock.track.timescale)]

    def _place(self, clock: _Clock, packet: Packet, seconds: float) -> Packet:
        scale = clock.track.timescale
        wanted = round(seconds * scale)
        dts = wanted if clock.track.is_video else self._snap(clock, wanted, packet)
        if clock.last_dts is not None:
            if dts <= clock.last_dts:
                dts = clock.last_dts + 1
            distance = dts - clock.last_dts
            if distance < scale:
                clock.step = distance if not clock.step else (clock.step * 7 + distance) // 8
        composition = (packet.pts - packet.dts) * scale // clock.raw_scale
        clock.last_dts = dts
        at = dts / scale
        if at >= self._end:
            self._end, self._end_utc = at, packet.arrival
        duration = clock.step if clock.track.is_video else _frame_samples(clock, packet)
        return packet.at(dts, max(dts + composition, 0), duration)

    def _snap(self, clock: _Clock, wanted: int, packet: Packet) -> int:
        """Audio goes on sample by sample while that is near enough to what the stamps say."""
        if clock.last_dts is None:
            return wanted
        samples = _frame_samples(clock, packet)
        expected = clock.last_dts + samples
        distance = wanted - expected
        if distance > SNAP_SECONDS * clock.track.timescale:
            return wanted  # packets are missing
        if abs(distance) <= NUDGE_SECONDS * clock.track.timescale:
            return expected
        return expected + max(round(distance * NUDGE_SHARE), -samples // 10)


def _frame_samples(clock: _Clock, packet: Packet) -> int:
    """Samples of one audio packet at the track's timescale."""
    return clock.aac_samples or packet_samples(packet.payload)
