"""AMF0: what encoders send, what broken ones send, what attackers send."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest

from streaming.rtmp import amf0
from streaming.rtmp.errors import RemoteProtocolError


def number(value: float) -> bytes:
    return b"\x00" + struct.pack(">d", value)


@pytest.mark.parametrize(
    "value",
    [
        0.0,
        -1.5,
        True,
        "",
        "推流",
        "x" * 70_000,
        None,
        [1.0, "two", None],
        {"videocodecid": "avc1", "@setDataFrame": 1.0, "nested": {"deep": [True]}},
        datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
    ],
)
def test_round_trip(value: amf0.Value) -> None:
    assert amf0.decode(amf0.encode(value)) == [value]


def test_case_13_an_ecma_array_with_a_wrong_count_is_read_to_its_end() -> None:
    body = b"\x08" + (99).to_bytes(4, "big") + b"\x00\x05width" + number(1280) + b"\x00\x00\x09" + number(7)
    assert amf0.decode(body) == [{"width": 1280.0}, 7.0]


def test_case_13_dates_nulls_undefined_references_xml_and_typed_objects() -> None:
    body = (
        b"\x0b" + struct.pack(">d", 1000.0) + b"\x00\x00"
        + b"\x05" + b"\x06" + b"\x07\x00\x01"
        + b"\x0f" + (4).to_bytes(4, "big") + b"<a/>"
        + b"\x10\x00\x01T\x00\x01x" + number(1) + b"\x00\x00\x09"
    )  # fmt: skip
    assert amf0.decode(body) == [datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), None, None, None, "<a/>", {"x": 1.0}]


@pytest.mark.parametrize("milliseconds", [1e300, float("nan"), float("inf"), -1e17])
def test_case_13_an_impossible_date_is_nothing(milliseconds: float) -> None:
    assert amf0.decode(b"\x0b" + struct.pack(">d", milliseconds) + b"\x00\x00") == [None]


def test_case_13_an_object_without_its_end_is_read_as_far_as_it_goes() -> None:
    assert amf0.decode(b"\x03\x00\x01a" + number(1)) == [{"a": 1.0}]


def test_case_13_damage_in_metadata_ends_the_list_and_nothing_else() -> None:
    assert amf0.Reader(amf0.encode("onMetaData") + b"\x03\x00\x05wid").read_all() == ["onMetaData"]


def test_case_13_nesting_has_an_end() -> None:
    deep = b"\x0a\x00\x00\x00\x01" * (amf0.MAX_DEPTH + 1) + number(1)
    with pytest.raises(RemoteProtocolError, match="too deep"):
        amf0.decode(deep)
    amf0.decode(b"\x0a\x00\x00\x00\x01" * amf0.MAX_DEPTH + number(1))


def test_case_13_a_count_in_the_bytes_is_not_believed() -> None:
    with pytest.raises(RemoteProtocolError, match="too long"):
        amf0.decode(b"\x0a\xff\xff\xff\xff")


def test_case_13_many_small_values_have_an_end() -> None:
    with pytest.raises(RemoteProtocolError, match="holds too much"):
        amf0.decode(b"\x05" * (amf0.MAX_ITEMS + 1))


def test_case_13_a_broken_character_is_replaced() -> None:
    assert amf0.decode(b"\x02\x00\x02\xff\xfe") == ["��"]


@pytest.mark.parametrize("body", [b"\x00\x01", b"\x02\x00\x05ab", b"\x0c\xff\xff\xff\xff", b"\x11", b"\x04", b"\xff"])
def test_what_is_cut_off_or_unknown_is_an_error(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        amf0.decode(body)
