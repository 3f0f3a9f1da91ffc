"""Protocol control messages and aggregates (RTMP 5.4, 7.1)."""

from __future__ import annotations

from dataclasses import replace

from streaming.rtmp.chunk import Message
from streaming.rtmp.errors import RemoteProtocolError

SET_CHUNK_SIZE, ABORT, ACKNOWLEDGEMENT, USER_CONTROL, WINDOW_ACK_SIZE, SET_PEER_BANDWIDTH = 1, 2, 3, 4, 5, 6
AUDIO, VIDEO = 8, 9
DATA_AMF3, COMMAND_AMF3, DATA_AMF0, COMMAND_AMF0, AGGREGATE = 15, 17, 18, 20, 22

CONTROL_CSID, COMMAND_CSID, STATUS_CSID, AUDIO_CSID, VIDEO_CSID = 2, 3, 5, 4, 6
PING_REQUEST, PING_RESPONSE, STREAM_BEGIN, STREAM_EOF = 6, 7, 0, 1
_TIME = 0xFFFFFFFF


def control(type_id: int, payload: bytes) -> Message:
    return Message(type_id, 0, 0, payload, CONTROL_CSID)


def set_chunk_size(size: int) -> Message:
    return control(SET_CHUNK_SIZE, size.to_bytes(4, "big"))


def window_ack_size(size: int) -> Message:
    return control(WINDOW_ACK_SIZE, size.to_bytes(4, "big"))


def set_peer_bandwidth(size: int) -> Message:
    return control(SET_PEER_BANDWIDTH, size.to_bytes(4, "big") + b"\x02")


def acknowledgement(received: int) -> Message:
    return control(ACKNOWLEDGEMENT, (received & _TIME).to_bytes(4, "big"))


def user_control(event: int, value: int) -> Message:
    return control(USER_CONTROL, event.to_bytes(2, "big") + value.to_bytes(4, "big"))


def split_aggregate(message: Message) -> list[Message]:
    """The sub-messages of an aggregate, their times moved so that the first has the aggregate's (7.1.6, case 9).

    Raises RemoteProtocolError when a sub-message runs past the end.
    """
    payload = message.payload
    parts: list[Message] = []
    position = 0
    offset: int | None = None
    while position + 11 <= len(payload):
        size = int.from_bytes(payload[position + 1 : position + 4], "big")
        time = int.from_bytes(payload[position + 4 : position + 7], "big") | payload[position + 7] << 24
        body = payload[position + 11 : position + 11 + size]
        if len(body) != size:
            raise RemoteProtocolError("aggregate message is cut off")
        if offset is None:
            offset = message.timestamp - time
        parts.append(replace(message, type_id=payload[position], timestamp=(time + offset) & _TIME, payload=body))
        position += 11 + size + 4
    return parts
