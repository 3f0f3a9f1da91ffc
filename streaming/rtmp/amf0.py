"""AMF0 values in and out, bounded; what RTMP does not use is skipped or refused (case 13)."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from streaming.rtmp.errors import RemoteProtocolError

MAX_DEPTH = 16
"""Metadata nests two deep; deeper is an attack on the stack."""
MAX_ITEMS = 4096
"""Values in one message altogether: a count in the bytes is never trusted to allocate."""

Value = float | bool | str | None | datetime | list["Value"] | dict[str, "Value"]
"""What a value is in Python. Undefined and unsupported are None; an ECMA array is a dict."""

NUMBER, BOOLEAN, STRING, OBJECT, NULL, UNDEFINED, REFERENCE, ECMA_ARRAY, END, STRICT_ARRAY, DATE, LONG_STRING = (
    0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12,
)  # fmt: skip
_UNSUPPORTED, _XML, _TYPED_OBJECT, _AMF3 = 13, 15, 16, 17


class Reader:
    """Reads values from the front of a body. Raises RemoteProtocolError for what is not AMF0."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._position = 0
        self._items = 0

    def more(self) -> bool:
        return self._position < len(self._body)

    def read(self) -> Value:
        return self._value(0)

    def read_all(self) -> list[Value]:
        """The remaining values; damage in them ends the list instead of raising (broken metadata is not fatal)."""
        values: list[Value] = []
        while self.more():
            try:
                values.append(self.read())
            except RemoteProtocolError:
                break
        return values

    def _take(self, count: int) -> bytes:
        piece = self._body[self._position : self._position + count]
        if len(piece) != count:
            raise RemoteProtocolError("AMF0 value is cut off")
        self._position += count
        return piece

    def _string(self, length_bytes: int = 2) -> str:
        return self._take(int.from_bytes(self._take(length_bytes), "big")).decode("utf-8", "replace")

    def _value(self, depth: int) -> Value:
        self._items += 1
        if depth > MAX_DEPTH or self._items > MAX_ITEMS:
            raise RemoteProtocolError("AMF0 value is nested too deep or holds too much")
        marker = self._take(1)[0]
        match marker:
            case 0:
                number: float = struct.unpack(">d", self._take(8))[0]
                return number
            case 1:
                return self._take(1) != b"\0"
            case 2:
                return self._string()
            case 3:
                return self._pairs(depth)
            case 5 | 6 | 13:
                return None
            case 7:
                self._take(2)
                return None
            case 8:
                self._take(4)  # the count, which many encoders get wrong
                return self._pairs(depth)
            case 10:
                count = int.from_bytes(self._take(4), "big")
                if count > MAX_ITEMS:
                    raise RemoteProtocolError("AMF0 array is too long")
                return [self._value(depth + 1) for _ in range(count)]
            case 11:
                milliseconds: float = struct.unpack(">d", self._take(8))[0]
                self._take(2)
                try:
                    return datetime.fromtimestamp(milliseconds / 1000, UTC)
                except (ValueError, OverflowError, OSError):
                    return None
            case 12 | 15:
                return self._string(4)
            case 16:
                self._string()
                return self._pairs(depth)
        raise RemoteProtocolError(f"AMF0 marker {marker}")

    def _pairs(self, depth: int) -> dict[str, Value]:
        pairs: dict[str, Value] = {}
        while self.more():
            name = self._string()
            if not name and self._body[self._position : self._position + 1] == b"\x09":
                self._position += 1
                break
            if not self.more():
                break  # broken metadata: the end marker is missing
            pairs[name] = self._value(depth + 1)
        return pairs


def decode(body: bytes) -> list[Value]:
    """All values of a body. Raises RemoteProtocolError when one is damaged."""
    reader = Reader(body)
    values = []
    while reader.more():
        values.append(reader.read())
    return values


def encode(*values: Value) -> bytes:
    """Values one after the other."""
    return b"".join(_encode(value) for value in values)


def _encode(value: Value) -> bytes:
    match value:
        case None:
            return bytes([NULL])
        case bool():
            return bytes([BOOLEAN, value])
        case int() | float():
            return bytes([NUMBER]) + struct.pack(">d", value)
        case str():
            raw = value.encode()
            if len(raw) > 0xFFFF:
                return bytes([LONG_STRING]) + len(raw).to_bytes(4, "big") + raw
            return bytes([STRING]) + len(raw).to_bytes(2, "big") + raw
        case datetime():
            return bytes([DATE]) + struct.pack(">d", value.timestamp() * 1000) + b"\0\0"
        case list():
            return bytes([STRICT_ARRAY]) + len(value).to_bytes(4, "big") + b"".join(map(_encode, value))
        case dict():
            pairs = b"".join(
                len(name.encode()).to_bytes(2, "big") + name.encode() + _encode(item) for name, item in value.items()
            )
            return bytes([OBJECT]) + pairs + b"\0\0\x09"
    raise TypeError(f"no AMF0 form for {type(value).__name__}")
