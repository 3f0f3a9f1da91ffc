"""Opus packets of a tone or of silence, as a Stream carries them."""

from __future__ import annotations

import math
from array import array
from fractions import Fraction

import av

from streaming.codecs.opus import DEFAULT_CONFIG
from streaming.media import AUDIO_TRACK, Codec, Packet, Track
from tests.support.media import START_UTC

RATE = 48_000
FRAME = 960


def opus(seconds: float = 2.0, *, hertz: float = 440.0, start: int = 0) -> tuple[Track, list[Packet]]:
    """A stereo tone in packets of 20 ms, from `start` (samples) on."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "stereo", "flt"
    encoder.time_base, encoder.bit_rate = Fraction(1, RATE), 64_000
    encoder.open()
    packets: list[Packet] = []
    period = array("f", [0.3 * math.sin(n * 2 * math.pi * hertz / RATE) for n in range(RATE)])
    stereo = array("f", [sample for sample in period for _ in range(2)]).tobytes()
    for index in range(round(seconds * RATE / FRAME)):
        frame = av.AudioFrame("flt", "stereo", FRAME)
        at = index * FRAME % RATE * 8
        frame.planes[0].update(stereo[at : at + FRAME * 8])
        frame.sample_rate, frame.pts, frame.time_base = RATE, index * FRAME, Fraction(1, RATE)
        for packet in encoder.encode(frame):
            dts = start + len(packets) * FRAME
            packets.append(Packet(AUDIO_TRACK, dts, dts, FRAME, True, bytes(packet), START_UTC + dts / RATE))
    return Track(AUDIO_TRACK, Codec.OPUS, RATE, DEFAULT_CONFIG, sample_rate=RATE, channels=2), packets
