"""AV1 over RTP (AOM, "RTP Payload Format for AV1"): packets to temporal units."""

from __future__ import annotations

from streaming.webrtc.receive.frame import MAX_FRAME_BYTES, Picture
from streaming.webrtc.rtp import RtpPacket

_SEQUENCE, _DELIMITER, _TILE_LIST, _PADDING = 1, 2, 8, 15


class Av1Assembler:
    def __init__(self) -> None:
        self.damaged = 0
        self._obus: list[bytes] = []
        self._open = False
        """The last element goes on in the next packet."""
        self._size = 0
        self._timestamp: int | None = None
        self._broken = False
        self._starts_sequence = False
        self._config: bytes | None = None

    def push(self, packet: RtpPacket) -> list[Picture]:
        if len(packet.payload) < 2:
            return []
        pictures: list[Picture] = []
        if self._timestamp is not None and packet.timestamp != self._timestamp:
            pictures += self._finish()
        self._timestamp = packet.timestamp
        self._take(packet.payload)
        if packet.marker:
            pictures += self._finish()
        return pictures

    def gap(self) -> None:
        self._open = False
        if self._timestamp is not None:
            self._broken = True

    def _take(self, payload: bytes) -> None:
        header = payload[0]  # Z, Y, W (2 bits), N
        continues, goes_on, count = bool(header & 0x80), bool(header & 0x40), header >> 4 & 3
        if header & 8:
            self._starts_sequence = True
        if continues != self._open:
            self._broken = True
        elements = _elements(payload[1:], count)
        if elements is None:
            self._broken = True
            return
        for index, element in enumerate(elements):
            if index == 0 and continues and self._obus:
                self._obus[-1] += element
            else:
                self._obus.append(element)
            self._size += len(element)
        self._open = goes_on
        if self._size > MAX_FRAME_BYTES:
            self._obus, self._broken = [], True

    def _finish(self) -> list[Picture]:
        timestamp, obus, broken = self._timestamp, self._obus, self._broken or self._open
        keyframe = self._starts_sequence
        self._obus, self._size, self._timestamp = [], 0, None
        self._broken = self._open = self._starts_sequence = False
        assert timestamp is not None
        sized = [_with_size(obu) for obu in obus if obu and obu[0] >> 3 & 15 not in (_DELIMITER, _TILE_LIST, _PADDING)]
        if broken or not sized or any(obu is None for obu in sized):
            self.damaged += 1
            return []
        whole = [obu for obu in sized if obu is not None]
        sequence = next((obu for obu in whole if obu[0] >> 3 & 15 == _SEQUENCE), None)
        if sequence is not None:
            self._config = _av1c(sequence)
        # N says that a coded video sequence begins here; senders that leave it out send the header there alone
        keyframe = keyframe or sequence is not None
        if keyframe and self._config is None:
            self.damaged += 1
            return []
        return [Picture(timestamp, keyframe, b"".join(whole), self._config if keyframe else None)]


def _elements(data: bytes, count: int) -> list[bytes] | None:
    """OBU elements of one packet (4.3): each with its length, but the last where their number is given."""
    elements: list[bytes] = []
    position = 0
    while position < len(data):
        if count and len(elements) == count - 1:
            elements.append(data[position:])
            return elements
        size = shift = 0
        while True:
            if position >= len(data) or shift > 28:
                return None
            byte = data[position]
            position += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        element = data[position : position + size]
        if len(element) != size:
            return None
        elements.append(element)
        position += size
    return elements if not count or len(elements) == count else None


def _with_size(obu: bytes) -> bytes | None:
    """The OBU as a file carries it: with its length; None when it is cut off."""
    if obu[0] & 2:
        return obu
    header = 2 if obu[0] & 4 else 1
    if len(obu) < header:
        return None
    return bytes([obu[0] | 2]) + obu[1:header] + _leb128(len(obu) - header) + obu[header:]


def _leb128(value: int) -> bytes:
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _av1c(sequence: bytes) -> bytes | None:
    """The av1C record of a sequence header: its profile and level stand in the first bits (5.5.1 of AV1)."""
    position = 2 if sequence[0] & 4 else 1
    while position < len(sequence) and sequence[position] & 0x80:
        position += 1
    body = sequence[position + 1 :]
    if not body:
        return None
    return bytes([0x81, body[0] & 0xE0, 0x0C, 0]) + sequence
