"""H.264 parameter sets and payload forms."""

from __future__ import annotations

import pytest

from streaming.codecs import h264
from streaming.codecs.errors import CodecError
from tests.support.media import h264 as encoded


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (1280, 720), (1920, 1080), (540, 960)])
def test_picture_size_from_real_parameter_sets(size: tuple[int, int]) -> None:
    track, _ = encoded(0.1, size=size)
    record = h264.parse_avcc(track.config)
    info = h264.parse_sps(record.sps[0])
    assert (info.width, info.height) == size
    assert info.frames_per_second == 25
    assert h264.parse_avcc(h264.build_avcc(record.sps, record.pps)) == record


@pytest.mark.parametrize("size", [1, 255, 256, 300, 511, 512, 70_000])
def test_a_unit_length_is_not_taken_for_a_start_code(size: int) -> None:
    assert not h264.is_annexb(h264.join([bytes([0x41]) * size]))


def test_annex_b_is_told_and_turned() -> None:
    units = [b"\x67\x64\x00\x1f\x01", b"\x68\xee\x02", b"\x65" + b"\x88" * 300]
    payload = b"\x00\x00\x00\x01".join([b"", *units])
    assert h264.is_annexb(payload)
    assert h264.annexb_units(payload) == units
    assert list(h264.units(h264.join(units))) == units


@pytest.mark.parametrize("record", [b"", b"\x01", b"\x01\x64\x00\x1f\xff\xe1\xff\xff\x67", b"\x02" * 20])
def test_broken_records_are_errors_and_nothing_else(record: bytes) -> None:
    with pytest.raises(CodecError):
        h264.parse_avcc(record)
