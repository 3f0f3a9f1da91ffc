"""The server's side of one publisher or player: bytes in, events out, bytes to send. No socket, no clock.

States: handshake, connected, asked (publish is wanted; the hub decides), publishing, closed; for a player asked to
play, playing. A player's media is not written here but by the fan-out, straight to the transport. What an eager encoder
sends before the hub has said yes is kept, within a bound, and taken after it (case 15): so it makes no difference
where the network cuts the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from streaming.rtmp import amf0, message
from streaming.rtmp.chunk import ChunkReader, ChunkWriter, Message
from streaming.rtmp.command import (
    Command,
    encoder_name,
    error,
    on_status,
    parse_command,
    result,
    stream_key,
)
from streaming.rtmp.errors import LocalProtocolError, RemoteProtocolError
from streaming.rtmp.handshake import ServerHandshake
from streaming.rtmp.player import PlayTarget, parse_target

WINDOW_BYTES = 5_000_000
"""Announced both ways; acknowledgements are sent at half of what the encoder announced."""
CHUNK_BYTES = 65_536
"""What we send in; our messages are small, so each is one chunk."""
MAX_COMMANDS = 200
"""A publisher sends about ten commands in its life; a flood of them is an attack."""
MAX_EARLY_MESSAGES = 300
"""Messages before admission: some encoders do not wait. More than this is an attack."""
MAX_EARLY_BYTES = 8 * 1024 * 1024
STREAM_ID = 1


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """Answer with `accept_publish` or `refuse_publish`."""

    key: str | None
    """None when nothing in app, URL or name looks like a key."""
    encoder: str


@dataclass(frozen=True, slots=True)
class EncoderNamed:
    """The encoder's metadata told its name."""

    encoder: str


@dataclass(frozen=True, slots=True)
class TagReceived:
    """One FLV tag body (`type_id` 8 audio, 9 video) with its time in milliseconds modulo 2^32."""

    type_id: int
    timestamp: int
    body: bytes


@dataclass(frozen=True, slots=True)
class PublishEnded:
    """FCUnpublish, deleteStream or closeStream."""


@dataclass(frozen=True, slots=True)
class PlayRequested:
    """Answer with `accept_play` or `refuse_play`."""

    target: PlayTarget | None
    """None when the address names nothing that can be played."""
    player: str


@dataclass(frozen=True, slots=True)
class PlayEnded:
    """The player has had enough."""


Event = PublishRequested | EncoderNamed | TagReceived | PublishEnded | PlayRequested | PlayEnded


class _State(Enum):
    HANDSHAKE = auto()
    CONNECTED = auto()
    ASKED = auto()
    PUBLISHING = auto()
    PLAY_ASKED = auto()
    PLAYING = auto()
    CLOSED = auto()


class ServerConnection:
    def __init__(self, random_bytes: bytes | None = None) -> None:
        self._state = _State.HANDSHAKE
        self._handshake = ServerHandshake(random_bytes)
        self._greeting = bytearray()
        self._reader = ChunkReader()
        self._writer = ChunkWriter()
        self._out: list[bytes] = []
        self._properties: dict[str, amf0.Value] = {}
        self._received = 0
        self._acknowledged = 0
        self._window = WINDOW_BYTES
        self._commands = 0
        self._early: list[Message] = []
        self._early_bytes = 0
        self._publish_transaction = 0.0

    @property
    def publishing(self) -> bool:
        return self._state is _State.PUBLISHING

    def data_to_send(self) -> bytes:
        """What to write to the socket now; empties the outbox."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def receive_data(self, data: bytes) -> list[Event]:
        """Take bytes from the socket. Raises RemoteProtocolError, after which the machine takes nothing more."""
        if self._state is _State.CLOSED:
            return []
        try:
            return self._receive(data)
        except RemoteProtocolError:
            self._state = _State.CLOSED
            raise

    def _receive(self, data: bytes) -> list[Event]:
        self._received += len(data)
        if self._state is _State.HANDSHAKE:
            self._greeting += data
            answer, done = self._handshake.receive(self._greeting)
            if answer:
                self._out.append(answer)
            if not done:
                return []
            self._state = _State.CONNECTED
            data = bytes(self._greeting)
            self._greeting.clear()
        events: list[Event] = []
        for received in self._reader.feed(data):
            self._receive_message(received, events)
        if self._received - self._acknowledged >= self._window // 2:
            self._acknowledged = self._received
            self._send(message.acknowledgement(self._received))
        return events

    def accept_publish(self) -> list[Event]:
        """The hub has said yes: the encoder may send. Returns what it has sent already (case 15).

        Raises RemoteProtocolError as `receive_data` does.
        """
        if self._state is not _State.ASKED:
            raise LocalProtocolError("no publish has been asked for")
        self._state = _State.PUBLISHING
        self._send(message.user_control(message.STREAM_BEGIN, STREAM_ID))
        self._status("status", "NetStream.Publish.Start", "Publishing. 推流已开始。")
        early, self._early, self._early_bytes = self._early, [], 0
        events: list[Event] = []
        try:
            for received in early:
                self._receive_message(received, events)
        except RemoteProtocolError:
            self._state = _State.CLOSED
            raise
        return events

    def refuse_publish(self, code: str, description: str) -> None:
        """The hub has said no; the description stands in the encoder's log. Close the socket after sending."""
        if self._state is not _State.ASKED:
            raise LocalProtocolError("no publish has been asked for")
        self._state = _State.CLOSED
        # ffmpeg and OBS show the description of an error status; some read only the reply to publish.
        self._status("error", code, description)
        self._command_bytes(error(self._publish_transaction, code, description))

    def accept_play(self) -> None:
        """What follows on the transport is media, as `streaming.rtmp.player` builds it."""
        if self._state is not _State.PLAY_ASKED:
            raise LocalProtocolError("no play has been asked for")
        self._state = _State.PLAYING
        self._send(message.user_control(message.STREAM_BEGIN, STREAM_ID))
        self._status("status", "NetStream.Play.Reset", "Playing.")
        self._status("status", "NetStream.Play.Start", "Playing. 开始播放")

    def refuse_play(self, code: str, description: str) -> None:
        """The hub has said no. Close the socket after sending."""
        if self._state is not _State.PLAY_ASKED:
            raise LocalProtocolError("no play has been asked for")
        self._state = _State.CLOSED
        self._status("error", code, description)

    def end_play(self) -> None:
        """The program is over."""
        if self._state is _State.PLAYING:
            self._send(message.user_control(message.STREAM_EOF, STREAM_ID))
            self._status("status", "NetStream.Play.UnpublishNotify", "The program has ended. 直播已结束")
            self._status("status", "NetStream.Play.Stop", "The program has ended. 直播已结束")
        self._state = _State.CLOSED

    def end(self, description: str) -> None:
        """Tell a publishing encoder why its connection is about to be closed."""
        if self._state is _State.PUBLISHING:
            self._status("error", "NetStream.Publish.Denied", description)
        self._state = _State.CLOSED

    def _receive_message(self, received: Message, events: list[Event]) -> None:
        if self._state is _State.ASKED:
            self._keep_early(received)
            return
        match received.type_id:
            case message.AUDIO | message.VIDEO:
                if self._state is _State.PUBLISHING:
                    events.append(TagReceived(received.type_id, received.timestamp, received.payload))
            case message.COMMAND_AMF0 | message.COMMAND_AMF3:
                self._commands += 1
                if self._commands > MAX_COMMANDS:
                    raise RemoteProtocolError(f"more than {MAX_COMMANDS} commands")
                amf3 = received.type_id == message.COMMAND_AMF3
                self._receive_command(parse_command(received.payload, amf3=amf3), received.stream_id, events)
            case message.DATA_AMF0 | message.DATA_AMF3:
                self._receive_data_message(received, events)
            case message.AGGREGATE:
                for part in message.split_aggregate(received):
                    if part.type_id != message.AGGREGATE:
                        self._receive_message(part, events)
            case message.WINDOW_ACK_SIZE if len(received.payload) >= 4:
                self._window = max(int.from_bytes(received.payload[:4], "big"), 65_536)
            case message.USER_CONTROL if received.payload[:2] == message.PING_REQUEST.to_bytes(2, "big"):
                pong = message.PING_RESPONSE.to_bytes(2, "big") + received.payload[2:6]
                self._send(message.control(message.USER_CONTROL, pong))
            case _:
                pass  # odd and undocumented control messages are ignored, never fatal (case 11)

    def _keep_early(self, received: Message) -> None:
        self._early.append(received)
        self._early_bytes += len(received.payload)
        if len(self._early) > MAX_EARLY_MESSAGES or self._early_bytes > MAX_EARLY_BYTES:
            raise RemoteProtocolError("too much before the publish was accepted")

    def _receive_data_message(self, received: Message, events: list[Event]) -> None:
        payload = received.payload[1:] if received.type_id == message.DATA_AMF3 else received.payload
        values = amf0.Reader(payload).read_all()
        metadata = next((value for value in values if isinstance(value, dict)), {})
        if isinstance(metadata.get("encoder"), str):
            events.append(EncoderNamed(encoder_name({}, metadata)))

    def _receive_command(self, command: Command, stream_id: int, events: list[Event]) -> None:
        match command.name:
            case "connect":
                self._connect(command)
            case "createStream":
                self._command_bytes(result(command.transaction, None, float(STREAM_ID)))
            case "releaseStream" | "FCSubscribe" | "getStreamLength":
                self._command_bytes(result(command.transaction, None, None))  # case 12
            case "FCPublish":
                self._command_bytes(result(command.transaction, None, None))
                self._command_bytes(amf0.encode("onFCPublish", 0.0, None, {"code": "NetStream.Publish.Start"}))
            case "publish":
                self._publish(command, events)
            case "FCUnpublish" | "deleteStream" | "closeStream":
                if command.name == "FCUnpublish" and command.transaction:
                    self._command_bytes(result(command.transaction, None, None))
                if self._state is _State.PUBLISHING:
                    self._state = _State.CONNECTED
                    events.append(PublishEnded())
                elif self._state in (_State.PLAY_ASKED, _State.PLAYING):
                    self._state = _State.CLOSED
                    events.append(PlayEnded())
            case "play" | "play2":
                self._play(command, events)
            case "pause":
                # a live program cannot be held back; players that are told so stop reading of their own
                self._status("status", "NetStream.Unpause.Notify", "Live.")
            case "_checkbw":
                self._command_bytes(result(command.transaction, None, None))
            case _ if command.transaction:
                self._command_bytes(error(command.transaction, "NetConnection.Call.Failed", "Not known here."))
            case _:
                pass
        del stream_id

    def _connect(self, command: Command) -> None:
        self._properties = command.properties
        self._send(message.window_ack_size(WINDOW_BYTES))
        self._send(message.set_peer_bandwidth(WINDOW_BYTES))
        self._send(message.set_chunk_size(CHUNK_BYTES))
        self._writer.chunk_size = CHUNK_BYTES
        server: dict[str, amf0.Value] = {"fmsVer": "FMS/3,5,7,7009", "capabilities": 31.0, "mode": 1.0}
        status: dict[str, amf0.Value] = {
            "level": "status",
            "code": "NetConnection.Connect.Success",
            "description": "Connected.",
            "objectEncoding": self._properties.get("objectEncoding") or 0.0,
        }
        if "fourCcList" in self._properties or "videoFourCcInfoMap" in self._properties:
            status["videoFourCcInfoMap"] = {"avc1": 1.0, "hvc1": 1.0, "av01": 1.0}
            status["audioFourCcInfoMap"] = {"mp4a": 1.0, "Opus": 1.0}
            status["capsEx"] = 0.0
        self._command_bytes(result(command.transaction, server, status))

    def _publish(self, command: Command, events: list[Event]) -> None:
        if self._state is not _State.CONNECTED:
            raise RemoteProtocolError("a second publish on one connection")
        self._state = _State.ASKED
        self._publish_transaction = command.transaction
        app, tc_url = self._properties.get("app"), self._properties.get("tcUrl")
        key = stream_key(
            app if isinstance(app, str) else "", tc_url if isinstance(tc_url, str) else "", command.text(1)
        )
        events.append(PublishRequested(key, encoder_name(self._properties, {})))

    def _play(self, command: Command, events: list[Event]) -> None:
        if self._state is not _State.CONNECTED:
            raise RemoteProtocolError("a play on a connection that publishes or plays")
        self._state = _State.PLAY_ASKED
        app, tc_url = self._properties.get("app"), self._properties.get("tcUrl")
        target = parse_target(
            app if isinstance(app, str) else "", tc_url if isinstance(tc_url, str) else "", command.text(1)
        )
        events.append(PlayRequested(target, encoder_name(self._properties, {})))

    def _status(self, level: str, code: str, description: str) -> None:
        payload = on_status(level, code, description)
        self._send(Message(message.COMMAND_AMF0, STREAM_ID, 0, payload, message.STATUS_CSID))

    def _command_bytes(self, payload: bytes) -> None:
        self._send(Message(message.COMMAND_AMF0, 0, 0, payload, message.COMMAND_CSID))

    def _send(self, outgoing: Message) -> None:
        self._out.append(self._writer.write(outgoing))
