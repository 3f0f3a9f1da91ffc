"""Before a feed: a publisher's VP8 or AV1 becomes H.264; everything else passes through."""

from __future__ import annotations

from concurrent.futures import Executor

from streaming.ingest import Publication
from streaming.media import Codec, Format, Packet
from streaming.transcode.lane import Lane
from streaming.transcode.video import VideoTranscoder


class H264Publication:
    """A `Publication` around the hub's. Raw times keep the scale of their track: the feed's Timeline maps them."""

    def __init__(self, inner: Publication, executor: Executor) -> None:
        self._inner, self._executor = inner, executor
        self._lane: Lane | None = None
        self._incoming: Format | None = None
        self._announced = False

    @property
    def strained(self) -> bool:
        """Whether frames were dropped just now because the machine cannot keep up."""
        return self._lane is not None and self._lane.strained

    @property
    def broken(self) -> bool:
        return self._lane is not None and self._lane.broken

    def write(self, item: Format | Packet) -> None:
        if isinstance(item, Format):
            self._begin(item)
        elif self._lane is not None and item.track_id == 0:
            self._lane.put(item)
        elif self._announced:
            self._inner.write(item)

    def close(self, reason: str) -> None:
        self._close_lane()
        self._inner.close(reason)

    def _begin(self, item: Format) -> None:
        self._close_lane()
        self._incoming, video = item, item.video
        self._announced = video is None or video.codec not in (Codec.VP8, Codec.AV1)
        if self._announced or video is None:
            self._inner.write(item)
            return
        self._lane = Lane(self._executor, lambda: VideoTranscoder(video), self._deliver, video=True)

    def _deliver(self, items: list[Format | Packet]) -> None:
        for item in items:
            if isinstance(item, Format):
                assert self._incoming is not None
                others = tuple(track for track in self._incoming.tracks if not track.is_video)
                first = not self._announced
                self._announced = True
                incoming = self._incoming
                self._inner.write(
                    Format(
                        (*item.tracks, *others),
                        incoming.discontinuity if first else True,
                        incoming.reason if first else "reconfigured",
                    )
                )
            else:
                self._inner.write(item)

    def _close_lane(self) -> None:
        if self._lane is not None:
            self._lane.close()
            self._lane = None
