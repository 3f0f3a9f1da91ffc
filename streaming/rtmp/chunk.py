"""Messages from chunks and chunks from messages (RTMP 5.3): formats, extended timestamps, interleaving, abort.

Theory: each chunk stream (csid) has its own partial message and remembers the header of its last one. A format 0
header gives an absolute time, 1 and 2 a delta to the last message, 3 repeats. Extended timestamps stand where the
24-bit field says 0xFFFFFF, and mean the same as the field would (a delta for formats 1 and 2, case 3). Whether they
are repeated on continuation chunks differs between encoders, so four bytes are peeked at (case 1).
"""

from __future__ import annotations

from dataclasses import dataclass

from streaming.rtmp.errors import RemoteProtocolError

DEFAULT_CHUNK_SIZE = 128
MIN_CHUNK_SIZE = 16
"""Smaller ones cost a header each few bytes: a CPU amplifier, used by no encoder (case 5)."""
MAX_CHUNK_SIZE = 16 * 1024 * 1024
"""A larger announcement is taken as this: no message is longer than MAX_MESSAGE_BYTES anyway (case 5)."""
MAX_MESSAGE_BYTES = 12 * 1024 * 1024
"""A key frame of 100 Mbit/s fits ten times; a declared length beyond it is refused before memory is taken (case 6)."""
MAX_PARTIAL_BYTES = 16 * 1024 * 1024
"""All partial messages of a connection together (case 6)."""
MAX_CHUNK_STREAMS = 128
"""Encoders use up to a dozen csids; each costs a header and maybe a buffer (case 7)."""
EXTENDED = 0xFFFFFF
_TIME = 0xFFFFFFFF

SET_CHUNK_SIZE, ABORT = 1, 2


@dataclass(frozen=True, slots=True)
class Message:
    type_id: int
    stream_id: int
    timestamp: int
    """Milliseconds modulo 2^32, as sent."""
    payload: bytes
    csid: int = 0


class _ChunkStream:
    """The last header and the partial message of one csid."""

    __slots__ = ("body", "delta", "extended", "field", "length", "stream_id", "timestamp", "type_id")

    def __init__(self) -> None:
        self.timestamp = 0
        self.delta = 0
        self.field = 0
        self.extended = False
        self.length = 0
        self.type_id = 0
        self.stream_id = 0
        self.body = bytearray()


class ChunkReader:
    """Bytes in, messages out. Applies Set Chunk Size and Abort itself, at the right boundary."""

    def __init__(self) -> None:
        self.chunk_size = DEFAULT_CHUNK_SIZE
        self._buffer = bytearray()
        self._streams: dict[int, _ChunkStream] = {}
        self._partial_bytes = 0

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message]:
        """All messages that `data` completes, in order. Raises RemoteProtocolError."""
        self._buffer += data
        messages: list[Message] = []
        position = 0
        buffer = self._buffer
        while (end := self._read_chunk(position, messages)) is not None:
            position = end
        if position:
            del buffer[:position]
        return messages

    def _read_chunk(self, position: int, messages: list[Message]) -> int | None:
        """Read one chunk at `position`; where the next begins, or None when it is not all there yet."""
        buffer = self._buffer
        available = len(buffer)
        if position >= available:
            return None
        first = buffer[position]
        chunk_format, csid = first >> 6, first & 0x3F
        position += 1
        if csid == 0:
            if position + 1 > available:
                return None
            csid = 64 + buffer[position]
            position += 1
        elif csid == 1:
            if position + 2 > available:
                return None
            csid = 64 + buffer[position] + (buffer[position + 1] << 8)
            position += 2
        stream = self._streams.get(csid)
        if stream is None:
            if len(self._streams) >= MAX_CHUNK_STREAMS:
                raise RemoteProtocolError(f"more than {MAX_CHUNK_STREAMS} chunk streams")
            stream = _ChunkStream()
        header = (11, 7, 3, 0)[chunk_format]
        if position + header > available:
            return None
        starts = not stream.body
        field, length, type_id, stream_id = stream.field, stream.length, stream.type_id, stream.stream_id
        if chunk_format < 3:
            if not starts:
                # A new header inside a message: the encoder gave the old one up. Its bytes are dropped.
                starts = True
            field = int.from_bytes(buffer[position : position + 3], "big")
            if chunk_format < 2:
                length = int.from_bytes(buffer[position + 3 : position + 6], "big")
                type_id = buffer[position + 6]
            if chunk_format == 0:
                stream_id = int.from_bytes(buffer[position + 7 : position + 11], "little")
            position += header
        extended = field == EXTENDED if chunk_format < 3 else stream.extended
        value = field
        if extended:
            if position + 4 > available:
                return None
            peeked = int.from_bytes(buffer[position : position + 4], "big")
            if chunk_format < 3:
                value = peeked
                position += 4
            else:
                value = stream.delta if starts else stream.timestamp
                if peeked in (stream.timestamp, stream.delta):
                    position += 4
        elif chunk_format == 3:
            value = stream.delta
        if length > MAX_MESSAGE_BYTES:
            raise RemoteProtocolError(f"a message of {length} bytes; {MAX_MESSAGE_BYTES} is the limit")
        have = 0 if starts else len(stream.body)
        size = min(self.chunk_size, length - have)
        if position + size > available:
            return None
        self._streams[csid] = stream
        if starts:
            self._drop(stream)
            self._begin(stream, chunk_format, field, extended, value)
            stream.length, stream.type_id, stream.stream_id = length, type_id, stream_id
        if have == 0 and size == length:
            payload = bytes(memoryview(buffer)[position : position + size])
            self._complete(Message(type_id, stream_id, stream.timestamp, payload, csid), messages)
            return position + size
        if self._partial_bytes + size > MAX_PARTIAL_BYTES:
            raise RemoteProtocolError(f"partial messages of more than {MAX_PARTIAL_BYTES} bytes")
        stream.body += memoryview(buffer)[position : position + size]
        self._partial_bytes += size
        if len(stream.body) == length:
            payload = bytes(stream.body)
            self._drop(stream)
            self._complete(Message(type_id, stream_id, stream.timestamp, payload, csid), messages)
        return position + size

    def _begin(self, stream: _ChunkStream, chunk_format: int, field: int, extended: bool, value: int) -> None:
        stream.field, stream.extended = field, extended
        if chunk_format == 0:
            # A type 3 chunk that starts a message after a type 0 repeats that value as its delta (5.3.1.2.4).
            stream.timestamp = stream.delta = value
        else:
            stream.delta = value
            stream.timestamp = (stream.timestamp + value) & _TIME

    def _drop(self, stream: _ChunkStream) -> None:
        self._partial_bytes -= len(stream.body)
        stream.body = bytearray()

    def _complete(self, message: Message, messages: list[Message]) -> None:
        if message.type_id == SET_CHUNK_SIZE and len(message.payload) >= 4:
            size = int.from_bytes(message.payload[:4], "big") & 0x7FFFFFFF
            if size < MIN_CHUNK_SIZE:
                raise RemoteProtocolError(f"chunk size {size}; {MIN_CHUNK_SIZE} is the least")
            self.chunk_size = min(size, MAX_CHUNK_SIZE)
        elif message.type_id == ABORT and len(message.payload) >= 4:
            aborted = self._streams.get(int.from_bytes(message.payload[:4], "big"))
            if aborted is not None:
                self._drop(aborted)  # case 8
        messages.append(message)


class ChunkWriter:
    """Messages in, bytes out. Headers are of format 0 and continuations of format 3: simple, and understood by all."""

    def __init__(self) -> None:
        self.chunk_size = DEFAULT_CHUNK_SIZE

    def write(self, message: Message) -> bytes:
        """The chunks of one message on `message.csid` (2 to 63)."""
        time = message.timestamp & _TIME
        extended = time.to_bytes(4, "big") if time >= EXTENDED else b""
        head = (
            bytes([message.csid])
            + min(time, EXTENDED).to_bytes(3, "big")
            + len(message.payload).to_bytes(3, "big")
            + bytes([message.type_id])
            + message.stream_id.to_bytes(4, "little")
            + extended
        )
        payload, size = message.payload, self.chunk_size
        if len(payload) <= size:
            return head + payload
        continuation = bytes([0xC0 | message.csid]) + extended
        pieces = [head, payload[:size]]
        for start in range(size, len(payload), size):
            pieces += (continuation, payload[start : start + size])
        return b"".join(pieces)
