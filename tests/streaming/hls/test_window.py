"""The live window: what is listed, what is in memory, who waits and for how long."""

from __future__ import annotations

import asyncio
import gzip
import re

import pytest

from streaming.hls import window as window_module
from streaming.hls.playlist import ADVANCE_PARTS, CAN_SKIP_SECONDS, PARTS_LISTED_SECONDS
from streaming.hls.segmenter import Cut, InitSection, Part, Position, Segment, SegmentHead
from streaming.hls.window import (
    LISTED_SECONDS,
    MEMORY_SECONDS,
    MEMORY_SEGMENTS,
    Form,
    NotInTime,
    TooFarAhead,
    Window,
)

UTC = 1_800_000_000.0
FROM_THE_START = Position()


class Source:
    """Segments of six parts of a third of a second, part by part."""

    def __init__(self, position: Position = FROM_THE_START, size: int = 100) -> None:
        self.window = Window(position.msn + 1)
        self.window.add([InitSection(1, (), b"init")])
        self._msn = position.msn + 1
        self._parts: list[Part] = []
        self._size = size
        self._resumed = position.resumed

    def part(self, *, last: bool = False) -> None:
        sequence = 1 if self._resumed else 0
        head = SegmentHead(self._msn, 1, UTC + 2 * self._msn, self._resumed, sequence)
        index = len(self._parts)
        self._parts.append(Part(head, index, 1 / 3, index == 0, bytes([index]) * self._size))
        cuts: list[Cut] = [self._parts[-1]]
        if last:
            data = b"".join(part.data for part in self._parts)
            cuts.append(Segment(head, 2.0, True, tuple(self._parts), data, 0.0))
            self._msn += 1
            self._parts = []
            self._resumed = False
        self.window.add(cuts)

    def segment(self, count: int = 1, *, written: bool | None = True) -> None:
        for _ in range(count):
            for index in range(len(self._parts), 6):
                self.part(last=index == 5)
            if written is not None:
                self.window.confirm(self._msn - 1, written)

    def text(self, form: Form = Form.LOW_LATENCY) -> str:
        return self.window.playlist(form).body.decode()


@pytest.fixture
async def source() -> Source:
    return Source()


def _uris(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


async def test_case_44_a_request_for_the_next_part_waits_for_it(source: Source) -> None:
    source.segment()
    source.part()
    waiting = asyncio.ensure_future(source.window.wait_for(2, 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    source.part()
    await waiting
    assert 'URI="seg-2.1.m4s"' in source.text()


async def test_case_44_msn_without_part_waits_for_the_whole_segment(source: Source) -> None:
    source.segment()
    waiting = asyncio.ensure_future(source.window.wait_for(2, None))
    for _ in range(5):
        source.part()
        await asyncio.sleep(0)
        assert not waiting.done()
    source.part(last=True)
    await waiting
    assert _uris(source.text())[-1] == "seg-2.m4s"


async def test_a_part_behind_the_segments_last_means_the_next_ones_first(source: Source) -> None:
    source.segment()
    waiting = asyncio.ensure_future(source.window.wait_for(1, 6))
    await asyncio.sleep(0)
    assert not waiting.done()
    source.part()
    await waiting


async def test_what_is_there_is_answered_at_once(source: Source) -> None:
    source.segment(3)
    source.part()
    for msn, part in [(1, None), (3, None), (3, 5), (3, 9), (4, 0), (1, 0)]:
        await asyncio.wait_for(source.window.wait_for(msn, part), 20)


@pytest.mark.parametrize(("msn", "part"), [(5, None), (5, 0), (99, None), (3, ADVANCE_PARTS)])
async def test_case_44_too_far_ahead_is_refused(source: Source, msn: int, part: int | None) -> None:
    source.segment(2)
    with pytest.raises(TooFarAhead):
        await source.window.wait_for(msn, part)


async def test_a_thousand_waiters_share_one_future_and_one_leaving_takes_none_along(source: Source) -> None:
    source.segment()
    waiting = [asyncio.ensure_future(source.window.wait_for(2, 0)) for _ in range(1000)]
    await asyncio.sleep(0)
    assert len(source.window._waiters) == 1
    waiting[0].cancel()
    await asyncio.sleep(0)
    source.part()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [None] * 999
    assert not source.window._waiters


async def test_a_wait_without_new_media_is_given_up(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "BLOCK_SECONDS", 0.01)
    source.segment()
    with pytest.raises(NotInTime):
        await source.window.wait_for(2, 0)
    assert not source.window._waiters


async def test_the_end_wakes_everybody(source: Source) -> None:
    source.segment()
    waiting = asyncio.ensure_future(source.window.wait_for(2, None))
    await asyncio.sleep(0)
    source.window.end()
    await waiting
    assert source.text().endswith("#EXT-X-ENDLIST\n")
    assert "PRELOAD" not in source.text()


async def test_the_hint_names_the_next_part(source: Source) -> None:
    source.segment()
    assert 'PRELOAD-HINT:TYPE=PART,URI="seg-2.0.m4s"' in source.text()
    assert source.window.expects("seg-2.0.m4s")
    source.part()
    assert 'PRELOAD-HINT:TYPE=PART,URI="seg-2.1.m4s"' in source.text()
    assert not source.window.expects("seg-2.0.m4s")
    assert not source.window.expects("seg-2.2.m4s")


async def test_parts_are_listed_for_three_target_durations(source: Source) -> None:
    source.segment(20)
    listed = {int(msn) for msn in re.findall(r'URI="seg-(\d+)\.\d+\.m4s"', source.text())}
    assert min(listed - {21}) == 12  # 9 segments of 2 s
    assert len(_uris(source.text())) == 20


async def test_case_44_a_delta_skips_what_lies_behind_the_boundary_and_nothing_else(source: Source) -> None:
    source.segment(28)
    source.part()
    whole, delta = source.text(), source.text(Form.DELTA)
    found = re.search(r"#EXT-X-SKIP:SKIPPED-SEGMENTS=(\d+)\n", delta)
    assert found is not None
    skipped = int(found[1])
    assert _uris(delta) == _uris(whole)[skipped:]
    kept = 2.0 * (28 - skipped) + 1 / 3
    assert kept >= CAN_SKIP_SECONDS > kept - 2.0 - 0.001
    assert re.search("MEDIA-SEQUENCE:.*", delta) is not None
    for tag in ("MEDIA-SEQUENCE", "DISCONTINUITY-SEQUENCE", "SERVER-CONTROL", "PRELOAD-HINT"):
        assert re.findall(f"{tag}:.*", delta) == re.findall(f"{tag}:.*", whole)


async def test_a_short_list_has_no_delta(source: Source) -> None:
    source.segment(5)
    assert source.text(Form.DELTA) == source.text()


async def test_the_plain_form_holds_the_same_segments_and_no_parts(source: Source) -> None:
    source.segment(4)
    source.part()
    plain = source.text(Form.PLAIN)
    assert _uris(plain) == _uris(source.text())
    assert not re.search("PART|SERVER-CONTROL|PRELOAD", plain)


async def test_case_44_tags_that_may_not_change_do_not(source: Source) -> None:
    fixed = None
    for _ in range(40):
        source.segment()
        tags = re.findall("#EXT-X-(?:PART-INF|TARGETDURATION|SERVER-CONTROL|VERSION).*", source.text())
        assert fixed in (None, tags)
        fixed = tags
    assert fixed is not None
    assert any("PART-TARGET=0.334" in tag for tag in fixed)
    assert any("PART-HOLD-BACK=1.002" in tag for tag in fixed)


async def test_the_window_slides_and_its_sequence_only_grows(source: Source) -> None:
    last = 0
    for _ in range(60):
        source.segment()
        found = re.search(r"MEDIA-SEQUENCE:(\d+)", source.text())
        assert found is not None
        assert int(found[1]) >= last
        last = int(found[1])
    assert last == 31  # 60 s of 2 s


async def test_case_23_after_a_restart_the_sequence_goes_on_and_the_list_begins_with_a_discontinuity() -> None:
    source = Source(Position(msn=99, resumed=True))
    assert "EXT-X-MEDIA-SEQUENCE:100\n" in source.text()
    source.part()
    text = source.text()
    assert "EXT-X-MEDIA-SEQUENCE:100\n" in text
    assert text.index("#EXT-X-DISCONTINUITY\n") < text.index("#EXT-X-MAP") < text.index("seg-100.0.m4s")


async def test_case_22_the_discontinuity_sequence_counts_what_has_left_the_list() -> None:
    source = Source(Position(msn=9, resumed=True))
    source.segment(10)
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:0\n" in source.text()
    assert source.text().count("#EXT-X-DISCONTINUITY\n") == 1


async def test_gzip_holds_the_same_bytes_and_a_list_is_rendered_once(source: Source) -> None:
    source.segment(10)
    rendered = source.window.playlist(Form.LOW_LATENCY)
    assert gzip.decompress(rendered.gzipped) == rendered.body
    assert source.window.playlist(Form.LOW_LATENCY) is rendered
    source.part()
    assert source.window.playlist(Form.LOW_LATENCY) is not rendered


async def test_every_listed_name_is_there_from_memory_or_written(source: Source) -> None:
    source.segment(30)
    source.part()
    text = source.text()
    written = {f"seg-{msn}.m4s" for msn in range(1, 31)}
    for name in re.findall(r"[a-z]+-[\d.]+\.(?:m4s|mp4)", text):
        if "PRELOAD-HINT" in text.split(name)[0].splitlines()[-1]:
            continue
        assert source.window.file(name) is not None or name in written
    assert source.window.file("seg-30.m4s") == b"".join(bytes([index]) * 100 for index in range(6))
    assert source.window.file("seg-30.2.m4s") == bytes([2]) * 100
    assert source.window.file("seg-31.0.m4s") == bytes([0]) * 100
    assert source.window.file("seg-30.6.m4s") is None
    assert source.window.file("seg-31.1.m4s") is None


@pytest.mark.parametrize(
    "name",
    ["seg-01.m4s", "seg-1.m4s.tmp", "seg--1.m4s", "seg-1.1.1.m4s", "../seg-1.m4s", "index.jsonl", "seg-.m4s", ""],
)
async def test_other_names_are_nothing(source: Source, name: str) -> None:
    source.segment()
    assert source.window.file(name) is None


async def test_case_48_a_segment_that_could_not_be_written_is_a_gap_once_it_leaves_memory(source: Source) -> None:
    source.segment(5, written=False)
    assert "GAP" not in source.text()
    source.segment(20)
    text = source.text()
    assert text.count("#EXT-X-GAP\n") == 5
    assert text.index("#EXT-X-GAP") < text.index("seg-1.m4s")
    assert text.index("seg-5.m4s") < text.index("seg-6.m4s")


async def test_case_48_what_waits_for_the_disk_stays_in_memory_and_no_player_misses_it(source: Source) -> None:
    source.segment(30, written=None)
    text = source.text()
    assert "GAP" not in text
    assert all(source.window.file(name) is not None for name in _uris(text))


async def test_case_48_memory_is_bounded_when_nothing_is_ever_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "MEMORY_BYTES", 6 * 1000 * 10)
    source = Source(size=1000)
    for _ in range(40):
        source.segment(written=None)
        assert source.window.memory_bytes <= 6 * 1000 * 10
    assert source.text().count("#EXT-X-GAP\n") == 20


async def test_written_segments_leave_memory(source: Source) -> None:
    source.segment(40)
    assert source.window.memory_bytes == 600 * max(MEMORY_SEGMENTS, round(MEMORY_SECONDS / 2))
    assert len(_uris(source.text())) == LISTED_SECONDS / 2


def test_the_constants_fit_each_other() -> None:
    """A delta has something to skip; what low-latency players ask for is in memory."""
    assert LISTED_SECONDS > CAN_SKIP_SECONDS > MEMORY_SECONDS > PARTS_LISTED_SECONDS
