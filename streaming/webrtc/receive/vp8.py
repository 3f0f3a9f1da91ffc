"""VP8 over RTP (RFC 7741): packets to frames."""

from __future__ import annotations

from streaming.webrtc.receive.frame import MAX_FRAME_BYTES, Picture
from streaming.webrtc.rtp import RtpPacket


class Vp8Assembler:
    def __init__(self) -> None:
        self.damaged = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._timestamp: int | None = None
        self._broken = False

    def push(self, packet: RtpPacket) -> list[Picture]:
        if not packet.payload:
            return []
        pictures: list[Picture] = []
        if self._timestamp is not None and packet.timestamp != self._timestamp:
            pictures += self._finish()
        self._timestamp = packet.timestamp
        start = _descriptor_bytes(packet.payload)
        if start is None:
            self._broken = True
        else:
            first = bool(packet.payload[0] & 0x10) and not packet.payload[0] & 7
            if not self._parts and not first:
                self._broken = True  # its beginning is lost
            self._parts.append(packet.payload[start:])
            self._size += len(packet.payload)
            if self._size > MAX_FRAME_BYTES:
                self._parts, self._broken = [], True
        if packet.marker:
            pictures += self._finish()
        return pictures

    def gap(self) -> None:
        if self._timestamp is not None:
            self._broken = True

    def _finish(self) -> list[Picture]:
        timestamp, frame, broken = self._timestamp, b"".join(self._parts), self._broken
        self._parts, self._size, self._timestamp, self._broken = [], 0, None, False
        assert timestamp is not None
        if broken or not frame:
            self.damaged += 1
            return []
        return [Picture(timestamp, not frame[0] & 1, frame)]


def frame_size(frame: bytes) -> tuple[int, int] | None:
    """Width and height in a key frame's header (RFC 6386, 9.1); None when it is cut off."""
    if len(frame) < 10 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    return int.from_bytes(frame[6:8], "little") & 0x3FFF, int.from_bytes(frame[8:10], "little") & 0x3FFF


def _descriptor_bytes(payload: bytes) -> int | None:
    """Length of the payload descriptor (RFC 7741, 4.2); None when it is cut off, or nothing follows it."""
    position = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return None
        extended = payload[1]
        position = 2
        if extended & 0x80:
            if len(payload) <= position:
                return None
            position += 2 if payload[position] & 0x80 else 1
        if extended & 0x40:
            position += 1
        if extended & 0x30:
            position += 1
    return position if position < len(payload) else None
