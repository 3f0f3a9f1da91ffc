"""Handshakes survive reading and writing; damage is no handshake; reports are counted."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from streaming.srt import packet
from streaming.srt.meter import SrtMeter
from streaming.srt.packet import Handshake, Rejection, parse_handshake, write_handshake


def conclusion(stream_id: str = "publish:key") -> Handshake:
    raw = stream_id.encode()
    raw += b"\0" * (-len(raw) % 4)
    words = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return Handshake(
        0, 5, 0, 5, 77, 1500, 8192, packet.CONCLUSION, 4711, 99, bytes(16),
        ((packet.HSREQ, struct.pack(">III", 0x00010503, 0xBF, 120 << 16 | 120)), (packet.STREAM_ID, words)),
    )  # fmt: skip


def test_a_handshake_reads_as_it_was_written() -> None:
    asked = conclusion("#!::r=某路径,m=publish")
    read = parse_handshake(write_handshake(asked))
    assert read == asked
    assert read is not None
    assert read.stream_id == "#!::r=某路径,m=publish"
    assert read.rejected is None


def test_the_induction_answer_goes_to_the_caller_with_a_cookie_and_the_magic() -> None:
    answer = parse_handshake(packet.induction_answer(conclusion(), 1234))
    assert answer is not None
    assert (answer.destination, answer.version, answer.extension_field) == (4711, 5, packet.MAGIC)
    assert answer.cookie == 1234


def test_a_rejection_carries_its_code() -> None:
    answer = parse_handshake(packet.rejection(conclusion(), Rejection.UNAUTHORIZED))
    assert answer is not None
    assert answer.rejected == 1401


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for datagram in (data, b"\x80\x00" + data, write_handshake(conclusion())[: len(data)]):
        found = parse_handshake(datagram)
        assert found is None or found.stream_id is None or len(found.stream_id) < 1000


def test_losses_and_retransmissions_are_counted_from_headers() -> None:
    meter = SrtMeter(200)
    plain = struct.pack(">IIII", 5, 0xE0000001, 0, 1) + b"x" * 188
    again = struct.pack(">IIII", 5, 0xE4000001, 0, 1) + b"x" * 188
    for datagram in (plain, plain, again):
        meter.from_caller(datagram)
    nak = struct.pack(">HHIII", 0x8003, 0, 0, 0, 1) + struct.pack(">III", 9, 0x80000000 | 12, 14)
    meter.to_caller(nak)
    meter.to_caller(struct.pack(">HHIII", 0x8002, 0, 1, 0, 1) + struct.pack(">II", 9, 25_300))
    status = meter.status()
    assert (status.packets, status.retransmitted, status.lost) == (3, 1, 4)
    assert (status.rtt_ms, status.latency_ms) == (25.3, 200)
