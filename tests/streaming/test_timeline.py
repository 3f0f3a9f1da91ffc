"""The timeline: wraps, jumps, hiccups and takeovers of an encoder's clock, by the numbers of the field's cases."""

from __future__ import annotations

from itertools import pairwise

from streaming.media import Codec, Format, Packet, Track
from streaming.timeline import START_SECONDS, Timeline

VIDEO = Track(0, Codec.H264, 1000, b"", width=320, height=180)
AUDIO = Track(1, Codec.AAC, 1000, b"\x11\x90", sample_rate=48_000, channels=2)
FORMAT = Format((VIDEO, AUDIO), reason="start")
WRAP = 1 << 32


def video(milliseconds: int, arrival: float, *, composition: int = 0) -> Packet:
    return Packet(0, milliseconds % WRAP, milliseconds % WRAP + composition, 0, False, b"v", arrival)


def audio(milliseconds: int, arrival: float) -> Packet:
    return Packet(1, milliseconds % WRAP, milliseconds % WRAP, 0, True, b"a", arrival)


def run(timeline: Timeline, packets: list[Packet]) -> tuple[list[Packet], list[Format]]:
    items = [item for packet in packets for item in timeline.map(packet)]
    packets_out = [item for item in items if isinstance(item, Packet)]
    return packets_out, [item for item in items if isinstance(item, Format)]


def fresh() -> Timeline:
    timeline = Timeline()
    timeline.map(FORMAT)
    return timeline


def seconds(packets: list[Packet], track: int) -> list[float]:
    scale = 90_000 if track == 0 else 48_000
    return [round(packet.dts / scale - START_SECONDS, 3) for packet in packets if packet.track_id == track]


def test_case_02_and_04_wraps_are_small_steps() -> None:
    for start in (2**24 - 200, 2**31 - 200, 2**32 - 200):
        packets, formats = run(fresh(), [video(start + 40 * n, n * 0.04) for n in range(20)])
        assert seconds(packets, 0) == [round(0.04 * n, 3) for n in range(20)]
        assert formats == []


def test_case_04_reverse_wrap_of_the_other_track() -> None:
    packets, formats = run(fresh(), [video(WRAP + 10, 0.0), audio(WRAP - 10, 0.0), video(WRAP + 50, 0.04)])
    assert formats == []
    assert abs(seconds(packets, 0)[0] - seconds(packets, 1)[0]) <= 0.021


def test_case_21_rounding_of_audio_is_snapped_to_the_sample_clock() -> None:
    packets, _ = run(fresh(), [audio(round(n * 1024 / 48), n * 0.0213) for n in range(500)])
    assert [packet.dts for packet in packets] == [48_000 + n * 1024 for n in range(500)]


def test_case_30_a_lasting_jump_is_one_new_epoch_for_both_tracks() -> None:
    timeline = fresh()
    before = [packet for n in range(25) for packet in (video(40 * n, n * 0.04), audio(40 * n, n * 0.04))]
    jump = 3_600_000
    after = [
        packet for n in range(25, 50) for packet in (video(jump + 40 * n, n * 0.04), audio(jump + 40 * n, n * 0.04))
    ]
    packets, formats = run(timeline, before + after)
    assert [item.reason for item in formats] == ["jump"]
    times = seconds(packets, 0)
    assert all(b > a for a, b in pairwise(times))
    assert times[-1] < 3
    assert abs(times[-1] - seconds(packets, 1)[-1]) < 0.1


def test_case_30_one_wild_stamp_is_smoothed() -> None:
    packets, formats = run(fresh(), [video(40 * n if n != 10 else 900_000, n * 0.04) for n in range(20)])
    assert formats == []
    assert seconds(packets, 0) == [round(0.04 * n, 3) for n in range(20)]


def test_case_16_and_30_a_new_publisher_at_zero_goes_on_behind_the_old_one() -> None:
    timeline = fresh()
    run(timeline, [video(40 * n, n * 0.04) for n in range(25)])
    timeline.restart()
    [again] = timeline.map(FORMAT)
    assert isinstance(again, Format) and again.discontinuity and again.reason == "takeover"
    packets, formats = run(timeline, [video(40 * n, 5.0 + n * 0.04) for n in range(5)])
    assert formats == []
    assert seconds(packets, 0)[0] == 5.0
    assert seconds(packets, 0)[-1] == 5.16


def test_case_20_negative_composition_is_kept() -> None:
    packets, _ = run(fresh(), [video(1000, 0.0), video(1040, 0.04, composition=-20)])
    assert packets[1].pts - packets[1].dts == -20 * 90


def test_missing_audio_leaves_a_hole_and_no_lag() -> None:
    packets, _ = run(fresh(), [audio(n * 21, n * 0.021) for n in (0, 1, 2, 40, 41)])
    assert seconds(packets, 1)[3] == 0.84


def test_a_track_whose_rate_disagrees_with_its_stamps_never_drifts_far() -> None:
    stamps = [round(n * 1024 / 48 * 1.001) for n in range(20_000)]  # an hour and more of 0.1 %
    packets, _ = run(fresh(), [audio(stamp, stamp / 1000) for stamp in stamps])
    worst = max(
        abs(packet.dts / 48_000 - START_SECONDS - stamp / 1000) for packet, stamp in zip(packets, stamps, strict=True)
    )
    assert worst < 0.061


def test_case_31_tracks_that_come_in_blocks_keep_their_distance() -> None:
    """Half a second of video, then the sound of the same half second: no jump, and every stamp in its place."""
    blocks: list[Packet] = []
    for block in range(8):
        at = (block + 1) * 0.5
        blocks += [video(1000 * block // 2 + 20 * n, at) for n in range(25)]
        blocks += [audio(round(500 * block + n * 1024 / 48), at) for n in range(23)]
    packets, formats = run(fresh(), blocks)
    assert formats == []
    assert seconds(packets, 0) == [round(0.02 * n, 3) for n in range(200)]
    sounds = seconds(packets, 1)
    assert abs(sounds[0]) < 0.03
    assert abs(sounds[-1] - (3.5 + 22 * 1024 / 48_000)) < 0.08
    assert all(later > earlier for earlier, later in pairwise(sounds))
