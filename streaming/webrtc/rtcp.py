"""RTCP: what peers report and ask for (RFC 3550, 4585, 5104), bandwidth feedback (REMB, transport-wide)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SENDER_REPORT, RECEIVER_REPORT, SOURCES, BYE, FEEDBACK_RTP, FEEDBACK_PAYLOAD = 200, 201, 202, 203, 205, 206
_NACK, _TRANSPORT_CC = 1, 15
_PLI, _FIR, _APPLICATION = 1, 4, 15
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""
MAX_CHUNKS = 400
"""Of one transport-wide feedback: 2,800 packets at the worst, which is 100 ms of 300 Mb/s."""


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one source is received (RFC 3550, 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Of 256, since the report before."""
    lost: int
    """In all; negative with duplicates."""
    highest: int
    """Sequence number with its cycles, 32 bits."""
    jitter: int
    last_sr: int
    """Middle 32 bits of the NTP time of the last sender report; 0 for none."""
    delay: int
    """Since that report, in 1/65536 s."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int
    """64 bits: seconds since 1900 in the upper half."""
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...]

    @property
    def utc(self) -> float:
        """By the peer's clock, Unix seconds."""
        return self.ntp / (1 << 32) - NTP_EPOCH


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Sequence numbers (16 bits) that the peer misses."""

    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """PLI or FIR."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class Remb:
    """The receiver's estimate of what the link carries."""

    bits_per_second: int


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """Transport-wide feedback as it came; `send` reads it where it cares."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Bye:
    sources: tuple[int, ...]


Rtcp = SenderReport | ReceiverReport | Nack | KeyframeRequest | Remb | TransportFeedback | Bye


def parse_rtcp(datagram: bytes) -> Iterator[Rtcp]:
    """The packets of a compound that we know. Damage ends it; unknown ones are passed over."""
    position, end = 0, len(datagram)
    while position + 4 <= end:
        first, kind, words = struct.unpack_from("!BBH", datagram, position)
        size = 4 * (words + 1)
        body = datagram[position + 4 : position + size]
        position += size
        if first >> 6 != 2 or position > end:
            return
        if first & 0x20 and body:  # padding, in the last packet only
            body = body[: max(0, len(body) - body[-1])]
        try:
            parsed = _parse(kind, first & 31, body)
        except (struct.error, IndexError):
            return
        if parsed is not None:
            yield parsed


def _parse(kind: int, count: int, body: bytes) -> Rtcp | None:
    match kind:
        case 200:
            ssrc, ntp, timestamp, packets, octets = struct.unpack_from("!IQIII", body)
            return SenderReport(ssrc, ntp, timestamp, packets, octets, _blocks(body[24:], count))
        case 201:
            return ReceiverReport(struct.unpack_from("!I", body)[0], _blocks(body[4:], count))
        case 203:
            return Bye(struct.unpack_from(f"!{count}I", body))
        case 205 if count == _NACK:
            return Nack(struct.unpack_from("!I", body, 4)[0], tuple(_lost(body[8:])))
        case 205 if count == _TRANSPORT_CC:
            return TransportFeedback(body)
        case 206 if count == _PLI:
            return KeyframeRequest(struct.unpack_from("!I", body, 4)[0])
        case 206 if count == _FIR and len(body) >= 16:
            return KeyframeRequest(struct.unpack_from("!I", body, 8)[0])
        case 206 if count == _APPLICATION and body[8:12] == b"REMB":
            return _remb(body)
    return None


def _remb(body: bytes) -> Remb:
    mantissa = (body[13] & 3) << 16 | body[14] << 8 | body[15]
    return Remb(min(mantissa << (body[13] >> 2), 1 << 40))


def _blocks(data: bytes, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(min(count, len(data) // 24)):
        ssrc, loss, highest, jitter, last_sr, delay = struct.unpack_from("!IIIIII", data, index * 24)
        lost = loss & 0xFFFFFF
        blocks.append(ReportBlock(ssrc, loss >> 24, lost - (lost >> 23 << 24), highest, jitter, last_sr, delay))
    return tuple(blocks)


def _lost(data: bytes) -> Iterator[int]:
    for index in range(len(data) // 4):
        first, mask = struct.unpack_from("!HH", data, index * 4)
        yield first
        for bit in range(16):
            if mask >> bit & 1:
                yield first + bit + 1 & 0xFFFF


def _packet(kind: int, count: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def _pack_blocks(blocks: Sequence[ReportBlock]) -> bytes:
    return b"".join(
        struct.pack(
            "!IIIIII",
            b.ssrc,
            b.fraction_lost << 24 | max(min(b.lost, 0x7FFFFF), -0x800000) & 0xFFFFFF,
            b.highest & 0xFFFFFFFF,
            b.jitter & 0xFFFFFFFF,
            b.last_sr,
            b.delay & 0xFFFFFFFF,
        )
        for b in blocks
    )


def sender_report(report: SenderReport) -> bytes:
    head = struct.pack(
        "!IQIII",
        report.ssrc,
        report.ntp,
        report.rtp_timestamp & 0xFFFFFFFF,
        report.packets & 0xFFFFFFFF,
        report.octets & 0xFFFFFFFF,
    )
    return _packet(SENDER_REPORT, len(report.blocks), head + _pack_blocks(report.blocks))


def receiver_report(ssrc: int, blocks: Sequence[ReportBlock]) -> bytes:
    return _packet(RECEIVER_REPORT, len(blocks), struct.pack("!I", ssrc) + _pack_blocks(blocks))


def cname(ssrc: int, name: str) -> bytes:
    """A source description with the canonical name alone."""
    item = bytes([1, len(name)]) + name.encode("ascii") + b"\0"
    return _packet(SOURCES, 1, struct.pack("!I", ssrc) + item)


def bye(ssrc: int) -> bytes:
    return _packet(BYE, 1, struct.pack("!I", ssrc))


def nack(sender: int, ssrc: int, sequences: Sequence[int]) -> bytes:
    """Ask for packets again; `sequences` in rising order (around the wrap)."""
    items: list[list[int]] = []
    for sequence in sequences:
        distance = (sequence - items[-1][0]) & 0xFFFF if items else 0
        if items and 1 <= distance <= 16:
            items[-1][1] |= 1 << distance - 1
        else:
            items.append([sequence & 0xFFFF, 0])
    body = b"".join(struct.pack("!HH", first, mask) for first, mask in items)
    return _packet(FEEDBACK_RTP, _NACK, struct.pack("!II", sender, ssrc) + body)


def keyframe_request(sender: int, ssrc: int) -> bytes:
    """PLI (RFC 4585, 6.3.1)."""
    return _packet(FEEDBACK_PAYLOAD, _PLI, struct.pack("!II", sender, ssrc))


def remb(sender: int, bits_per_second: int, ssrcs: Sequence[int]) -> bytes:
    exponent = max(0, bits_per_second.bit_length() - 18)
    mantissa = bits_per_second >> exponent
    body = b"REMB" + bytes([len(ssrcs), exponent << 2 | mantissa >> 16, mantissa >> 8 & 255, mantissa & 255])
    body += b"".join(struct.pack("!I", ssrc) for ssrc in ssrcs)
    return _packet(FEEDBACK_PAYLOAD, _APPLICATION, struct.pack("!II", sender, 0) + body)


def transport_feedback(sender: int, ssrc: int, count: int, base: int, arrivals: Sequence[tuple[int, float]]) -> bytes:
    """Which packets of all streams came, and when (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1).

    `arrivals`: unrolled transport-wide numbers in rising order with their arrival in seconds of any steady clock.
    What lies between `base`, or between them, is lost. `count` is this feedback's own number.
    """
    reference = int(arrivals[0][1] / 0.064)
    last = reference * 0.064
    statuses: list[int] = []
    deltas = b""
    expected = base
    for number, at in arrivals:
        statuses += [0] * (number - expected)
        ticks = round((at - last) / 0.00025)
        if 0 <= ticks <= 255:
            statuses.append(1)
            deltas += bytes([ticks])
        else:
            ticks = max(-32768, min(ticks, 32767))
            statuses.append(2)
            deltas += struct.pack("!h", ticks)
        last += ticks * 0.00025
        expected = number + 1
    chunks = b"".join(_chunks(statuses))
    head = struct.pack("!IIHH", sender, ssrc, base & 0xFFFF, len(statuses))
    head += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes([count & 255])
    return _packet(FEEDBACK_RTP, _TRANSPORT_CC, head + chunks + deltas)


def _chunks(statuses: list[int]) -> Iterator[bytes]:
    """Runs of one status where they are long, vectors of seven where they are not (3.1.2)."""
    position = 0
    while position < len(statuses):
        run = 1
        while position + run < len(statuses) and run < 8191 and statuses[position + run] == statuses[position]:
            run += 1
        if run >= 7 or position + run == len(statuses):
            yield struct.pack("!H", statuses[position] << 13 | run)
            position += run
            continue
        word = 0xC000
        for index, status in enumerate(statuses[position : position + 7]):
            word |= status << 12 - 2 * index
        yield struct.pack("!H", word)
        position += 7
