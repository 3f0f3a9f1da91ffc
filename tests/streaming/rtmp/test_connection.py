"""The server's machine with encoders of many habits, in memory."""

from __future__ import annotations

import pytest

from streaming.rtmp import amf0, message
from streaming.rtmp.chunk import ChunkReader, ChunkWriter, Message
from streaming.rtmp.command import Command, parse_command
from streaming.rtmp.connection import (
    MAX_COMMANDS,
    MAX_EARLY_MESSAGES,
    EncoderNamed,
    Event,
    PlayEnded,
    PlayRequested,
    PublishEnded,
    PublishRequested,
    ServerConnection,
    TagReceived,
)
from streaming.rtmp.errors import LocalProtocolError, RemoteProtocolError
from streaming.rtmp.handshake import SIZE, ClientHandshake
from streaming.rtmp.player import PlayTarget

KEY = "0123456789abcdefghjkmnpq"


class Encoder:
    """The other side: sends messages as it likes, and keeps what the server said."""

    def __init__(self) -> None:
        self.connection = ServerConnection()
        self.writer, self.reader = ChunkWriter(), ChunkReader()
        self.events: list[Event] = []
        self.connection.receive_data(ClientHandshake().hello())
        answer = self.connection.data_to_send()
        assert len(answer) == 1 + 2 * SIZE
        self.connection.receive_data(answer[1 : 1 + SIZE])

    def send(self, type_id: int, payload: bytes, *, stream_id: int = 0, time: int = 0, csid: int = 3) -> list[Event]:
        events = self.connection.receive_data(self.writer.write(Message(type_id, stream_id, time, payload, csid)))
        self.events += events
        return events

    def command(self, *values: amf0.Value) -> list[Event]:
        return self.send(message.COMMAND_AMF0, amf0.encode(*values))

    def heard(self) -> list[Command]:
        """The commands that the server has sent since the last call."""
        messages = self.reader.feed(self.connection.data_to_send())
        return [parse_command(one.payload) for one in messages if one.type_id == message.COMMAND_AMF0]

    def publish(self) -> None:
        self.command("connect", 1.0, {"app": "live", "tcUrl": "rtmp://hub/live"})
        self.command("createStream", 2.0, None)
        self.command("publish", 3.0, None, KEY, "live")
        self.connection.accept_publish()


@pytest.fixture
def encoder() -> Encoder:
    return Encoder()


def statuses(commands: list[Command]) -> list[object]:
    return [
        command.arguments[1]["code"]
        for command in commands
        if command.name == "onStatus" and isinstance(command.arguments[1], dict)
    ]


def test_case_12_replies_carry_the_transaction_of_their_question(encoder: Encoder) -> None:
    encoder.command("connect", 1.0, {"app": "live"})
    [connected] = encoder.heard()
    assert (connected.name, connected.transaction) == ("_result", 1.0)
    for number, name in ((2.0, "releaseStream"), (9.0, "FCPublish"), (41.0, "createStream"), (7.0, "_checkbw")):
        encoder.command(name, number, None, KEY)
        answers = [command for command in encoder.heard() if command.name == "_result"]
        assert [answer.transaction for answer in answers] == [number]


def test_case_12_an_unknown_question_gets_an_error_and_an_unknown_remark_gets_nothing(encoder: Encoder) -> None:
    encoder.command("connect", 1.0, {"app": "live"})
    encoder.heard()
    encoder.command("getCoffee", 5.0, None)
    [answer] = encoder.heard()
    assert (answer.name, answer.transaction) == ("_error", 5.0)
    encoder.command("someRemark", 0.0, None)
    assert encoder.heard() == []


def test_case_12_and_17_an_encoder_that_skips_every_nicety_may_publish(encoder: Encoder) -> None:
    """No releaseStream, no FCPublish, no createStream before publish: GStreamer and some drones do so."""
    encoder.command("connect", 1.0, {"app": "live"})
    [request] = encoder.command("publish", 0.0, None, KEY)
    assert request == PublishRequested(KEY, "")
    encoder.heard()
    encoder.connection.accept_publish()
    assert statuses(encoder.heard()) == ["NetStream.Publish.Start"]


def test_case_17_amf3_wrapped_commands_and_data(encoder: Encoder) -> None:
    encoder.send(message.COMMAND_AMF3, b"\x00" + amf0.encode("connect", 1.0, {"app": "live", "objectEncoding": 3.0}))
    [connected] = encoder.heard()
    assert connected.name == "_result"
    [request] = encoder.send(message.COMMAND_AMF3, b"\x00" + amf0.encode("publish", 2.0, None, KEY, "live"))
    assert isinstance(request, PublishRequested)
    encoder.connection.accept_publish()
    data = b"\x00" + amf0.encode("@setDataFrame", "onMetaData", {"encoder": "Aver box"})
    assert encoder.send(message.DATA_AMF3, data) == [EncoderNamed("Aver box")]


def test_case_17_an_encoder_that_says_goodbye_may_publish_again_on_the_same_connection(encoder: Encoder) -> None:
    encoder.publish()
    assert encoder.command("FCUnpublish", 6.0, None, KEY) == [PublishEnded()]
    assert encoder.command("deleteStream", 7.0, None, 1.0) == []
    [again] = encoder.command("publish", 8.0, None, KEY)
    assert isinstance(again, PublishRequested)


def test_case_15_media_before_the_hub_said_yes_is_kept_for_it(encoder: Encoder) -> None:
    encoder.command("connect", 1.0, {"app": "live"})
    encoder.command("publish", 2.0, None, KEY)
    assert statuses(encoder.heard()) == []  # no word of a start before the hub has decided
    assert encoder.send(message.VIDEO, b"\x17\x00", time=40, csid=6) == []
    assert encoder.connection.accept_publish() == [TagReceived(message.VIDEO, 40, b"\x17\x00")]
    assert encoder.send(message.VIDEO, b"\x27\x01", time=80, csid=6) == [TagReceived(message.VIDEO, 80, b"\x27\x01")]


def test_case_15_early_media_is_bounded(encoder: Encoder) -> None:
    encoder.command("connect", 1.0, {"app": "live"})
    encoder.command("publish", 2.0, None, KEY)
    with pytest.raises(RemoteProtocolError, match="before the publish"):
        for _ in range(MAX_EARLY_MESSAGES + 1):
            encoder.send(message.AUDIO, b"\xaf\x01", csid=4)


def test_case_15_a_refusal_stands_in_the_encoders_log_and_closes(encoder: Encoder) -> None:
    encoder.command("connect", 1.0, {"app": "live"})
    encoder.command("publish", 2.0, None, KEY)
    encoder.heard()
    encoder.connection.refuse_publish("NetStream.Publish.BadName", "unknown stream key 推流码无效")
    heard = encoder.heard()
    assert statuses(heard) == ["NetStream.Publish.BadName"]
    assert "推流码无效" in str(heard[0].arguments)
    assert encoder.send(message.VIDEO, b"\x17\x00", csid=6) == []
    with pytest.raises(LocalProtocolError):
        encoder.connection.accept_publish()


def test_case_11_odd_messages_are_ignored(encoder: Encoder) -> None:
    encoder.publish()
    for type_id in (0, 3, 5, 6, 7, 10, 16, 19, 21, 23, 99, 255):
        for payload in (b"", b"\x00", bytes(40)):
            assert encoder.send(type_id, payload, csid=7) == []
    for event in (3, 4, 26, 31, 32, 0xFFFF):  # buffer length, undocumented user control
        assert encoder.send(message.USER_CONTROL, event.to_bytes(2, "big") + bytes(8), csid=2) == []
    assert encoder.send(message.VIDEO, b"\x27\x01", csid=6) == [TagReceived(message.VIDEO, 0, b"\x27\x01")]


def test_a_ping_is_answered(encoder: Encoder) -> None:
    encoder.send(message.USER_CONTROL, message.PING_REQUEST.to_bytes(2, "big") + b"\x00\x00\x12\x34", csid=2)
    [pong] = encoder.reader.feed(encoder.connection.data_to_send())
    assert pong.payload == message.PING_RESPONSE.to_bytes(2, "big") + b"\x00\x00\x12\x34"


def test_what_was_received_is_acknowledged(encoder: Encoder) -> None:
    encoder.publish()
    encoder.send(message.WINDOW_ACK_SIZE, (200_000).to_bytes(4, "big"), csid=2)
    encoder.connection.data_to_send()
    for _ in range(3):
        encoder.send(message.VIDEO, bytes(60_000), csid=6)
    kinds = [one.type_id for one in encoder.reader.feed(encoder.connection.data_to_send())]
    assert message.ACKNOWLEDGEMENT in kinds


def test_case_09_aggregates_are_split_and_their_times_follow_the_aggregate(encoder: Encoder) -> None:
    encoder.publish()

    def part(type_id: int, time: int, body: bytes) -> bytes:
        head = (
            bytes([type_id])
            + len(body).to_bytes(3, "big")
            + (time & 0xFFFFFF).to_bytes(3, "big")
            + bytes([time >> 24, 0, 0, 0])
        )
        return head + body + (11 + len(body)).to_bytes(4, "big")

    body = part(9, 5_000_000, b"v1") + part(8, 5_000_010, b"a1") + part(9, 5_000_040, b"v2")
    assert encoder.send(message.AGGREGATE, body, time=700, csid=6) == [
        TagReceived(9, 700, b"v1"),
        TagReceived(8, 710, b"a1"),
        TagReceived(9, 740, b"v2"),
    ]


def test_case_09_an_aggregate_that_is_cut_off_is_an_error(encoder: Encoder) -> None:
    encoder.publish()
    with pytest.raises(RemoteProtocolError, match="cut off"):
        encoder.send(message.AGGREGATE, b"\x09\x00\x00\x20" + bytes(10), csid=6)


def test_case_09_aggregates_do_not_nest(encoder: Encoder) -> None:
    encoder.publish()
    inner = b"\x16\x00\x00\x01" + bytes(7) + b"x" + bytes(4)
    assert encoder.send(message.AGGREGATE, inner, csid=6) == []


def test_a_flood_of_commands_ends_the_connection(encoder: Encoder) -> None:
    with pytest.raises(RemoteProtocolError, match="commands"):
        for _ in range(MAX_COMMANDS + 1):
            encoder.command("releaseStream", 2.0, None, KEY)
    assert encoder.connection.receive_data(b"anything") == []


def test_a_second_publish_at_once_is_refused(encoder: Encoder) -> None:
    encoder.publish()
    with pytest.raises(RemoteProtocolError, match="second publish"):
        encoder.command("publish", 9.0, None, KEY)


def test_a_second_publish_before_the_answer_to_the_first_is_refused(encoder: Encoder) -> None:
    encoder.command("publish", 1.0, None, KEY)
    encoder.command("publish", 2.0, None, KEY)
    with pytest.raises(RemoteProtocolError, match="second publish"):
        encoder.connection.accept_publish()


def test_a_player_is_asked_for_answered_and_told_of_the_end(encoder: Encoder) -> None:
    encoder.command("connect", 1.0, {"app": "play/event", "tcUrl": "rtmp://hub/play/event"})
    encoder.heard()
    [asked] = encoder.command("play", 3.0, None, "main?token=abc", -2000.0)
    assert asked == PlayRequested(PlayTarget("event", "main", None, {"token": "abc"}), "")
    encoder.command("pause", 4.0, None, True, 0.0)
    encoder.connection.accept_play()
    assert statuses(encoder.heard())[1:] == ["NetStream.Play.Reset", "NetStream.Play.Start"]
    encoder.connection.end_play()
    assert statuses(encoder.heard()) == ["NetStream.Play.UnpublishNotify", "NetStream.Play.Stop"]


def test_a_player_that_stops_says_so(encoder: Encoder) -> None:
    encoder.command("connect", 1.0, {"app": "play/event"})
    encoder.command("play", 3.0, None, "main")
    assert encoder.command("deleteStream", 5.0, None, 1.0) == [PlayEnded()]


def test_what_names_nothing_to_play_is_refused_in_words(encoder: Encoder) -> None:
    encoder.command("connect", 1.0, {"app": "live"})
    encoder.heard()
    assert encoder.command("play", 3.0, None, KEY) == [PlayRequested(None, "")]
    encoder.connection.refuse_play("NetStream.Play.StreamNotFound", "no")
    assert statuses(encoder.heard()) == ["NetStream.Play.StreamNotFound"]


def test_publishing_and_playing_do_not_mix(encoder: Encoder) -> None:
    encoder.publish()
    with pytest.raises(RemoteProtocolError, match="publishes or plays"):
        encoder.command("play", 9.0, None, "main")


def test_case_28_enhanced_rtmp_is_offered_only_to_those_who_ask(encoder: Encoder) -> None:
    encoder.command("connect", 1.0, {"app": "live", "fourCcList": ["hvc1", "av01"]})
    [connected] = encoder.heard()
    offered = connected.arguments[1]
    assert isinstance(offered, dict) and isinstance(offered["videoFourCcInfoMap"], dict)
    assert set(offered["videoFourCcInfoMap"]) == {"avc1", "hvc1", "av01"}
    plain = Encoder()
    plain.command("connect", 1.0, {"app": "live"})
    [connected] = plain.heard()
    assert isinstance(connected.arguments[1], dict) and "videoFourCcInfoMap" not in connected.arguments[1]


def test_case_13_broken_metadata_ends_nothing(encoder: Encoder) -> None:
    encoder.publish()
    for payload in (b"", b"\x02\xff\xff", amf0.encode("onMetaData") + b"\x08\xff", b"\x11\x0a"):
        assert encoder.send(message.DATA_AMF0, payload, csid=4) == []
    assert encoder.send(message.AUDIO, b"\xaf\x01x", csid=4) == [TagReceived(message.AUDIO, 0, b"\xaf\x01x")]
