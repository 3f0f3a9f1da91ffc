"""N viewers in one process: counts bytes, and when the first video key frame came. Prints one JSON line.

Run as `python -m bench.viewers flv URL N SECONDS` or `... rtmp HOST:PORT/APP/NAME N SECONDS`, on the client core.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import uvloop

RAMP_PER_SECOND = 200


class FlvViewer(asyncio.Protocol):
    """One HTTP-FLV player: parses until the first key frame, then only counts."""

    def __init__(self, host: str, path: str) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        self._head: bytearray | None = bytearray()
        self.received = 0
        self.connected_at = 0.0
        self.first_key_frame: float | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connected_at = time.perf_counter()
        cast(asyncio.WriteTransport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self._head is not None:
            self._head += data
            if _has_flv_key_frame(self._head):
                self.first_key_frame = time.perf_counter() - self.connected_at
                self._head = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


def _has_flv_key_frame(data: bytearray) -> bool:
    """Whether an H.264 key frame's tag begins in these bytes (a chunked body's framing is looked through)."""
    start = data.find(b"FLV\x01")
    # AVC, key frame, NALU: 0x17 0x01, after a video tag's type byte and its 10 further header bytes
    position = data.find(b"\x17\x01", start)
    while start >= 0 and position >= 0:
        if position >= 11 and data[position - 11] == 9 and data[position - 3 : position] == b"\x00\x00\x00":
            return True
        position = data.find(b"\x17\x01", position + 1)
    return False


def _amf_string(text: str) -> bytes:
    return b"\x02" + struct.pack(">H", len(text)) + text.encode()


def _amf_number(number: float) -> bytes:
    return b"\x00" + struct.pack(">d", number)


def _amf_object(**fields: str) -> bytes:
    body = b"".join(struct.pack(">H", len(name)) + name.encode() + _amf_string(text) for name, text in fields.items())
    return b"\x03" + body + b"\x00\x00\x09"


def _message(csid: int, type_id: int, stream_id: int, body: bytes) -> bytes:
    """One message as a type-0 chunk; bodies here are far below the 64 KiB chunk size announced first."""
    return (
        bytes([csid])
        + b"\0\0\0"
        + len(body).to_bytes(3, "big")
        + bytes([type_id])
        + struct.pack("<I", stream_id)
        + body
    )


class RtmpViewer(asyncio.Protocol):
    """One RTMP player: just enough of the protocol to play, then only counts."""

    def __init__(self, host: str, app: str, name: str) -> None:
        self._app, self._name, self._host = app, name, host
        self._buffer: bytearray | None = bytearray()
        self._playing = False
        self.received = 0
        self.connected_at = 0.0
        self.first_key_frame: float | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's
        self._transport = cast(asyncio.WriteTransport, transport)
        self.connected_at = time.perf_counter()
        self._transport.write(b"\x03" + bytes(8) + os.urandom(1528))

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self._buffer is None:
            return
        self._buffer += data
        if not self._playing and len(self._buffer) >= 3073:
            echo = bytes(self._buffer[1:1537])
            connect = _amf_string("connect") + _amf_number(1) + _amf_object(
                app=self._app, tcUrl=f"rtmp://{self._host}/{self._app}", flashVer="LNX 9,0,124,2"
            )  # fmt: skip
            create = _amf_string("createStream") + _amf_number(2) + b"\x05"
            play = _amf_string("play") + _amf_number(3) + b"\x05" + _amf_string(self._name) + _amf_number(-2000)
            self._transport.write(
                echo
                + _message(2, 1, 0, struct.pack(">I", 65536))
                + _message(3, 20, 0, connect)
                + _message(3, 20, 0, create)
                + _message(8, 20, 1, play)
            )
            self._playing = True
            del self._buffer[:3073]
        if self._playing and self._buffer.find(b"\x17\x01\x00") >= 0:
            self.first_key_frame = time.perf_counter() - self.connected_at
            self._buffer = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


async def watch(make: Callable[[], FlvViewer | RtmpViewer], host: str, port: int, count: int, seconds: float) -> None:
    """Connect `count` viewers at a steady pace, say `ready`, then report each window asked for on stdin."""
    loop = asyncio.get_running_loop()
    viewers: list[FlvViewer | RtmpViewer] = []
    for _ in range(count):
        _, viewer = await loop.create_connection(make, host, port)
        viewers.append(viewer)
        await asyncio.sleep(1 / RAMP_PER_SECOND)
    for _ in range(150):
        if all(viewer.first_key_frame is not None for viewer in viewers):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # let the joiners' bursts drain
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    before = [viewer.received for viewer in viewers]
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed = time.perf_counter() - started
    delivered = [viewer.received - start for viewer, start in zip(viewers, before, strict=True)]
    first = sorted(viewer.first_key_frame for viewer in viewers if viewer.first_key_frame is not None)
    report = {
        "viewers": count,
        "seconds": elapsed,
        "bytes": sum(delivered),
        "lost": sum(viewer.lost for viewer in viewers),
        "starved": sum(1 for count_ in delivered if count_ == 0),
        "first_key_frame_ms": [round(value * 1000, 2) for value in first],
    }
    print(json.dumps(report), flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kind, target, count, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    url = urlsplit(target)
    host, port = url.hostname or "127.0.0.1", url.port or 80
    if kind == "flv":

        def make() -> FlvViewer | RtmpViewer:
            return FlvViewer(f"{host}:{port}", url.path)
    else:
        app, _, name = url.path.strip("/").partition("/")

        def make() -> FlvViewer | RtmpViewer:
            return RtmpViewer(f"{host}:{port}", app, name)

    uvloop.run(watch(make, host, port, count, seconds))


if __name__ == "__main__":
    main()
