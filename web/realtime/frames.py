"""What goes over a room's websockets, as bytes: Socket.IO packets and websocket frames."""

from __future__ import annotations

import json
import struct

NAMESPACE = "/room"

to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Made once: `json.dumps` with options makes an encoder at each call."""


def text_frame(text: str) -> bytes:
    """An unmasked, unfragmented websocket text frame (RFC 6455 5.2)."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes([0x81, size]) + payload
    if size < 65_536:
        return b"\x81\x7e" + struct.pack(">H", size) + payload
    return b"\x81\x7f" + struct.pack(">Q", size) + payload


def event_packet(event: str, payload: object) -> str:
    """A Socket.IO EVENT packet of the namespace (protocol version 5), without the Engine.IO type in front."""
    return f"2{NAMESPACE}," + to_json([event, payload])
