"""RTMP's layers, whatever the network does to the bytes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.rtmp import message
from streaming.rtmp.chunk import ChunkReader, ChunkWriter, Message
from streaming.rtmp.connection import Event, PublishRequested, ServerConnection, TagReceived
from streaming.rtmp.errors import RemoteProtocolError
from streaming.rtmp.pusher import Pusher

KEY = "0123456789abcdefghjkmnpq"

times = st.one_of(
    st.integers(0, 2**32 - 1), st.sampled_from([0, 2**24 - 2, 2**24 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1])
)
tags = st.lists(
    st.tuples(st.sampled_from([message.AUDIO, message.VIDEO]), times, st.binary(min_size=1, max_size=700)), max_size=12
)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    edges = sorted({0, len(data), *(position % (len(data) + 1) for position in at)})
    return [data[start:end] for start, end in pairwise(edges)]


def recorded(sent: list[tuple[int, int, bytes]], chunk_size: int, complex_handshake: bool) -> bytes:
    """All that a pusher sends in a session with a server that accepts it."""
    pusher = Pusher("rtmp://hub/live", "live", KEY, complex_handshake=complex_handshake, chunk_size=chunk_size)
    server = ServerConnection()
    everything = b""
    for _ in range(12):
        data = pusher.data_to_send()
        everything += data
        if any(isinstance(event, PublishRequested) for event in server.receive_data(data)):
            server.accept_publish()
        pusher.receive_data(server.data_to_send())
    assert pusher.accepted
    for type_id, time, body in sent:
        pusher.send_tag(type_id, time, body)
    pusher.finish()
    return everything + pusher.data_to_send()


def taken(pieces: list[bytes]) -> list[Event]:
    server, events = ServerConnection(random_bytes=bytes(3072)), list[Event]()
    for piece in pieces:
        for event in server.receive_data(piece):
            events.append(event)
            if isinstance(event, PublishRequested):
                events += server.accept_publish()
    return events


def media(events: list[Event]) -> list[tuple[int, int, bytes]]:
    return [(event.type_id, event.timestamp, event.body) for event in events if isinstance(event, TagReceived)]


@given(tags, st.sampled_from([128, 500, 4096, 65536]), st.booleans(), st.lists(st.integers(0, 10**6), max_size=30))
@settings(max_examples=60, deadline=None)
def test_what_a_pusher_sends_arrives_however_it_is_cut(
    sent: list[tuple[int, int, bytes]], chunk_size: int, complex_handshake: bool, at: list[int]
) -> None:
    session = recorded(sent, chunk_size, complex_handshake)
    whole = taken([session])
    assert media(whole) == sent
    assert taken(cut(session, at)) == whole


@given(tags.filter(lambda sent: sum(len(body) for *_, body in sent) < 1500))
@settings(max_examples=15, deadline=None)
def test_byte_by_byte_feeding_equals_whole_feeding(sent: list[tuple[int, int, bytes]]) -> None:
    session = recorded(sent, 128, False)
    assert taken([session[position : position + 1] for position in range(len(session))]) == taken([session])


@given(st.binary(max_size=4000), st.lists(st.integers(0, 10**6), max_size=20))
@settings(max_examples=200, deadline=None)
def test_nonsense_is_read_the_same_way_however_it_is_cut(data: bytes, at: list[int]) -> None:
    def outcome(feed: Callable[[ChunkReader], list[Message]]) -> tuple[list[Message], str]:
        reader, got = ChunkReader(), list[Message]()
        try:
            got += feed(reader)
        except RemoteProtocolError as error:
            return got, str(error)
        return got, ""

    def in_pieces(reader: ChunkReader) -> list[Message]:
        return [one for piece in cut(data, at) for one in reader.feed(piece)]

    assert outcome(lambda reader: reader.feed(data))[1] == outcome(in_pieces)[1]


@given(st.lists(st.tuples(times, st.binary(max_size=600), st.integers(3, 63)), max_size=10), st.integers(16, 700))
@settings(max_examples=100, deadline=None)
def test_chunks_of_any_size_carry_any_message(sent: list[tuple[int, bytes, int]], size: int) -> None:
    reader, writer = ChunkReader(), ChunkWriter()
    messages = [Message(9, 1, time, body, csid) for time, body, csid in sent]
    reader.feed(writer.write(message.set_chunk_size(size)))
    writer.chunk_size = size
    data = b"".join(writer.write(one) for one in messages)
    assert reader.feed(data) == messages
