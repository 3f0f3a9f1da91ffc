"""RTP packets (RFC 3550, 5.1) and their header extensions (RFC 8285): read, never written here but in `send`."""

from __future__ import annotations

from dataclasses import dataclass

TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
_ONE_BYTE, _TWO_BYTE = 0xBEDE, 0x1000
MIN_BYTES = 12


class RtpError(ValueError):
    """Not an RTP packet."""


@dataclass(slots=True)
class RtpPacket:
    """One packet; `extensions` are raw until somebody asks for one."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    """Without padding; empty for a packet that only probes the link."""
    profile: int = 0
    extension: bytes = b""

    def header_extension(self, number: int) -> bytes | None:
        """The element with this identifier; None when it is not there or its list is damaged."""
        one_byte = self.profile == _ONE_BYTE
        if not one_byte and self.profile & 0xFFF0 != _TWO_BYTE:
            return None
        data, position = self.extension, 0
        while position < len(data):
            if data[position] == 0:  # padding
                position += 1
                continue
            if one_byte:
                identifier, size = data[position] >> 4, (data[position] & 15) + 1
                position += 1
                if identifier == 15:
                    return None
            else:
                if position + 1 >= len(data):
                    return None
                identifier, size = data[position], data[position + 1]
                position += 2
            if identifier == number:
                value = data[position : position + size]
                return value if len(value) == size else None
            position += size
        return None


def parse_rtp(datagram: bytes) -> RtpPacket:
    """Raises RtpError."""
    if len(datagram) < MIN_BYTES or datagram[0] >> 6 != 2:
        raise RtpError("no RTP header")
    first, second = datagram[0], datagram[1]
    start = MIN_BYTES + 4 * (first & 15)
    profile, extension = 0, b""
    if first & 0x10:
        if len(datagram) < start + 4:
            raise RtpError("cut off in the extension header")
        profile = int.from_bytes(datagram[start : start + 2], "big")
        size = 4 * int.from_bytes(datagram[start + 2 : start + 4], "big")
        extension = datagram[start + 4 : start + 4 + size]
        start += 4 + size
    end = len(datagram)
    if first & 0x20:
        end -= datagram[-1]
    if start > end or (first & 0x20 and datagram[-1] == 0):
        raise RtpError("cut off before the payload")
    return RtpPacket(
        second & 0x7F,
        bool(second & 0x80),
        int.from_bytes(datagram[2:4], "big"),
        int.from_bytes(datagram[4:8], "big"),
        int.from_bytes(datagram[8:12], "big"),
        datagram[start:end],
        profile,
        extension,
    )


def unroll(value: int, last: int, bits: int) -> int:
    """The number nearest to `last` among all that look like `value` in so many bits."""
    half = 1 << bits - 1
    return last + (value - last + half) % (1 << bits) - half
