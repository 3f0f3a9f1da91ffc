"""Reading bits and Exp-Golomb codes of parameter sets."""

from __future__ import annotations

from streaming.codecs.errors import CodecError


def unescape(unit: bytes) -> bytes:
    """A NAL unit without its emulation prevention bytes (ITU-T H.264 7.4.1)."""
    return unit.replace(b"\x00\x00\x03", b"\x00\x00")


class BitReader:
    """Most significant bit first. Raises CodecError past the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def bits(self, count: int) -> int:
        if count > self._left:
            raise CodecError("parameter set ends too early")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.bits(1) == 1

    def skip(self, count: int) -> None:
        self.bits(count)

    def ue(self) -> int:
        """An unsigned Exp-Golomb code."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > 32:
                raise CodecError("Exp-Golomb code is too long")
        return (1 << zeros) - 1 + self.bits(zeros)

    def uvlc(self) -> int:
        """AV1's variable length code: as ue(v), but after 32 zeros no bits follow (AV1 4.10.3)."""
        zeros = 0
        while not self.flag():
            zeros += 1
        return (1 << zeros) - 1 + self.bits(zeros) if zeros < 32 else (1 << 32) - 1

    def se(self) -> int:
        """A signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)
