"""All derived streams of a hub, each made once; owned by the composition root."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor

from config.clock import Clock
from streaming.ingest import Publication
from streaming.media import Codec
from streaming.stream import Stream
from streaming.transcode.derived import DerivedStream, Form
from streaming.transcode.publication import H264Publication

BROADCAST = Form("broadcast", Codec.AAC, any_video=True)


class Transcoders:
    """Implements `StreamForms` and `PublicationForms`."""

    def __init__(self, executor: Executor, clock: Clock, *, reencode_for_browsers: bool = True) -> None:
        self._executor, self._clock = executor, clock
        self._browser = Form("browser", Codec.OPUS, any_video=False, reencode=reencode_for_browsers)
        self._derived: dict[tuple[int, str], DerivedStream] = {}

    def broadcast(self, source: Stream) -> DerivedStream:
        """What HLS, FLV and RTMP players can carry."""
        return self._form(source, BROADCAST)

    def browser(self, source: Stream) -> DerivedStream:
        """What WebRTC can carry."""
        return self._form(source, self._browser)

    def publication(self, inner: Publication) -> H264Publication:
        """Where a WHIP publisher may write VP8 and AV1."""
        return H264Publication(inner, self._executor)

    def release(self, source: Stream) -> None:
        """The source is gone: its forms end."""
        for form in (BROADCAST, self._browser):
            derived = self._derived.pop((id(source), form.name), None)
            if derived is not None:
                derived.close()

    def __iter__(self) -> Iterator[DerivedStream]:
        return iter(tuple(self._derived.values()))

    def _form(self, source: Stream, form: Form) -> DerivedStream:
        key = (id(source), form.name)
        derived = self._derived.get(key)
        if derived is None or derived.source is not source:
            derived = self._derived[key] = DerivedStream(source, form, self._executor, self._clock)
        return derived
