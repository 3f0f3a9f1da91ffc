"""Cutting parts and segments out of streams of every kind."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.hls.segmenter import (
    MAX_SEGMENT_BYTES,
    MAX_SEGMENT_SECONDS,
    PART_MIN,
    PART_TARGET,
    Cut,
    InitSection,
    Part,
    Position,
    Segment,
    Segmenter,
)
from streaming.media import AUDIO_TRACK, VIDEO_TRACK, Codec, End, Format, Item, Packet, Track

VIDEO = Track(VIDEO_TRACK, Codec.H264, 90_000, b"\x01\x64\x00\x1f", 320, 180)
AUDIO = Track(AUDIO_TRACK, Codec.AAC, 48_000, b"\x11\x90", sample_rate=48_000, channels=2)
UTC = 1_800_000_000.0


def frames(
    seconds: float, *, rate: float = 25, gop: float = 2.0, start: float = 0.0, size: int = 8, rounding: int = 1
) -> list[Packet]:
    """Video packets; `rounding` in ticks (90 for an encoder that counts in milliseconds)."""
    per_gop = round(gop * rate)
    packets = []
    for number in range(round(seconds * rate)):
        at = start + number / rate
        dts = round(at * 90_000 / rounding) * rounding
        packets.append(Packet(VIDEO_TRACK, dts, dts, 0, number % per_gop == 0, b"v" * size, UTC + at))
    return packets


def sound(seconds: float, *, start: float = 0.0) -> list[Packet]:
    return [
        Packet(AUDIO_TRACK, dts, dts, 1024, True, b"aaaa", UTC + dts / 48_000)
        for dts in range(round(start * 48_000), round((start + seconds) * 48_000), 1024)
    ]


def interleave(*lanes: Iterable[Packet]) -> list[Packet]:
    return sorted(itertools.chain(*lanes), key=lambda packet: packet.dts / (90_000 if packet.track_id == 0 else 48_000))


def cut(items: Iterable[Item], segmenter: Segmenter | None = None) -> list[Cut]:
    segmenter = segmenter or Segmenter()
    return [each for item in items for each in segmenter.feed(item)]


def segments(cuts: Sequence[Cut]) -> list[Segment]:
    return [each for each in cuts if isinstance(each, Segment)]


def check(cuts: Sequence[Cut]) -> None:
    """What holds of any output: numbers, order, limits and sums."""
    found = segments(cuts)
    assert [each.head.msn for each in found] == list(range(found[0].head.msn, found[0].head.msn + len(found)))
    landed = [each for each in cuts if isinstance(each, Part)]
    assert landed == [part for segment in found for part in segment.parts]
    for segment in found:
        assert [part.index for part in segment.parts] == list(range(len(segment.parts)))
        assert segment.data == b"".join(part.data for part in segment.parts)
        assert round(segment.duration) <= MAX_SEGMENT_SECONDS
        assert all(part.duration <= PART_TARGET for part in segment.parts)
    utcs = [segment.head.utc for segment in found]
    assert utcs == sorted(utcs)
    ends = [segment.decode_end for segment in found]
    assert ends == sorted(ends)


def full_parts(cuts: Sequence[Cut]) -> list[Part]:
    """Parts that are not their segment's last: those that may not be short."""
    return [part for segment in segments(cuts) for part in segment.parts[:-1]]


@pytest.mark.parametrize("rate", [60, 50, 30, 30000 / 1001, 25, 24, 15, 12, 10, 20])
@pytest.mark.parametrize("rounding", [1, 90])
def test_case_44_parts_are_within_85_percent_of_the_target(rate: float, rounding: int) -> None:
    cuts = cut([Format((VIDEO,)), *frames(12, rate=rate, rounding=rounding), End()])
    check(cuts)
    assert all(part.duration >= PART_MIN - 0.001 for part in full_parts(cuts))
    assert [round(each.duration, 1) for each in segments(cuts)] == [2.0] * 6
    assert all(each.independent for each in segments(cuts))


@pytest.mark.parametrize("rate", [1, 2, 3, 4, 5, 8, 11])
def test_frame_rates_that_do_not_fit_the_part_target_are_cut_on_its_raster(rate: float) -> None:
    packets = interleave(frames(12, rate=rate), sound(12))
    cuts = cut([Format((VIDEO, AUDIO)), *packets, End()])
    check(cuts)
    assert all(part.duration >= PART_MIN for part in full_parts(cuts))
    assert [round(each.duration, 1) for each in segments(cuts)] == [2.0] * 6
    assert segments(cuts)[0].data.count(b"v" * 8) == 2 * rate


def test_one_frame_in_two_seconds_without_sound_still_makes_segments() -> None:
    cuts = cut([Format((VIDEO,)), *frames(12, rate=0.5), End()])
    check(cuts)
    assert len(segments(cuts)) == 6


def test_msn_starts_at_1_and_parts_at_0() -> None:
    cuts = cut([Format((VIDEO,)), *frames(5), End()])
    assert isinstance(cuts[0], InitSection)
    assert cuts[0].number == 1
    first = segments(cuts)[0]
    assert (first.head.msn, first.parts[0].index, first.head.discontinuity) == (1, 0, False)


def test_case_34_a_long_gop_is_cut_between_key_frames() -> None:
    cuts = cut([Format((VIDEO, AUDIO)), *interleave(frames(24, gop=10), sound(24)), End()])
    check(cuts)
    assert [round(each.duration) for each in segments(cuts)] == [6, 4, 6, 4, 4]
    assert [each.independent for each in segments(cuts)] == [True, False, True, False, True]


def test_case_34_bytes_are_capped_whatever_the_timestamps_do() -> None:
    packets = [Packet(VIDEO_TRACK, dts, dts, 0, dts == 0, bytes(1 << 20), UTC) for dts in range(60)]
    cuts = cut([Format((VIDEO,)), *packets, End()])
    assert max(len(each.data) for each in segments(cuts)) <= MAX_SEGMENT_BYTES + (2 << 20)


def test_case_34_audio_does_not_drive_segments_beside_video() -> None:
    cuts = cut([Format((VIDEO, AUDIO)), *interleave(frames(6, gop=3), sound(6)), End()])
    assert [round(each.duration) for each in segments(cuts)] == [3, 3]


def test_case_24_audio_alone_is_cut_by_time() -> None:
    cuts = cut([Format((AUDIO,)), *sound(8), End()])
    check(cuts)
    assert all(2.0 <= each.duration < 2.03 for each in segments(cuts)[:-1])


def test_case_24_metadata_that_promises_a_video_track_holds_the_audio_for_3_seconds_only() -> None:
    segmenter = Segmenter()
    assert not any(isinstance(each, Part) for each in cut([Format((VIDEO, AUDIO)), *sound(2.9)], segmenter))
    cuts = cut([*sound(6, start=2.9), End()], segmenter)
    check(cuts)
    assert sum(each.duration for each in segments(cuts)) == pytest.approx(8.9, abs=0.05)
    assert not any(each.independent and each.head.msn > 1 and b"v" in each.data for each in segments(cuts))


def test_case_24_video_that_comes_late_joins_at_its_key_frame() -> None:
    packets = interleave(frames(6, start=5), sound(11))
    cuts = cut([Format((VIDEO, AUDIO)), *packets, End()])
    check(cuts)
    with_video = [part for each in segments(cuts) for part in each.parts if b"v" * 8 in part.data]
    assert with_video[0].independent
    assert sum(part.data.count(b"v" * 8) for part in with_video) == 150


def test_video_that_stops_leaves_parts_of_sound() -> None:
    cuts = cut([Format((VIDEO, AUDIO)), *interleave(frames(4), sound(20))])
    landed = [each for each in cuts if isinstance(each, Part)]
    assert sum(part.duration for part in landed) > 18
    assert all(part.duration <= PART_TARGET for part in landed)
    assert all(each.duration <= MAX_SEGMENT_SECONDS for each in segments(cuts))


def test_frames_before_the_first_key_frame_are_dropped() -> None:
    segmenter = Segmenter()
    cuts = cut([Format((VIDEO,)), *frames(4)[10:], *frames(4, start=4), End()], segmenter)
    assert segmenter.dropped == 40
    assert segments(cuts)[0].independent


def test_sound_before_the_first_key_frame_is_dropped_so_that_both_tracks_start_together() -> None:
    cuts = cut([Format((VIDEO, AUDIO)), *interleave(frames(4, start=1.0), sound(5)), End()])
    check(cuts)
    assert sum(each.duration for each in segments(cuts)) == pytest.approx(4.0, abs=0.05)


def test_case_22_a_repeated_format_changes_nothing() -> None:
    packets = frames(8)
    once = cut([Format((VIDEO,)), *packets, End()])
    often = cut([each for packet in packets for each in (Format((VIDEO,)), packet)] + [End()])
    assert often == once


def test_case_22_a_new_configuration_is_one_discontinuity_with_a_new_init_section() -> None:
    other = Track(VIDEO_TRACK, Codec.H264, 90_000, b"\x01\x42\x00\x1e", 640, 360)
    cuts = cut([Format((VIDEO,)), *frames(4), Format((other,)), *frames(4, start=4), End()])
    check(cuts)
    assert [each.number for each in cuts if isinstance(each, InitSection)] == [1, 2]
    assert [each.head.init for each in segments(cuts)] == [1, 1, 2, 2]
    assert [each.head.discontinuity for each in segments(cuts)] == [False, False, True, False]
    assert [each.head.discontinuity_sequence for each in segments(cuts)] == [0, 0, 1, 1]


def test_a_jump_is_a_discontinuity_with_the_same_init_section() -> None:
    cuts = cut([Format((VIDEO,)), *frames(3), Format((VIDEO,), discontinuity=True), *frames(4, start=3), End()])
    check(cuts)
    assert len([each for each in cuts if isinstance(each, InitSection)]) == 1
    assert [each.head.discontinuity for each in segments(cuts)] == [False, False, True, False]


def test_case_47_decode_time_starts_at_a_second_and_goes_on_over_a_restart() -> None:
    first = cut([Format((VIDEO,)), *frames(4, start=47_000.0), End()])
    assert segments(first)[-1].decode_end == pytest.approx(5.0, abs=0.01)
    position = Position(msn=70, init=5, discontinuity_sequence=9, decode_seconds=400.0, resumed=True)
    again = cut([Format((VIDEO,)), *frames(4, start=12.0), End()], Segmenter(position))
    head = segments(again)[0].head
    assert (head.msn, head.init, head.discontinuity, head.discontinuity_sequence) == (71, 6, True, 10)
    assert segments(again)[-1].decode_end == pytest.approx(404.0, abs=0.01)


def test_case_35_utc_follows_arrival_without_its_jitter() -> None:
    packets = [
        Packet(p.track_id, p.dts, p.pts, 0, p.keyframe, p.payload, p.arrival + (0.4 if index % 75 < 30 else 0.0))
        for index, p in enumerate(frames(60))
    ]
    found = segments(cut([Format((VIDEO,)), *packets, End()]))
    steps = [after.head.utc - before.head.utc for before, after in itertools.pairwise(found)]
    assert all(1.9 <= step <= 2.1 for step in steps)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["video", "key", "audio", "format", "other", "jump"]),
            st.integers(0, 40_000),
            st.integers(-5, 5),
        ),
        max_size=300,
    )
)
def test_whatever_comes_numbers_grow_and_limits_hold(steps: list[tuple[str, int, int]]) -> None:
    other = Track(AUDIO_TRACK, Codec.AAC, 44_100, b"\x12\x10", sample_rate=44_100, channels=2)
    clock = {VIDEO_TRACK: 0, AUDIO_TRACK: 0}
    items: list[Item] = [Format((VIDEO, AUDIO))]
    for kind, delta, offset in steps:
        if kind == "format":
            items.append(Format((VIDEO, AUDIO)))
        elif kind == "other":
            items.append(Format((VIDEO, other), discontinuity=True))
        elif kind == "jump":
            items.append(Format((VIDEO,), discontinuity=True))
        else:
            track = AUDIO_TRACK if kind == "audio" else VIDEO_TRACK
            clock[track] += delta
            dts = clock[track]
            items.append(Packet(track, dts, dts + offset, 0, kind != "video", b"x", UTC + dts / 90_000))
    found = segments(cut([*items, End()]))
    assert [each.head.msn for each in found] == list(range(1, len(found) + 1))
    assert all(part.duration <= PART_TARGET for each in found for part in each.parts)
    sequence = [each.head.discontinuity_sequence for each in found]
    assert sequence == sorted(sequence)
    utcs = [each.head.utc for each in found]
    assert utcs == sorted(utcs)
