"""Sound between AAC and Opus keeps one continuous clock (case 37)."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from itertools import pairwise

import av
import pytest

from streaming.codecs.opus import MAGIC
from streaming.media import Codec, Packet, Track
from streaming.transcode.audio import AudioTranscoder, target_track
from tests.support.media import START_UTC, aac
from tests.support.opus import FRAME, RATE, opus


def transcode(track: Track, packets: list[Packet], target: Codec) -> list[Packet]:
    transcoder = AudioTranscoder(track, target)
    made = []
    for packet in packets:
        made += [item for item in transcoder.feed([packet]) if isinstance(item, Packet)]
    return made


def samples(track: Track, packets: list[Packet]) -> array[float]:
    """The left channel, decoded."""
    decoder = av.CodecContext.create("aac" if track.codec is Codec.AAC else "libopus", "r")
    decoder.extradata = track.config if track.codec is Codec.AAC else MAGIC + track.config
    decoder.sample_rate = track.sample_rate
    left: array[float] = array("f")
    resampler = av.AudioResampler("flt", "mono", track.sample_rate)
    for packet in packets:
        for frame in decoder.decode(av.Packet(packet.payload)):
            for even in resampler.resample(frame):
                left.frombytes(bytes(even.planes[0])[: even.samples * 4])
    return left


def steps(packets: list[Packet]) -> set[int]:
    return {later.dts - earlier.dts for earlier, later in pairwise(packets)}


def test_case_37_a_minute_of_opus_becomes_aac_sample_after_sample() -> None:
    track, packets = opus(60.0, start=96_000)
    made = transcode(track, packets, Codec.AAC)
    assert steps(made) == {1024}
    assert abs(made[0].dts - 96_000) <= 1024
    assert 0 <= packets[-1].dts + FRAME - made[-1].dts <= 4 * 1024, "what lies in encoder and queue is a few frames"
    arrivals = [packet.arrival - packet.dts / RATE for packet in made]
    assert max(arrivals) - min(arrivals) < 0.001
    assert arrivals[0] == pytest.approx(START_UTC, abs=0.001)


def test_the_tone_has_no_holes_and_the_right_pitch() -> None:
    track, packets = opus(4.0)
    left = samples(target_track(Codec.AAC), transcode(track, packets, Codec.AAC))[RATE // 2 : RATE * 3]
    windows = [left[at : at + 480] for at in range(0, len(left) - 480, 480)]
    loudness = [math.sqrt(sum(sample * sample for sample in window) / 480) for window in windows]
    assert min(loudness) > 0.15, "no hole"
    crossings = sum(1 for before, after in pairwise(left) if before < 0 <= after)
    assert crossings / (len(left) / RATE) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_case_37_aac_of_any_rate_becomes_opus_of_20_ms(rate: int) -> None:
    track, packets = aac(6.0, rate=rate)
    made = transcode(track, packets, Codec.OPUS)
    assert steps(made) == {FRAME}
    seconds = packets[-1].dts / rate + 1024 / rate - made[-1].dts / RATE
    assert 0 <= seconds <= 0.12


def test_a_lost_packet_is_silence_and_not_a_leap() -> None:
    track, packets = opus(4.0)
    made = transcode(track, packets[:60] + packets[68:], Codec.AAC)
    assert steps(made) == {1024}
    whole = transcode(track, packets, Codec.AAC)
    assert abs(made[-1].dts - whole[-1].dts) <= 3 * 1024, "lip sync survives the hole"


def test_a_long_hole_is_a_new_beginning() -> None:
    track, packets = opus(8.0)
    made = transcode(track, packets[:100] + packets[300:], Codec.AAC)
    leap = max(later.dts - earlier.dts for earlier, later in pairwise(made))
    assert leap > 3.5 * RATE
    assert sorted(packet.dts for packet in made) == [packet.dts for packet in made]


def test_a_sender_whose_clock_runs_fast_is_followed() -> None:
    track, packets = opus(12.0)
    fast = [replace(packet, dts=round(packet.dts * 1.004), pts=round(packet.pts * 1.004)) for packet in packets]
    made = transcode(track, fast, Codec.AAC)
    assert steps(made) == {1024}
    behind = (fast[-1].dts - made[-1].dts) / RATE
    assert abs(behind) < 0.12, f"{behind} s apart after 12 s that drift by 48 ms"
