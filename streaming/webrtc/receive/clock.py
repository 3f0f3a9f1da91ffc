"""RTP timestamps of both tracks on one clock.

Theory. Each track counts from a random number. The first packet of a track is placed by its arrival, so that a peer
that never sends a sender report starts at once (case 38). When reports of both tracks have come, they say how far apart
the two really are; audio then moves there by a small step per packet, and video, which is the reference, stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from streaming.webrtc.rtcp import SenderReport
from streaming.webrtc.rtp import unroll

SLEW_SECONDS = 0.001
"""How far one packet moves; 20 ms packets are drawn 5 % longer or shorter at the most while it lasts."""
TRUSTED_SECONDS = 2.0
"""Reports that put the tracks further apart than this are wrong (some senders report from two clocks)."""


@dataclass(slots=True)
class _Track:
    rate: int
    zero: int
    """Unrolled RTP timestamp at `offset`."""
    offset: float
    """Seconds on the common clock."""
    last: int
    ntp_zero: float | None = None
    """The peer's own time at `zero`, from its last report."""
    target: float | None = None
    """Where `offset` is moving to."""


class MediaClock:
    """One session's. Tracks are known by their number (`streaming.media`); 0, video, is the reference."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}
        self._began: float | None = None

    def place(self, track_id: int, timestamp: int, rate: int, now: float) -> int:
        """The packet's time in ticks of `rate`, from the session's first packet on."""
        track = self._tracks.get(track_id)
        if track is None:
            if self._began is None:
                self._began = now
            track = self._tracks[track_id] = _Track(rate, timestamp, now - self._began, timestamp)
        unrolled = unroll(timestamp, track.last, 32)
        track.last = unrolled
        if track.target is not None:
            distance = track.target - track.offset
            track.offset += max(-SLEW_SECONDS, min(distance, SLEW_SECONDS))
            if abs(distance) <= SLEW_SECONDS:
                track.target = None
        return unrolled - track.zero + round(track.offset * rate)

    def forget(self, track_id: int) -> None:
        """The track's sender counts anew (another SSRC): its next packet is placed by arrival."""
        self._tracks.pop(track_id, None)

    def report(self, track_id: int, report: SenderReport) -> None:
        """What a sender report says about a track that is already placed."""
        track = self._tracks.get(track_id)
        if track is None or not report.ntp:
            return
        at = unroll(report.rtp_timestamp, track.last, 32)
        track.ntp_zero = report.utc - (at - track.zero) / track.rate
        video, audio = self._tracks.get(0), self._tracks.get(1)
        if video is None or audio is None or video.ntp_zero is None or audio.ntp_zero is None:
            return
        wanted = video.offset + audio.ntp_zero - video.ntp_zero
        if abs(wanted - audio.offset) <= TRUSTED_SECONDS:
            audio.target = wanted
