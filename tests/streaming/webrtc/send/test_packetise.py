"""Payloads of access units: what a depacketiser makes of them is what went in, whatever the sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streaming.codecs import h264
from streaming.webrtc.receive.h264 import H264Assembler
from streaming.webrtc.rtp import parse_rtp
from streaming.webrtc.send.packetise import MAX_PAYLOAD_BYTES, access_unit
from tests.support.rtp import rtp

SPS, PPS = bytes([0x67, 0x42, 0xC0, 0x1F, 1, 2, 3]), bytes([0x68, 0xCE, 0x3C, 0x80])


def slice_unit(kind: int, size: int, *, first: bool) -> bytes:
    """A slice of so many bytes; its first macroblock is 0, or not."""
    return bytes([0x60 | kind, 0x80 if first else 0x40]) + bytes(index * 7 & 255 for index in range(size))


def received(payloads: list[bytes]) -> list[bytes]:
    """The units that our own receiver finds in the packets of one picture."""
    assembler = H264Assembler()
    pictures = []
    for index, payload in enumerate(payloads):
        pictures += assembler.push(parse_rtp(rtp(index, 900, payload, marker=index == len(payloads) - 1)))
    assert assembler.damaged == 0
    [picture] = pictures
    return list(h264.units(picture.payload))


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=5), st.booleans(), st.integers(0, 2_000))
def test_every_slice_arrives_as_it_was(sizes: list[int], key: bool, sei: int) -> None:
    kind = 5 if key else 1
    slices = [slice_unit(kind, size, first=index == 0) for index, size in enumerate(sizes)]
    notes = [bytes([6]) + bytes(sei)] if sei else []
    payloads = access_unit([bytes([9, 0xF0]), *notes, *slices], (SPS, PPS) if key else ())
    assert all(0 < len(payload) <= MAX_PAYLOAD_BYTES for payload in payloads)
    if key:  # our receiver keeps parameter sets elsewhere than in the picture
        assert payloads[0][0] & 31 == 24 and SPS in payloads[0] and PPS in payloads[0]
    assert [unit for unit in received(payloads) if unit[0] & 31 in (1, 5)] == slices


def test_fragments_are_equal_and_parameter_sets_are_not_doubled() -> None:
    unit = slice_unit(5, 10_000, first=True)
    payloads = access_unit([SPS, PPS, unit], (b"\x67another", b"\x68one"))
    assert payloads[0][0] & 31 == 24 and b"another" not in payloads[0]
    sizes = [len(payload) for payload in payloads[1:]]
    assert max(sizes) - min(sizes) <= 1 and len(sizes) == 9
    assert [bool(payload[1] & 0x80) for payload in payloads[1:]] == [True] + [False] * 8
    assert [bool(payload[1] & 0x40) for payload in payloads[1:]] == [False] * 8 + [True]


def test_filler_and_delimiters_are_left_out() -> None:
    unit = slice_unit(1, 30, first=True)
    assert access_unit([bytes([9, 0x30]), unit, bytes([12]) + b"\xff" * 3_000]) == [unit]
    assert access_unit([bytes([12]) + b"\xff" * 3_000]) == []
