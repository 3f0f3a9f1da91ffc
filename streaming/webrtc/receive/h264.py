"""H.264 over RTP (RFC 6184): every packetization of mode 0 and 1, to access units.

Theory. Packets with one timestamp are one access unit; its last one has the marker, if the sender knows. Senders
differ: some set the marker on parameter sets that travel in packets of their own, some on every slice of a picture, a
few never. So a unit ends at the marker only if it holds a slice, or when the timestamp changes; and a sender seen to
continue a picture after its marker is read by timestamps alone from then on (case 39).
"""

from __future__ import annotations

from streaming.codecs import h264
from streaming.codecs.errors import CodecError
from streaming.webrtc.receive.frame import MAX_FRAME_BYTES, Picture
from streaming.webrtc.rtp import RtpPacket

STAP_A, STAP_B, MTAP16, MTAP24, FU_A, FU_B = 24, 25, 26, 27, 28, 29
_SLICES = (1, 2, 5)
_DROPPED = (h264.SPS, h264.PPS, h264.AUD, 12)
"""Parameter sets stand in the track's configuration; delimiters and filler say nothing."""
MAX_PARAMETER_SETS = 31
"""What the five bits of an avcC record can count."""
MAX_PARAMETER_SET_BYTES = 4_096
"""With every scaling list it is a few hundred."""


class H264Assembler:
    def __init__(self) -> None:
        self.damaged = 0
        self._units: list[bytes] = []
        self._size = 0
        self._timestamp: int | None = None
        self._fragment: list[bytes] | None = None
        self._broken = False
        """The unit in the making has lost a part."""
        self._after_gap = False
        """Packets are missing before the unit in the making: it is whole only if it begins with a first slice."""
        self._by_timestamp = False
        self._finished: int | None = None
        """Timestamp of the last picture that its marker ended."""
        self._sps: dict[int, bytes] = {}
        self._pps: dict[int, bytes] = {}

    def push(self, packet: RtpPacket) -> list[Picture]:
        if not packet.payload:
            return []  # a probe for bandwidth
        pictures = []
        if self._timestamp is not None and packet.timestamp != self._timestamp:
            pictures += self._finish()
        self._timestamp = packet.timestamp
        self._take(packet.payload)
        if packet.marker and self._fragment is None and not self._by_timestamp and self._has_slice:
            pictures += self._finish()
            self._finished = packet.timestamp
        return pictures

    def gap(self) -> None:
        self._fragment = None
        self._after_gap = True
        if self._timestamp is not None:
            self._broken = True

    @property
    def _has_slice(self) -> bool:
        return self._broken or any(unit[0] & 31 in _SLICES for unit in self._units)

    def _take(self, payload: bytes) -> None:
        kind = payload[0] & 31
        if kind == FU_A:
            self._take_fragment(payload)
            return
        if self._fragment is not None:
            self._fragment = None  # its end never came
            self._broken = True
        if 1 <= kind <= 23:
            self._add(payload)
        elif kind == STAP_A:
            position = 1
            while position + 2 <= len(payload):
                size = int.from_bytes(payload[position : position + 2], "big")
                unit = payload[position + 2 : position + 2 + size]
                if not size or len(unit) != size:
                    self._broken = self._broken or len(unit) != size
                    break
                self._add(unit)
                position += 2 + size
        else:
            self._broken = True  # interleaved mode is never agreed to

    def _take_fragment(self, payload: bytes) -> None:
        if len(payload) < 3:
            self._broken = True
            return
        header = payload[1]
        if header & 0x80:
            if self._fragment is not None:
                self._broken = True
            self._fragment = [bytes([payload[0] & 0xE0 | header & 31]), payload[2:]]
        elif self._fragment is None:
            self._broken = True
            return
        else:
            self._fragment.append(payload[2:])
        self._size += len(payload)
        if self._size > MAX_FRAME_BYTES:
            self._fragment, self._broken = None, True
            return
        if header & 0x40:
            unit, self._fragment = b"".join(self._fragment), None
            self._add(unit)

    def _add(self, unit: bytes) -> None:
        kind = unit[0] & 31
        if kind == h264.SPS and len(unit) >= 5:
            _remember(self._sps, unit)
        elif kind == h264.PPS and len(unit) >= 2:
            _remember(self._pps, unit)
        elif kind in _SLICES and self._finished == self._timestamp and not self._units and not _first_slice(unit):
            # the marker stood on each slice: what was handed on as a picture was a part of one
            self._by_timestamp = True
            self._broken = True
        self._units.append(unit)
        self._size += len(unit)
        if self._size > MAX_FRAME_BYTES:
            self._units, self._broken = [], True

    def _finish(self) -> list[Picture]:
        """The access unit as a picture; nothing when it lost a part, or is parameter sets alone."""
        timestamp, units, broken = self._timestamp, self._units, self._broken or self._fragment is not None
        self._units, self._size, self._fragment, self._broken, self._timestamp = [], 0, None, False, None
        assert timestamp is not None
        after_gap, self._after_gap = self._after_gap, False
        if after_gap:
            slices = [unit for unit in units if unit[0] & 31 in _SLICES]
            broken = broken or (bool(slices) and not _first_slice(slices[0]))
        if broken:
            self.damaged += 1
            return []
        kept = [unit for unit in units if unit[0] & 31 not in _DROPPED]
        if not any(unit[0] & 31 in _SLICES for unit in kept):
            return []
        keyframe = any(unit[0] & 31 == h264.IDR for unit in kept)
        config = self._config() if keyframe else None
        if keyframe and config is None:
            self.damaged += 1  # nobody can decode it: no parameter sets yet (case 27)
            return []
        return [Picture(timestamp, keyframe, h264.join(kept), config)]

    def _config(self) -> bytes | None:
        try:
            return h264.build_avcc(tuple(self._sps.values()), tuple(self._pps.values())) if self._pps else None
        except CodecError:
            return None

    def learn(self, parameter_sets: list[bytes]) -> None:
        """Parameter sets of the offer (`sprop-parameter-sets`), for senders that never repeat them."""
        for unit in parameter_sets:
            if unit and unit[0] & 31 == h264.SPS and len(unit) >= 5:
                _remember(self._sps, unit)
            elif unit and unit[0] & 31 == h264.PPS and len(unit) >= 2:
                _remember(self._pps, unit)


def _remember(sets: dict[int, bytes], unit: bytes) -> None:
    """Keep a parameter set under its id, so that a new one replaces the old one."""
    if len(unit) > MAX_PARAMETER_SET_BYTES:
        return
    identifier = _id(unit)
    if identifier in sets or len(sets) < MAX_PARAMETER_SETS:
        sets[identifier] = unit


def _id(unit: bytes) -> int:
    """seq_parameter_set_id or pic_parameter_set_id: the first Exp-Golomb number of the set's body."""
    body = unit[4:8] if unit[0] & 31 == h264.SPS else unit[1:5]
    bits = int.from_bytes(body.ljust(4, b"\0"), "big")
    zeros = 32 - bits.bit_length()
    if zeros > 15:
        return 0
    return (bits >> 31 - 2 * zeros) - 1


def _first_slice(unit: bytes) -> bool:
    """Whether a slice begins its picture: first_mb_in_slice is 0, coded as a single 1 bit."""
    return len(unit) > 1 and bool(unit[1] & 0x80)
