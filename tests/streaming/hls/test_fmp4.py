"""The fMP4 writer, judged by a demuxer and a decoder that are not ours."""

from __future__ import annotations

import io
import struct

import av
import pytest

from streaming.hls.fmp4 import Run, Sample, fragment, init_section
from streaming.media import AUDIO_TRACK, VIDEO_TRACK, Codec, Format, Packet, Track
from tests.support.encoded import encode


def _muxed(items: tuple[object, ...], decode_offset: int = 0) -> bytes:
    """Everything in one init section and one fragment."""
    format_ = items[0]
    assert isinstance(format_, Format)
    runs = []
    for track in format_.tracks:
        packets = [item for item in items if isinstance(item, Packet) and item.track_id == track.id]
        samples = [
            Sample(packet.duration, packet.pts - packet.dts, packet.keyframe, packet.payload) for packet in packets
        ]
        runs.append(Run(track, packets[0].dts + decode_offset, samples))
    return init_section(format_.tracks) + fragment(1, runs)


@pytest.mark.service
@pytest.mark.parametrize(
    ("video", "audio", "b_frames"),
    [
        (Codec.H264, Codec.AAC, 0),
        (Codec.H264, Codec.AAC, 2),
        (Codec.HEVC, Codec.AAC, 0),
        (Codec.H264, Codec.OPUS, 0),
        (Codec.H264, None, 0),
        (None, Codec.AAC, 0),
        (None, Codec.OPUS, 0),
    ],
)
def test_a_demuxer_reads_back_every_sample(video: Codec | None, audio: Codec | None, b_frames: int) -> None:
    items = encode(2.0, video=video, audio=audio, b_frames=b_frames)
    format_ = items[0]
    assert isinstance(format_, Format)
    with av.open(io.BytesIO(_muxed(items, decode_offset=1 << 40)), "r") as container:
        timescales = {stream.index: stream.time_base.denominator for stream in container.streams if stream.time_base}
        assert list(timescales.values()) == [track.timescale for track in format_.tracks]
        read = [packet for packet in container.demux() if packet.dts is not None]
    for index, track in enumerate(format_.tracks):
        sent = [item for item in items if isinstance(item, Packet) and item.track_id == track.id]
        got = [packet for packet in read if packet.stream_index == index]
        assert [bytes(packet) for packet in got] == [packet.payload for packet in sent]
        assert [packet.dts for packet in got] == [packet.dts + (1 << 40) for packet in sent]
        assert [packet.pts for packet in got] == [packet.pts + (1 << 40) for packet in sent]
        assert [packet.is_keyframe for packet in got] == [packet.keyframe for packet in sent]


@pytest.mark.service
def test_a_decoder_decodes_every_frame() -> None:
    items = encode(2.0, b_frames=2)
    with av.open(io.BytesIO(_muxed(items, decode_offset=90_000)), "r") as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 50
    assert (frames[0].width, frames[0].height) == (320, 180)


def test_case_20_negative_composition_offsets_are_signed() -> None:
    track = Track(VIDEO_TRACK, Codec.H264, 90_000, b"\x01", 16, 16)
    data = fragment(1, [Run(track, 0, [Sample(3000, -3000, True, b"abcd")])])
    start = data.index(b"trun") - 4
    assert data[start + 8] == 1  # version 1: offsets are signed
    assert struct.unpack_from(">i", data, start + 32)[0] == -3000


def test_decode_time_has_64_bits() -> None:
    track = Track(AUDIO_TRACK, Codec.AAC, 48_000, b"\x11\x90", sample_rate=48_000, channels=2)
    data = fragment(1, [Run(track, (1 << 33) + 5, [Sample(1024, 0, True, b"a")])])
    assert struct.unpack_from(">Q", data, data.index(b"tfdt") + 8)[0] == (1 << 33) + 5


def test_data_offset_points_at_each_run() -> None:
    video = Track(VIDEO_TRACK, Codec.H264, 90_000, b"\x01", 16, 16)
    audio = Track(AUDIO_TRACK, Codec.AAC, 48_000, b"\x11\x90", sample_rate=48_000, channels=2)
    data = fragment(1, [Run(video, 0, [Sample(1, 0, True, b"video")]), Run(audio, 0, [Sample(1, 0, True, b"audio")])])
    offsets = []
    at = data.find(b"trun")
    while at >= 0:
        offsets.append(struct.unpack_from(">i", data, at + 12)[0])
        at = data.find(b"trun", at + 1)
    assert [data[offset : offset + 5] for offset in offsets] == [b"video", b"audio"]
    assert int.from_bytes(data[data.index(b"mdat") - 4 :][:4], "big") == 8 + 10


def test_a_96_khz_track_does_not_overflow_the_sample_entry() -> None:
    track = Track(AUDIO_TRACK, Codec.AAC, 96_000, b"\x10\x10", sample_rate=96_000, channels=2)
    with av.open(
        io.BytesIO(init_section([track]) + fragment(1, [Run(track, 0, [Sample(1024, 0, True, b"a")])]))
    ) as container:
        assert container.streams.audio[0].time_base is not None
        assert container.streams.audio[0].time_base.denominator == 96_000
