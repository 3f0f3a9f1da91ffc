"""RTMP's and FLV's layers as functions of hostile bytes: typed errors are an answer, anything else is a finding."""

from __future__ import annotations

from collections.abc import Callable

from streaming.flv.demux import AUDIO, VIDEO, Demuxer
from streaming.flv.tag import UnsupportedCodec
from streaming.rtmp import amf0
from streaming.rtmp.chunk import ChunkReader
from streaming.rtmp.command import parse_command, stream_key
from streaming.rtmp.connection import PublishRequested, ServerConnection, TagReceived
from streaming.rtmp.errors import RemoteProtocolError
from streaming.rtmp.handshake import SIZE, ClientHandshake, ServerHandshake
from streaming.rtmp.pusher import Pusher

KEY = "0123456789abcdefghjkmnpq"


def handshake(data: bytes) -> None:
    server, buffer = ServerHandshake(bytes(2 * SIZE)), bytearray()
    for start in range(0, len(data), 700):
        buffer += data[start : start + 700]
        server.receive(buffer)


def chunk(data: bytes) -> None:
    reader = ChunkReader()
    half = len(data) // 2
    reader.feed(data[:half])
    reader.feed(data[half:])


def amf(data: bytes) -> None:
    amf0.Reader(data).read_all()
    amf0.decode(data)


def command(data: bytes) -> None:
    parsed = parse_command(data, amf3=data[:1] == b"\0")
    app, url = parsed.properties.get("app"), parsed.properties.get("tcUrl")
    stream_key(app if isinstance(app, str) else "", url if isinstance(url, str) else "", parsed.text(1))


def flv(data: bytes) -> None:
    """Tags of one byte of kind, two of length, and a body."""
    demuxer, position, time = Demuxer(), 0, 0
    while position + 3 <= len(data):
        size = int.from_bytes(data[position + 1 : position + 3], "big") % 600
        body = data[position + 3 : position + 3 + size]
        try:
            demuxer.feed(VIDEO if data[position] & 1 else AUDIO, time, body, 0.0, time / 1000)
        except UnsupportedCodec:
            return
        position, time = position + 3 + size, time + 400


def _greeting() -> bytes:
    return ClientHandshake(random_bytes=bytes(SIZE)).hello() + bytes(SIZE)


GREETING = _greeting()


def session(data: bytes) -> None:
    """A whole connection behind its handshake, admitted whenever it asks, its tags demuxed."""
    server, demuxer = ServerConnection(bytes(2 * SIZE)), Demuxer()
    server.receive_data(GREETING)
    events = server.receive_data(data)
    while events:
        event = events.pop(0)
        if isinstance(event, PublishRequested):
            events = server.accept_publish() + events
        elif isinstance(event, TagReceived):
            try:
                demuxer.feed(event.type_id, event.timestamp, event.body, 0.0, event.timestamp / 1000)
            except UnsupportedCodec:
                server.end("not taken")
                return
    server.data_to_send()


LAYERS: dict[str, Callable[[bytes], None]] = {
    "handshake": handshake,
    "chunk": chunk,
    "amf": amf,
    "command": command,
    "flv": flv,
    "session": session,
}


def run(layer: str, data: bytes) -> None:
    """One input; RemoteProtocolError is the layer's proper answer to nonsense."""
    try:
        LAYERS[layer](data)
    except RemoteProtocolError:
        pass


def seeds() -> dict[str, list[bytes]]:
    """Honest inputs to start from."""
    pusher, server = Pusher("rtmp://hub/live", "live", KEY, chunk_size=128), ServerConnection(bytes(2 * SIZE))
    said = b""
    for _ in range(12):
        data = pusher.data_to_send()
        said += data
        if any(isinstance(event, PublishRequested) for event in server.receive_data(data)):
            server.accept_publish()
        pusher.receive_data(server.data_to_send())
    avc = bytes.fromhex("17000000000142c01effe100046742c01e01000468ce3c80")
    pusher.send_tag(VIDEO, 0, avc)
    pusher.send_tag(AUDIO, 0, b"\xaf\x00\x11\x90")
    pusher.send_tag(VIDEO, 2**32 - 5, b"\x17\x01\x00\x00\x00\x00\x00\x00\x02\x65\x88" * 20)
    pusher.finish()
    said += pusher.data_to_send()
    after = said[1 + 2 * SIZE :]
    tag = b"\x01" + len(avc).to_bytes(2, "big") + avc
    hvc = b"\x90hvc1" + bytes(30)
    multitrack = b"\x96\x11avc1\x00\x00\x00\x02ab\x01\x00\x00\x02cd"
    return {
        "handshake": [GREETING, ClientHandshake(complex_form=True, random_bytes=bytes(SIZE)).hello() + bytes(SIZE)],
        "chunk": [after],
        "amf": [
            amf0.encode("connect", 1.0, {"app": "live", "list": [1.0, None, True]}),
            b"\x08\0\0\0\x01\0\x01a\x05\0\0\t",
        ],
        "command": [
            amf0.encode("publish", 5.0, None, KEY, "live"),
            amf0.encode("connect", 1.0, {"tcUrl": "rtmp://h/live"}),
        ],
        "flv": [
            tag + b"\x00\x00\x04\xaf\x00\x11\x90",
            b"\x01\x00\x23" + hvc,
            b"\x01" + len(multitrack).to_bytes(2, "big") + multitrack,
            b"\x00\x00\x08\x91Opus\xfc\x00\x00",
            b"\x01\x00\x0a\x97\x02\x00\x00\x00\x01avc1",
        ],
        "session": [after],
    }
