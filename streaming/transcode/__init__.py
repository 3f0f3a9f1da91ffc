"""The one seam to codecs: a Stream in other codecs, made once for all who need it, on worker threads.

Life story: `Transcoders` is made by the composition root over a bounded pool of threads. `broadcast(source)` gives
the Stream that HLS, FLV and RTMP players can carry (Opus becomes AAC), `browser(source)` the one for WebRTC (H.264
without B-frames, Opus). Both are `DerivedStream`s: they begin to listen to their source at their first subscriber
and let go of it after their last; what is already right passes through untouched, at once, on the loop. What has to
be changed goes through a `Lane`: one job in work, a bounded queue behind it, results back on the loop in order.

`publication(inner)` stands before a feed instead of behind it: a WHIP publisher's VP8 or AV1 becomes H.264 before it
reaches the feed's Stream, so that nothing behind ever meets VP8. H.264 and all audio pass through it.

A machine that cannot keep up shows in `DerivedStream.trouble`; so does a source that is refused by setting.
"""

from __future__ import annotations

from typing import Protocol

from streaming.ingest import Publication
from streaming.stream import Stream
from streaming.transcode.derived import DerivedStream
from streaming.transcode.transcoders import Transcoders
from streaming.transcode.trouble import Trouble, TroubleCode


class DerivedForm(Protocol):
    """What is known of a derived stream besides that it is a Stream."""

    @property
    def trouble(self) -> Trouble | None:
        """Why it carries less than it should, or nothing; None while all is well."""


class StreamForms(Protocol):
    """What outputs need of the transcoders. Asking twice for the same source gives the same Stream.

    The Streams are cheap until somebody subscribes. They end with their source; a feed that is forgotten is told by
    `release(source)`.
    """

    def broadcast(self, source: Stream) -> Stream:
        """H.264, HEVC or AV1 as it comes, with AAC: for HLS, FLV and RTMP."""

    def browser(self, source: Stream) -> Stream:
        """H.264 without B-frames, with Opus at 48 kHz: for WebRTC. Its `trouble` says why, when it is refused."""

    def release(self, source: Stream) -> None:
        """The source is gone: end both forms."""


class PublicationForms(Protocol):
    """What a WHIP server needs: wrap what the hub gave, and write VP8, AV1 or H.264 into it."""

    def publication(self, inner: Publication) -> Publication: ...


__all__ = ["DerivedForm", "DerivedStream", "PublicationForms", "StreamForms", "Transcoders", "Trouble", "TroubleCode"]
