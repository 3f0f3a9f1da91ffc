"""Whatever stamps arrive, what leaves is monotonic per track and stays near the wall clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streaming.media import Codec, Format, Packet, Track
from streaming.timeline import Timeline

TRACKS = (
    Track(0, Codec.H264, 1000, b"", width=320, height=180),
    Track(1, Codec.AAC, 1000, b"\x11\x90", sample_rate=48_000, channels=2),
)


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 2**32 - 1) | st.integers(0, 5000), st.booleans()), max_size=200
    )
)
def test_dts_never_goes_back(stamps: list[tuple[int, int, bool]]) -> None:
    timeline = Timeline()
    timeline.map(Format(TRACKS))
    last: dict[int, int] = {}
    for number, (track, stamp, new_publisher) in enumerate(stamps):
        if new_publisher and number % 10 == 0:
            timeline.restart()
            timeline.map(Format(TRACKS))
        for item in timeline.map(Packet(track, stamp, stamp, 0, True, b"x", 1000.0 + number * 0.02)):
            if isinstance(item, Packet):
                assert item.dts > last.get(item.track_id, -1)
                last[item.track_id] = item.dts
