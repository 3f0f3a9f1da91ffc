"""AAC to Opus and Opus to AAC on one continuous sample clock, with one resampling (STREAMING case 37). Blocking.

Theory: decoded samples go through one libswresample, which changes rate, layout and sample format and, against the
packets' stamps, stretches by at most `DRIFT` or fills a hole with silence. So what comes out is counted in samples
from one anchor and never leaps; the encoder's priming is taken off its stamps. A step that no silence should fill
(`MAX_HOLE_SECONDS`) begins anew at a new anchor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.fifo import AudioFifo
from av.filter import Graph

from streaming.codecs import opus
from streaming.media import AUDIO_TRACK, Codec, Format, Packet, Track

RATE = 48_000
MAX_HOLE_SECONDS = 1.0
"""A longer hole is a new beginning: a second of made-up silence hides a lost packet, more hides a fault."""
DRIFT = 240
"""Samples a second that the resampler may add or leave out: half a per cent, beyond any sound card, not heard."""
HARD_SECONDS = 0.08
"""Stamps this far off are a hole, not drift: silence fills it."""
AAC_BITS, OPUS_BITS = 128_000, 96_000
"""Bits a second, stereo: what live platforms ask for speech and opera alike."""
AAC_CONFIG = bytes([0x11, 0x90])
"""AudioSpecificConfig: AAC-LC, 48 kHz, stereo, 1,024 samples a frame. Known before the first sample is encoded."""
_GLOBAL_HEADER = 1 << 22


def target_track(codec: Codec) -> Track:
    """The track that comes out; known at once, so a Format need not wait for an encoder."""
    config = AAC_CONFIG if codec is Codec.AAC else opus.DEFAULT_CONFIG
    return Track(AUDIO_TRACK, codec, RATE, config, sample_rate=RATE, channels=2)


class AudioTranscoder:
    """One stream's sound, from one Format to the next. For a worker thread."""

    def __init__(self, source: Track, target: Codec) -> None:
        self._source, self._target = source, target
        self._rate = source.timescale
        self._decoder = _decoder(source)
        self._encoder = _encoder(target)
        self._graph: Graph | None = None
        self._shape: tuple[str, str, int] | None = None
        self._fifo = AudioFifo()
        self._anchor: int | None = None
        """Where the clock began, in RATE ticks."""
        self._next: int | None = None
        """Where the next packet should begin, in the source's ticks."""
        self._counted = 0
        """Samples that went into the encoder."""
        self._last_dts = -1
        self._clock = (0, 0.0)
        """Stamp in RATE ticks and arrival of the last packet that came."""

    def feed(self, packets: Sequence[Packet]) -> list[Format | Packet]:
        """Raises av.FFmpegError for what is no sound of this codec."""
        encoded: list[Format | Packet] = []
        for packet in packets:
            if self._next is None or abs(packet.pts - self._next) > MAX_HOLE_SECONDS * self._rate:
                self._begin(packet)
            self._clock = (packet.pts * RATE // self._rate, packet.arrival)
            sent = av.Packet(packet.payload)
            sent.pts = sent.dts = packet.pts
            sent.time_base = Fraction(1, self._rate)
            samples = 0
            for frame in self._decoder.decode(sent):
                samples += frame.samples * self._rate // frame.sample_rate
                encoded += self._resampled(frame, packet.pts)
            self._next = packet.pts + (packet.duration or samples)
        return encoded

    def _begin(self, packet: Packet) -> None:
        self._anchor = packet.pts * RATE // self._rate
        self._graph, self._shape, self._fifo, self._counted = None, None, AudioFifo(), 0
        self._encoder = _encoder(self._target)

    def _resampled(self, frame: av.AudioFrame, pts: int) -> list[Packet]:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._graph is None or shape != self._shape:
            self._graph, self._shape = _resampler(frame, self._encoder.format.name), shape
        frame.pts = pts * frame.sample_rate // self._rate
        frame.time_base = Fraction(1, frame.sample_rate)
        self._graph.push(frame)
        packets: list[Packet] = []
        while True:
            try:
                even = cast(av.AudioFrame, self._graph.pull())
            except (av.BlockingIOError, av.EOFError):
                break
            even.pts = None  # the clock is the count of samples
            self._fifo.write(even)
        while (full := self._fifo.read(self._encoder.frame_size)) is not None:
            packets += self._encode(full)
        return packets

    def _encode(self, frame: av.AudioFrame) -> list[Packet]:
        assert self._anchor is not None
        frame.pts, frame.time_base = self._counted, Fraction(1, RATE)
        self._counted += frame.samples
        packets = []
        for encoded in self._encoder.encode(frame):
            dts = self._anchor + (encoded.pts or 0)
            if (encoded.pts or 0) < 0 or dts <= self._last_dts:
                continue  # priming: before the first sample that was sent in
            self._last_dts = dts
            stamp, arrival = self._clock
            at = arrival + min(dts - stamp, 0) / RATE
            packets.append(Packet(AUDIO_TRACK, dts, dts, self._encoder.frame_size, True, bytes(encoded), at))
        return packets


def _decoder(track: Track) -> AudioCodecContext:
    decoder = av.CodecContext.create("opus" if track.codec is Codec.OPUS else "aac", "r")
    # Pre-skip counts from the start of an encoder's life, which a live subscriber seldom hears: nothing is skipped.
    config = track.config if track.codec is Codec.AAC else track.config[:2] + b"\0\0" + track.config[4:]
    decoder.extradata = config if track.codec is Codec.AAC else opus.MAGIC + config
    decoder.sample_rate = track.sample_rate or track.timescale
    decoder.thread_count = 1
    return decoder


def _encoder(codec: Codec) -> AudioCodecContext:
    encoder = av.CodecContext.create("aac" if codec is Codec.AAC else "libopus", "w")
    encoder.sample_rate = RATE
    encoder.layout = "stereo"
    encoder.format = "fltp" if codec is Codec.AAC else "flt"
    encoder.time_base = Fraction(1, RATE)
    encoder.bit_rate = AAC_BITS if codec is Codec.AAC else OPUS_BITS
    encoder.flags |= _GLOBAL_HEADER
    if codec is Codec.OPUS:
        encoder.options = {"application": "audio", "frame_duration": "20"}
    encoder.open()
    return encoder


def _resampler(frame: av.AudioFrame, sample_format: str) -> Graph:
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=Fraction(1, frame.sample_rate),
    )
    resample = graph.add(
        "aresample",
        f"{RATE}:async={DRIFT}:min_comp=0.01:min_hard_comp={HARD_SECONDS}:comp_duration=1"
        f":out_chlayout=stereo:osf={sample_format}",
    )
    sink = graph.add("abuffersink")
    source.link_to(resample)
    resample.link_to(sink)
    graph.configure()
    return graph


def derived_track(source: Track, codec: Codec) -> Track:
    """The audio track of a form that wants `codec`: the source's own where it is right already."""
    return source if source.codec is codec else replace(target_track(codec), id=source.id)
