"""An FLV byte stream cut into tags, however the pipe cuts it."""

from __future__ import annotations

from dataclasses import dataclass

MAX_TAG_BYTES = 12 * 1024 * 1024
"""As RTMP's largest message: a key frame of 100 Mbit/s ten times."""
_HEADER, _TAG_HEADER, _TAIL = 13, 11, 4


class FlvError(ValueError):
    """These bytes are no FLV."""


@dataclass(frozen=True, slots=True)
class FlvTag:
    type_id: int
    timestamp: int
    """Milliseconds modulo 2^32."""
    body: bytes


class FlvReader:
    """Bytes in, tags out. Raises FlvError, after which it is of no more use."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._begun = False

    def feed(self, data: bytes) -> list[FlvTag]:
        buffer = self._buffer
        buffer += data
        position = 0
        if not self._begun:
            if len(buffer) < _HEADER:
                return []
            if buffer[:3] != b"FLV":
                raise FlvError("no FLV header")
            self._begun, position = True, _HEADER
        tags: list[FlvTag] = []
        while len(buffer) - position >= _TAG_HEADER:
            size = int.from_bytes(buffer[position + 1 : position + 4], "big")
            if size > MAX_TAG_BYTES:
                raise FlvError(f"a tag of {size} bytes")
            end = position + _TAG_HEADER + size + _TAIL
            if len(buffer) < end:
                break
            time = int.from_bytes(buffer[position + 4 : position + 7], "big") | buffer[position + 7] << 24
            body = bytes(buffer[position + _TAG_HEADER : end - _TAIL])
            tags.append(FlvTag(buffer[position] & 31, time, body))
            position = end
        del buffer[:position]
        return tags
