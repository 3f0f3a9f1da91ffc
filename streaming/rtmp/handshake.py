"""The handshake, simple and complex (RTMP 5.2; the digest form as Flash Player 9 and its imitators do it)."""

from __future__ import annotations

import hashlib
import hmac
import os

from streaming.rtmp.errors import RemoteProtocolError

VERSION = 3
SIZE = 1536
_DIGEST = 32
_PLAYER_KEY = b"Genuine Adobe Flash Player 001"
_SERVER_KEY = b"Genuine Adobe Flash Media Server 001"
_CRUD = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")
_SERVER_VERSION = bytes([4, 5, 0, 1])


def _digest_offset(packet: bytes | bytearray, base: int) -> int:
    return sum(packet[base : base + 4]) % 728 + base + 4


def _digest_of(packet: bytes | bytearray, offset: int, key: bytes) -> bytes:
    return hmac.digest(key, bytes(packet[:offset] + packet[offset + _DIGEST :]), hashlib.sha256)


def find_digest(packet: bytes, key: bytes) -> tuple[bytes, int] | None:
    """The digest in a C1 or S1 and its scheme's base (8 or 772), or None when it has none: then it is simple."""
    for base in (772, 8):
        offset = _digest_offset(packet, base)
        digest = packet[offset : offset + _DIGEST]
        if hmac.compare_digest(digest, _digest_of(packet, offset, key)):
            return digest, base
    return None


class ServerHandshake:
    """C0, C1, C2 in; S0, S1, S2 out. Tries the complex form and falls back to the simple one (case 10)."""

    def __init__(self, random_bytes: bytes | None = None) -> None:
        self._random = random_bytes if random_bytes is not None else os.urandom(2 * SIZE)
        self._answered = False
        self.complex = False

    def receive(self, buffer: bytearray) -> tuple[bytes, bool]:
        """Take what is complete from the front of `buffer`. Returns the bytes to send and whether it is done.

        Raises RemoteProtocolError for another version of RTMP.
        """
        answer = b""
        if not self._answered:
            if buffer and buffer[0] == 6:
                raise RemoteProtocolError("encrypted RTMP (RTMPE) is not served; use RTMPS")
            if buffer and buffer[0] != VERSION:
                raise RemoteProtocolError(f"not RTMP: the first byte is {buffer[0]}")
            if len(buffer) < 1 + SIZE:
                return b"", False
            client = bytes(buffer[1 : 1 + SIZE])
            del buffer[: 1 + SIZE]
            answer = self._answer(client)
            self._answered = True
        if len(buffer) < SIZE:
            return answer, False
        del buffer[:SIZE]  # C2 echoes our bytes; no encoder fails here in good faith, so it is not compared
        return answer, True

    def _answer(self, client: bytes) -> bytes:
        found = find_digest(client, _PLAYER_KEY) if client[4:8] != b"\0\0\0\0" else None
        if found is None:
            own = bytes(4) + bytes(4) + self._random[: SIZE - 8]
            return bytes([VERSION]) + own + client
        self.complex = True
        digest, base = found
        own_packet = bytearray(bytes(4) + _SERVER_VERSION + self._random[: SIZE - 8])
        offset = _digest_offset(own_packet, base)
        own_packet[offset : offset + _DIGEST] = _digest_of(own_packet, offset, _SERVER_KEY)
        echo = bytearray(self._random[SIZE : 2 * SIZE])
        key = hmac.digest(_SERVER_KEY + _CRUD, digest, hashlib.sha256)
        echo[-_DIGEST:] = hmac.digest(key, bytes(echo[:-_DIGEST]), hashlib.sha256)
        return bytes([VERSION]) + bytes(own_packet) + bytes(echo)


class ClientHandshake:
    """C0, C1 out; S0, S1, S2 in; C2 out."""

    def __init__(self, *, complex_form: bool = False, random_bytes: bytes | None = None) -> None:
        self._random = random_bytes if random_bytes is not None else os.urandom(SIZE)
        self._complex = complex_form

    def hello(self) -> bytes:
        packet = bytearray(bytes(8) + self._random[: SIZE - 8])
        if self._complex:
            packet[4:8] = bytes([9, 0, 124, 2])
            offset = _digest_offset(packet, 8)
            packet[offset : offset + _DIGEST] = _digest_of(packet, offset, _PLAYER_KEY)
        return bytes([VERSION]) + bytes(packet)

    def receive(self, buffer: bytearray) -> bytes | None:
        """C2 once S0, S1 and S2 are there (taken from the buffer), else None. Raises RemoteProtocolError."""
        if buffer and buffer[0] != VERSION:
            raise RemoteProtocolError(f"not RTMP: the first byte is {buffer[0]}")
        if len(buffer) < 1 + 2 * SIZE:
            return None
        server = bytes(buffer[1 : 1 + SIZE])
        del buffer[: 1 + 2 * SIZE]
        if self._complex and find_digest(server, _SERVER_KEY) is None:
            raise RemoteProtocolError("the server answered a complex handshake with a simple one")
        return server
