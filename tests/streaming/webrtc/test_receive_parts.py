"""The receiver's parts by themselves: order and holes, RTCP, key frame requests, clocks, VP8 and AV1, addresses."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.codecs.errors import CodecError
from streaming.webrtc import candidates, rtcp
from streaming.webrtc.ice_servers import parse_ice_servers, with_credentials
from streaming.webrtc.receive.av1 import Av1Assembler
from streaming.webrtc.receive.clock import MediaClock
from streaming.webrtc.receive.codecs import VIDEO_CODECS, picture_size
from streaming.webrtc.receive.feedback import TransportWide
from streaming.webrtc.receive.h264 import H264Assembler
from streaming.webrtc.receive.jitter import GAP, MAX_MISSING, PATIENCE_SECONDS, JitterBuffer
from streaming.webrtc.receive.keyframes import MAX_RETRY_SECONDS, REGULAR_SECONDS, KeyframeRequests
from streaming.webrtc.receive.vp8 import Vp8Assembler
from streaming.webrtc.rtp import RtpError, RtpPacket, parse_rtp, unroll
from tests.support.rtp import fragments, rtp


def packet(sequence: int, timestamp: int = 0, payload: bytes = b"x", *, marker: bool = False) -> RtpPacket:
    return parse_rtp(rtp(sequence, timestamp, payload, marker=marker))


# order


@given(st.integers(0, 65_535), st.integers(0, 2**32), st.floats(0, 0.2))
@settings(max_examples=60, deadline=None)
def test_whatever_the_network_does_what_leaves_is_in_order(first: int, seed: int, loss: float) -> None:
    chance = random.Random(seed)
    sent = [packet(first + index & 0xFFFF, index) for index in range(300)]
    arriving = [(index * 0.01 + chance.choice((0.0, 0.0, 0.05)), p) for index, p in enumerate(sent)]
    arriving = [(-1.0, sent[0]), *(a for a in arriving[1:] if chance.random() >= loss)]
    arriving.sort(key=lambda a: a[0])
    buffer, out = JitterBuffer(), []
    for now, one in arriving:
        out += buffer.push(one, now)
        out += buffer.push(one, now)  # twice each: once is enough
    out += buffer.expire(1e9)
    numbers = [one.timestamp for one in out if isinstance(one, RtpPacket)]
    assert numbers == sorted({p.timestamp for _, p in arriving})
    last = -1
    for item in out:
        if isinstance(item, RtpPacket):
            last = item.timestamp
        else:
            assert last + 1 not in numbers, "a gap stands only where a packet is missing"


def test_a_hole_is_asked_for_and_then_given_up() -> None:
    buffer = JitterBuffer()
    assert len(buffer.push(packet(65_534), 0.0)) == 1
    assert buffer.push(packet(1), 0.0) == []
    assert buffer.wanted(0.005) == [] and buffer.wanted(0.02) == [65_535, 0] and buffer.wanted(0.03) == []
    assert [p.sequence for p in buffer.push(packet(65_535), 0.05) if isinstance(p, RtpPacket)] == [65_535]
    assert buffer.round_trip == pytest.approx(0.03)
    assert buffer.recovered == 1 and buffer.expire(0.1) == []
    gap, one = buffer.expire(PATIENCE_SECONDS + 0.01)
    assert gap is GAP and isinstance(one, RtpPacket) and one.sequence == 1 and buffer.lost == 1
    assert buffer.push(packet(0), 1.0) == [] and buffer.duplicates == 1


def test_a_link_that_became_too_narrow_is_not_asked_for_everything() -> None:
    buffer = JitterBuffer()
    buffer.push(packet(0), 0.0)
    out = [one for number in range(2, 2 + 2 * (MAX_MISSING + 1), 2) for one in buffer.push(packet(number), 0.0)]
    assert len([one for one in out if one is GAP]) == MAX_MISSING + 1 and buffer.wanted(1.0) == []


def test_a_sender_that_counts_anew() -> None:
    buffer = JitterBuffer()
    buffer.push(packet(100), 0.0)
    assert buffer.push(packet(40_000), 0.1) == [] and buffer.push(packet(40_001), 0.1) == []
    assert [type(one) for one in buffer.push(packet(40_002), 0.1)] == [type(GAP), RtpPacket]
    assert len(buffer.push(packet(40_003), 0.1)) == 1


# RTP and RTCP


@given(st.binary(max_size=120))
def test_noise_is_refused_or_read_never_more(noise: bytes) -> None:
    list(rtcp.parse_rtcp(noise))
    try:
        parse_rtp(noise).header_extension(3)
    except RtpError:
        pass


def test_padding_and_extensions() -> None:
    read = parse_rtp(rtp(5, 6, b"abc", padding=4, extension=b"\x11\x01\x02\x00"))
    assert read.payload == b"abc" and read.header_extension(1) == b"\x01\x02" and read.header_extension(2) is None
    assert parse_rtp(rtp(5, 6, b"", padding=255)).payload == b""


def test_unroll() -> None:
    assert [unroll(v, last, 16) for v, last in ((0, 65_535), (65_535, 65_536), (5, 131_070))] == [
        65_536,
        65_535,
        131_077,
    ]


def test_rtcp_there_and_back() -> None:
    block = rtcp.ReportBlock(7, 12, -3, 70_000, 90, 5, 6)
    report = rtcp.SenderReport(1, 0xE0000000_80000000, 90_000, 10, 1000, (block,))
    compound = rtcp.sender_report(report) + rtcp.cname(1, "x") + rtcp.nack(1, 7, [65_535, 0, 15, 40]) + rtcp.bye(1)
    compound += rtcp.keyframe_request(1, 7) + rtcp.remb(1, 3_000_001, [7]) + rtcp.receiver_report(1, [block])
    read = list(rtcp.parse_rtcp(compound))
    assert read[0] == report and read[0].utc == pytest.approx(0xE0000000 + 0.5 - rtcp.NTP_EPOCH)
    assert read[1] == rtcp.Nack(7, (65_535, 0, 15, 40))
    assert read[2:4] == [rtcp.Bye((1,)), rtcp.KeyframeRequest(7)]
    assert isinstance(read[4], rtcp.Remb) and read[4].bits_per_second == pytest.approx(3_000_001, rel=1e-4)
    assert read[5] == rtcp.ReceiverReport(1, (block,))


def test_transport_wide_feedback_as_the_draft_writes_it() -> None:
    """Base 65534; 65535 lost; 0 after 10 ms; 1 before its time: a negative step needs two bytes."""
    wide = TransportWide()
    for number, at in ((65_534, 1.0), (0, 1.010), (1, 1.005)):
        wide.arrived(number, at)
    feedback = wide.due(9, 7, 1.2)
    assert feedback is not None and wide.due(9, 7, 1.21) is None
    assert feedback[:2] == bytes([0x80 | 15, 205])
    body = feedback[4:]
    assert int.from_bytes(body[8:10], "big") == 65_534 and int.from_bytes(body[10:12], "big") == 4
    assert int.from_bytes(body[12:15], "big") == 15 and body[15] == 0  # 15 * 64 ms = 0.96 s
    assert int.from_bytes(body[16:18], "big") == 0xC000 | 1 << 12 | 0 << 10 | 1 << 8 | 2 << 6
    assert body[18] == 160 and body[19] == 40 and int.from_bytes(body[20:22], "big", signed=True) == -20


# key frames and clocks


def test_case_40_requests_grow_rarer_until_one_is_heard() -> None:
    requests, asked = KeyframeRequests(), []
    asked += [now for now in (n / 100 for n in range(2000)) if requests.due(now)]
    steps = [round(b - a, 2) for a, b in itertools.pairwise(asked)]
    assert steps[0] == pytest.approx(0.3, abs=0.02) and steps[-1] == pytest.approx(MAX_RETRY_SECONDS, abs=0.02)
    requests.came(20.0)
    assert not requests.due(20.0 + REGULAR_SECONDS - 0.01) and requests.due(20.0 + REGULAR_SECONDS)
    requests.came(23.0)
    requests.need()
    assert requests.due(23.01)


def test_case_38_reports_refine_what_arrival_began() -> None:
    """Sound that left 100 ms before it seemed moves there by a millisecond a packet; the picture stays."""
    clock = MediaClock()
    assert clock.place(0, 1_000, 90_000, 10.0) == 0
    assert clock.place(1, 5_000, 48_000, 10.1) == 4_800
    clock.report(0, rtcp.SenderReport(1, 0xE0000000_00000000, 1_000, 0, 0, ()))
    clock.report(1, rtcp.SenderReport(2, 0xE0000000_00000000, 5_000, 0, 0, ()))
    placed = [clock.place(1, 5_000 + 960 * n, 48_000, 10.1) for n in range(1, 200)]
    steps = {b - a for a, b in itertools.pairwise(placed)}
    assert steps <= {960 - 48, 960} and placed[-1] == 960 * 199
    assert clock.place(0, 10_000, 90_000, 10.1) == 9_000


# what a hostile publisher may send


@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans(), st.booleans(), st.booleans()), max_size=12))
@settings(max_examples=150, deadline=None)
def test_no_payload_breaks_an_assembler(parts: list[tuple[bytes, bool, bool, bool]]) -> None:
    """Whatever comes out can be measured, or is refused in words."""
    for codec in VIDEO_CODECS.values():
        assembler, timestamp = codec.assembler(()), 0
        for number, (payload, marker, fresh, gap) in enumerate(parts):
            timestamp += 3000 * fresh
            if gap:
                assembler.gap()
            for picture in assembler.push(packet(number, timestamp, payload, marker=marker)):
                assert picture.payload
                if picture.keyframe:
                    try:
                        picture_size(codec.codec, picture)
                    except CodecError:
                        pass


def test_parameter_sets_beyond_all_measure() -> None:
    assembler, number = H264Assembler(), 0
    for identifier in range(40):
        unit = b"\x67\x42\x00\x1f" + (identifier + 1).to_bytes(4, "big") + bytes(20)
        assembler.push(packet(number, 0, unit))
        number += 1
    for payload in [*fragments(b"\x67" + b"\x42" * 70_000, 1100), b"\x68\xce\x3c\x80", b"\x65\x88\x84"]:
        assembler.push(packet(number, 0, payload))
        number += 1
    assert len(assembler.push(packet(number, 3000, b"\x41\x9a", marker=True))) <= 2


# VP8 and AV1


def test_vp8_frames() -> None:
    key = b"\x10" + b"\x00\x00\x9d\x01\x2a\x80\x02\x68\x01"
    assembler = Vp8Assembler()
    first = bytes([0x90, 0x80, 0x81, 0x23]) + key
    assert assembler.push(packet(0, 0, first)) == []
    [picture] = assembler.push(packet(1, 0, bytes([0x80, 0x80, 0x05]) + b"rest", marker=True))
    assert picture.keyframe and picture.payload == key + b"rest"
    [delta] = assembler.push(packet(2, 3000, b"\x10\x01delta", marker=True))
    assert not delta.keyframe
    assert assembler.push(packet(4, 6000, b"\x00tail", marker=True)) == [] and assembler.damaged == 1
    for nonsense in (b"\x80", b"\x80\xf0", b"\x90\x80", b"\x10"):
        assert assembler.push(packet(5, 9000, nonsense, marker=True)) == []


def test_av1_temporal_units() -> None:
    sequence, frame = b"\x08\x00\x00\x00\x42", b"\x30" + b"f" * 300
    assembler = Av1Assembler()
    assert assembler.push(packet(0, 0, bytes([0x68, len(sequence)]) + sequence + frame[:100])) == []
    [unit] = assembler.push(packet(1, 0, bytes([0x90]) + frame[100:], marker=True))
    assert unit.keyframe and unit.config is not None and unit.config[0] == 0x81
    assert unit.payload == b"\x0a\x04" + sequence[1:] + b"\x32\xac\x02" + frame[1:]
    assert assembler.push(packet(2, 3000, bytes([0x90]) + b"orphan", marker=True)) == [] and assembler.damaged == 1


# addresses


def test_candidates_in_the_order_of_reach() -> None:
    hosts = ("192.168.1.5", "10.0.0.5")
    assert candidates.ordered(hosts, (), "10.0.0.5", loopback=False) == ("10.0.0.5", "192.168.1.5")
    assert candidates.ordered(hosts, ("203.0.113.9",), "127.0.0.1", loopback=True) == (
        "203.0.113.9",
        "192.168.1.5",
        "10.0.0.5",
        "127.0.0.1",
    )
    first, second = candidates.lines(("203.0.113.9", "192.168.1.5"), 8189, ("203.0.113.9",), "192.168.1.5")
    assert first.endswith("203.0.113.9 8189 typ srflx raddr 192.168.1.5 rport 8189") and "typ host" in second
    assert candidates.host_addresses("127.0.0.1") == ("127.0.0.1",) and candidates.host_addresses("0.0.0.0")


def test_ice_servers() -> None:
    stun, turn = parse_ice_servers("stun:stun.example.cn, turn:turn.example.cn:3479?transport=tcp")
    assert (stun.host, stun.port, turn.port) == ("stun.example.cn", 3478, 3479)
    [_, known] = with_credentials([stun, turn], "secret", 1000.0)
    assert known.username == "44200:venuecast" and 'credential="' in known.link()
    for wrong in ("http://x", "turn:a:b", "stun:host:99999", "turn:user:pass word@h"):
        with pytest.raises(ValueError, match="is not stun"):
            parse_ice_servers(wrong)
