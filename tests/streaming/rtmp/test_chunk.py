"""Chunks by the cases that break servers: timestamps, sizes, interleaving, abort."""

from __future__ import annotations

import tracemalloc

import pytest

from streaming.rtmp.chunk import (
    EXTENDED,
    MAX_CHUNK_STREAMS,
    MAX_MESSAGE_BYTES,
    MAX_PARTIAL_BYTES,
    ChunkReader,
    ChunkWriter,
    Message,
)
from streaming.rtmp.errors import RemoteProtocolError


def basic(chunk_format: int, csid: int) -> bytes:
    """A basic header in its shortest form."""
    if csid < 64:
        return bytes([chunk_format << 6 | csid])
    if csid < 320:
        return bytes([chunk_format << 6, csid - 64])
    return bytes([chunk_format << 6 | 1]) + (csid - 64).to_bytes(2, "little")


def full(csid: int, time: int, length: int, type_id: int = 9, stream_id: int = 1) -> bytes:
    """A format 0 header."""
    extended = time.to_bytes(4, "big") if time >= EXTENDED else b""
    field = min(time, EXTENDED).to_bytes(3, "big")
    return (
        basic(0, csid)
        + field
        + length.to_bytes(3, "big")
        + bytes([type_id])
        + stream_id.to_bytes(4, "little")
        + extended
    )


def control(type_id: int, value: int) -> bytes:
    return full(2, 0, 4, type_id, 0) + value.to_bytes(4, "big")


def times(messages: list[Message]) -> list[int]:
    return [message.timestamp for message in messages]


@pytest.mark.parametrize("repeated", [True, False], ids=["repeats", "does not repeat"])
@pytest.mark.parametrize("time", [EXTENDED, EXTENDED + 1, 2**31 + 7, 2**32 - 1])
def test_case_01_extended_timestamps_on_continuation_chunks(time: int, repeated: bool) -> None:
    body = bytes(range(256)) * 2
    extended = time.to_bytes(4, "big") if repeated else b""
    continuations = b"".join(basic(3, 6) + extended + body[at : at + 128] for at in range(128, 512, 128))
    reader = ChunkReader()
    [message] = reader.feed(full(6, time, 512) + body[:128] + continuations)
    assert (message.timestamp, message.payload) == (time, body)
    # the stream is still in step afterwards
    [after] = reader.feed(full(6, time, 3) + b"abc")
    assert after.payload == b"abc"


def test_case_01_a_body_that_begins_like_the_timestamp_is_told_apart_where_it_can_be() -> None:
    time = EXTENDED + 5
    body = b"x" * 128 + b"y" * 60
    [message] = ChunkReader().feed(full(6, time, 188) + body[:128] + basic(3, 6) + body[128:])
    assert message.payload == body


def test_case_02_four_hours_and_forty_minutes_pass_unnoticed() -> None:
    reader, writer = ChunkReader(), ChunkWriter()
    asked = [2**24 - 1 + step for step in (-40, -1, 0, 1, 40)]
    got = [
        message.timestamp for time in asked for message in reader.feed(writer.write(Message(9, 1, time, b"v" * 300, 6)))
    ]
    assert got == asked


@pytest.mark.parametrize("chunk_format", [1, 2])
def test_case_03_an_extended_field_of_a_delta_is_a_delta(chunk_format: int) -> None:
    delta = EXTENDED + 1000
    head = basic(chunk_format, 6) + b"\xff\xff\xff" + ((3).to_bytes(3, "big") + b"\x09" if chunk_format == 1 else b"")
    messages = ChunkReader().feed(full(6, 5000, 3) + b"abc" + head + delta.to_bytes(4, "big") + b"def")
    assert times(messages) == [5000, 5000 + delta]


def test_case_03_a_message_that_starts_with_format_3_repeats_the_last_delta() -> None:
    head = basic(2, 6) + (40).to_bytes(3, "big")
    messages = ChunkReader().feed(full(6, 100, 1) + b"a" + head + b"b" + basic(3, 6) + b"c" + basic(3, 6) + b"d")
    assert times(messages) == [100, 140, 180, 220]


def test_case_04_times_wrap_at_32_bits() -> None:
    head = basic(2, 6) + (40).to_bytes(3, "big")
    messages = ChunkReader().feed(full(6, 2**32 - 20, 1) + b"a" + head + b"b")
    assert times(messages) == [2**32 - 20, 20]


def test_case_05_a_new_chunk_size_holds_from_the_next_chunk_even_inside_a_message() -> None:
    body = bytes(300)
    reader = ChunkReader()
    # 128 bytes of a message, then Set Chunk Size on the control stream, then the rest in one chunk
    assert [m.type_id for m in reader.feed(full(6, 0, 300) + body[:128] + control(1, 4096))] == [1]
    [message] = reader.feed(basic(3, 6) + body[128:])
    assert message.payload == body


@pytest.mark.parametrize("size", [0, 1, 15])
def test_case_05_tiny_chunks_are_refused(size: int) -> None:
    with pytest.raises(RemoteProtocolError, match="chunk size"):
        ChunkReader().feed(control(1, size))


def test_case_05_a_huge_chunk_size_takes_no_memory() -> None:
    reader = ChunkReader()
    tracemalloc.start()
    try:
        reader.feed(control(1, 2**31 - 1))
        [message] = reader.feed(full(6, 0, 1000) + bytes(1000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(message.payload) == 1000
    assert peak < 1024 * 1024


def test_case_06_a_declared_length_takes_no_memory_before_its_bytes_come() -> None:
    tracemalloc.start()
    try:
        reader = ChunkReader()
        reader.feed(full(6, 0, MAX_MESSAGE_BYTES) + bytes(128))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 256 * 1024
    with pytest.raises(RemoteProtocolError, match="limit"):
        ChunkReader().feed(full(6, 0, MAX_MESSAGE_BYTES + 1))


def test_case_06_partial_messages_are_bounded_together() -> None:
    reader = ChunkReader()
    reader.feed(control(1, 8 * 1024 * 1024))
    piece = bytes(8 * 1024 * 1024 - 1024)
    with pytest.raises(RemoteProtocolError, match="partial"):
        for csid in range(3, 3 + MAX_PARTIAL_BYTES // len(piece) + 1):
            reader.feed(control(1, len(piece)))
            reader.feed(full(csid, 0, MAX_MESSAGE_BYTES) + piece)


@pytest.mark.parametrize("csid", [3, 63, 64, 200, 319, 320, 40_000, 65_599])
def test_case_07_csids_of_one_two_and_three_bytes(csid: int) -> None:
    body = bytes(200)
    [message] = ChunkReader().feed(full(csid, 9, 200) + body[:128] + basic(3, csid) + body[128:])
    assert (message.csid, message.timestamp, message.payload) == (csid, 9, body)


def test_case_07_forty_interleaved_chunk_streams_keep_their_own_state() -> None:
    csids = range(3, 43)
    bodies = {csid: bytes([csid]) * 300 for csid in csids}
    reader = ChunkReader()
    got: list[Message] = []
    for csid in csids:
        got += reader.feed(full(csid, csid, 300) + bodies[csid][:128])
    for start in (128, 256):
        for csid in csids:
            got += reader.feed(basic(3, csid) + bodies[csid][start : start + 128])
    assert {message.csid: message.payload for message in got} == bodies
    assert all(message.timestamp == message.csid for message in got)


def test_case_07_a_first_chunk_that_is_not_of_format_0_is_tolerated() -> None:
    head = basic(1, 8) + (40).to_bytes(3, "big") + (2).to_bytes(3, "big") + b"\x08"
    [message] = ChunkReader().feed(head + b"ab")
    assert (message.timestamp, message.type_id, message.payload) == (40, 8, b"ab")


def test_case_07_chunk_streams_are_bounded() -> None:
    reader = ChunkReader()
    with pytest.raises(RemoteProtocolError, match="chunk streams"):
        for csid in range(3, 5 + MAX_CHUNK_STREAMS):
            reader.feed(full(csid, 0, 1) + b"a")


def test_case_08_abort_drops_the_partial_message_of_its_csid_alone() -> None:
    reader = ChunkReader()
    reader.feed(full(6, 0, 300) + bytes(128) + full(4, 0, 200, 8) + b"a" * 128)
    reader.feed(control(2, 6))
    [audio] = reader.feed(basic(3, 4) + b"a" * 72)
    assert audio.payload == b"a" * 200
    [video] = reader.feed(full(6, 7, 3) + b"new")
    assert (video.timestamp, video.payload) == (7, b"new")


def test_case_08_aborting_an_unknown_csid_is_nothing() -> None:
    assert [message.type_id for message in ChunkReader().feed(control(2, 77))] == [2]


def test_a_new_header_inside_a_message_gives_the_old_one_up() -> None:
    reader = ChunkReader()
    reader.feed(full(6, 0, 300) + bytes(128))
    [message] = reader.feed(full(6, 9, 3) + b"abc")
    assert (message.timestamp, message.payload) == (9, b"abc")


def test_an_empty_message_is_a_message() -> None:
    [message] = ChunkReader().feed(full(6, 9, 0))
    assert message.payload == b""
