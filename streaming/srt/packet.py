"""SRT packets as far as the front needs them (draft-sharabayko-srt-01): handshakes whole, the rest by its header."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import IntEnum

HEADER_BYTES = 16
_HANDSHAKE_BYTES = 48
HANDSHAKE, KEEPALIVE, ACK, NAK, SHUTDOWN = 0, 1, 2, 3, 5
INDUCTION, CONCLUSION = 1, 0xFFFFFFFF
MAGIC = 0x4A17
"""SRT_MAGIC_CODE in the extension field of the listener's induction (3.2.1)."""
HSREQ, KMREQ, STREAM_ID = 1, 3, 5
"""Extension types (3.2.1, table 5)."""
MAX_STREAM_ID_BYTES = 512
_FAILURE = 1000
"""URQ_FAILURE_TYPES: a rejection code is sent as handshake type 1000 + code."""


class Rejection(IntEnum):
    """SRT's rejection codes, and those of its access control guidelines (1000 + HTTP status)."""

    RESOURCE = 3
    VERSION = 8
    BAD_SECRET = 10
    UNSECURE = 11
    BAD_REQUEST = 1400
    UNAUTHORIZED = 1401
    OVERLOAD = 1402
    FORBIDDEN = 1403
    BAD_MODE = 1405
    CONFLICT = 1409


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake control packet."""

    destination: int
    version: int
    encryption: int
    extension_field: int
    sequence: int
    mtu: int
    window: int
    type: int
    socket_id: int
    cookie: int
    peer_address: bytes
    extensions: tuple[tuple[int, bytes], ...] = ()
    timestamp: int = 0

    @property
    def rejected(self) -> int | None:
        """The rejection code, when this is one."""
        return self.type - _FAILURE if _FAILURE <= self.type < 0x10000 else None

    def extension(self, kind: int) -> bytes | None:
        return next((content for found, content in self.extensions if found == kind), None)

    @property
    def stream_id(self) -> str | None:
        """The text of the streamid extension: its characters stand reversed in each 32-bit word (3.2.1.3)."""
        content = self.extension(STREAM_ID)
        if content is None or len(content) > MAX_STREAM_ID_BYTES:
            return None
        raw = b"".join(content[at : at + 4][::-1] for at in range(0, len(content), 4))
        return raw.rstrip(b"\0").decode("utf-8", "replace")


def is_control(datagram: bytes, kind: int) -> bool:
    return len(datagram) >= HEADER_BYTES and datagram[0] == 0x80 and datagram[1] == kind


def parse_handshake(datagram: bytes) -> Handshake | None:
    """A handshake, or None when these bytes are none."""
    if len(datagram) < HEADER_BYTES + _HANDSHAKE_BYTES or datagram[:2] != b"\x80\x00":
        return None
    timestamp, destination = struct.unpack_from(">II", datagram, 8)
    version, encryption, extension_field, sequence, mtu, window, kind, socket_id, cookie = struct.unpack_from(
        ">IHHIIIIII", datagram, HEADER_BYTES
    )
    extensions: list[tuple[int, bytes]] = []
    position = HEADER_BYTES + _HANDSHAKE_BYTES
    while version == 5 and position + 4 <= len(datagram):
        found, words = struct.unpack_from(">HH", datagram, position)
        content = datagram[position + 4 : position + 4 + words * 4]
        if len(content) != words * 4:
            return None
        extensions.append((found, content))
        position += 4 + words * 4
    return Handshake(
        destination, version, encryption, extension_field, sequence, mtu, window, kind, socket_id, cookie,
        datagram[48:64], tuple(extensions), timestamp,
    )  # fmt: skip


def write_handshake(handshake: Handshake) -> bytes:
    head = struct.pack(">HHIII", 0x8000, 0, 0, handshake.timestamp, handshake.destination)
    body = struct.pack(
        ">IHHIIIIII",
        handshake.version,
        handshake.encryption,
        handshake.extension_field,
        handshake.sequence,
        handshake.mtu,
        handshake.window,
        handshake.type,
        handshake.socket_id,
        handshake.cookie,
    )
    extensions = b"".join(
        struct.pack(">HH", kind, len(content) // 4) + content for kind, content in handshake.extensions
    )
    return head + body + handshake.peer_address + extensions


def induction_answer(asked: Handshake, cookie: int) -> bytes:
    """The listener's half of induction: version 5, the magic, a cookie; everything else as it came (4.3.1.1)."""
    answer = replace(
        asked,
        destination=asked.socket_id,
        version=5,
        encryption=0,
        extension_field=MAGIC,
        cookie=cookie,
        extensions=(),
    )
    return write_handshake(answer)


def induction_request(asked: Handshake) -> bytes:
    """The caller's first packet, to be sent on to the real listener."""
    request = replace(
        asked, destination=0, version=4, encryption=0, extension_field=2, type=INDUCTION, cookie=0, extensions=()
    )
    return write_handshake(request)


def rejection(asked: Handshake, code: Rejection) -> bytes:
    return write_handshake(
        replace(asked, destination=asked.socket_id, type=_FAILURE + code, socket_id=0, extensions=(), extension_field=0)
    )


def shutdown(destination: int) -> bytes:
    """The connection is over (3.2.7)."""
    return struct.pack(">HHIII", 0x8000 | SHUTDOWN, 0, 0, 0, destination) + bytes(4)
