"""The client's side: a publisher that sends the FLV tags it is given, with any 32-bit time. For tests and the demo."""

from __future__ import annotations

from collections.abc import Sequence

from streaming.rtmp import amf0, message
from streaming.rtmp.chunk import ChunkReader, ChunkWriter, Message
from streaming.rtmp.command import Command, parse_command
from streaming.rtmp.errors import LocalProtocolError
from streaming.rtmp.handshake import ClientHandshake

CHUNK_BYTES = 4096


class Pusher:
    """Bytes in, bytes to send; `accepted` turns True once media may be sent, `refusal` holds the server's words."""

    def __init__(
        self, url: str, app: str, name: str, *, complex_handshake: bool = False, chunk_size: int = CHUNK_BYTES
    ):
        self._handshake: ClientHandshake | None = ClientHandshake(complex_form=complex_handshake)
        self._url, self._app, self._name = url, app, name
        self._chunk_size = chunk_size
        self._buffer = bytearray()
        self._reader = ChunkReader()
        self._writer = ChunkWriter()
        self._out: list[bytes] = [self._handshake.hello()]
        self.accepted = False
        self.refusal: str | None = None

    def data_to_send(self) -> bytes:
        data = b"".join(self._out)
        self._out.clear()
        return data

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the server and go on with the dialogue."""
        if self._handshake is not None:
            self._buffer += data
            answer = self._handshake.receive(self._buffer)
            if answer is None:
                return
            self._handshake = None
            self._out.append(answer)
            self._send(message.set_chunk_size(self._chunk_size))
            self._writer.chunk_size = self._chunk_size
            self._command(
                "connect",
                1.0,
                {"app": self._app, "type": "nonprivate", "flashVer": "Venuecast pusher", "tcUrl": self._url},
            )
            data = bytes(self._buffer)
        for received in self._reader.feed(data):
            if received.type_id == message.COMMAND_AMF0:
                self._answer(parse_command(received.payload))

    def send_tag(self, type_id: int, timestamp: int, body: bytes) -> None:
        """Send one FLV tag body. Raises LocalProtocolError before the server has accepted."""
        if not self.accepted:
            raise LocalProtocolError("the server has not accepted the publish yet")
        csid = message.VIDEO_CSID if type_id == message.VIDEO else message.AUDIO_CSID
        self._send(Message(type_id, 1, timestamp, body, csid))

    def finish(self) -> None:
        """Say that this was all."""
        self._command("FCUnpublish", 6.0, None, self._name)
        self._command("deleteStream", 7.0, None, 1.0)

    def _answer(self, command: Command) -> None:
        if command.name == "_result" and command.transaction == 1.0:
            self._command("releaseStream", 2.0, None, self._name)
            self._command("FCPublish", 3.0, None, self._name)
            self._command("createStream", 4.0, None)
        elif command.name == "_result" and command.transaction == 4.0:
            payload = amf0.encode("publish", 5.0, None, self._name, "live")
            self._send(Message(message.COMMAND_AMF0, 1, 0, payload, message.VIDEO_CSID))
        elif command.name == "onStatus":
            status = next((value for value in command.arguments if isinstance(value, dict)), {})
            if status.get("level") == "error":
                self.refusal = f"{status.get('code')}: {status.get('description')}"
            elif status.get("code") == "NetStream.Publish.Start":
                self.accepted = True

    def _command(self, name: str, transaction: float, *values: amf0.Value) -> None:
        payload = amf0.encode(name, transaction, *values)
        self._send(Message(message.COMMAND_AMF0, 0, 0, payload, message.COMMAND_CSID))

    def _send(self, outgoing: Message) -> None:
        self._out.append(self._writer.write(outgoing))


def flv_tags(flv: bytes) -> Sequence[tuple[int, int, bytes]]:
    """Type, time in milliseconds and body of each tag of an FLV file."""
    position = 13
    tags = []
    while position + 11 <= len(flv):
        size = int.from_bytes(flv[position + 1 : position + 4], "big")
        time = int.from_bytes(flv[position + 4 : position + 7], "big") | flv[position + 7] << 24
        tags.append((flv[position], time, flv[position + 11 : position + 11 + size]))
        position += size + 15
    return tags
