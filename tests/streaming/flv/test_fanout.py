"""HTTP-FLV fan-out: a joiner gets the GOP once and whole, a slow one skips to a key frame, nobody is copied for."""

from __future__ import annotations

import asyncio

from streaming.flv.fanout import MAX_BACKLOG_BYTES, FlvFanout
from streaming.media import Codec, End, Format, Packet, Track
from streaming.stream import Stream

VIDEO = Track(0, Codec.H264, 90_000, b"\x01\x64\x00\x1f\xff", width=1280, height=720)
AUDIO = Track(1, Codec.AAC, 48_000, b"\x11\x90", sample_rate=48_000, channels=2)
FORMAT = Format((VIDEO, AUDIO), reason="start")


class Pipe:
    """A transport that keeps what was written, and backs up when told to."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.backlog = 0
        self.closing = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.backlog

    def abort(self) -> None:
        self.closing = True

    @property
    def body(self) -> bytes:
        """What was written, as tags."""
        return b"".join(self.written)


def video(index: int, *, key: bool) -> Packet:
    return Packet(0, index * 3600, index * 3600, 3600, key, b"\x00\x00\x00\x02" + bytes([5 if key else 1, index]), 1e9)


def tag_times(body: bytes, kind: int = 9) -> list[int]:
    """Times in ms of the media tags of one kind (configuration tags left out) in an FLV body."""
    position = 0
    times = []
    while position < len(body):
        size = int.from_bytes(body[position + 1 : position + 4], "big")
        time = int.from_bytes(body[position + 4 : position + 7], "big") | body[position + 7] << 24
        if body[position] == kind and body[position + 12] != 0:
            times.append(time)
        assert int.from_bytes(body[position + 11 + size : position + 15 + size], "big") == size + 11
        position += size + 15
    return times


async def flushed(fanout: FlvFanout) -> None:
    await asyncio.sleep(0.06)  # the merge interval is 40 ms


async def test_joiner_gets_the_gop_at_once_then_each_piece_once() -> None:
    stream = Stream("s")
    fanout = FlvFanout(stream, asyncio.get_running_loop())
    stream.write(FORMAT)
    for index in range(10):
        stream.write(video(index, key=index in (0, 5)))
    await flushed(fanout)
    pipe = Pipe()
    fanout.add(pipe, chunked=False)
    assert tag_times(pipe.body) == [200, 240, 280, 320, 360]
    stream.write(video(10, key=False))
    late = Pipe()
    fanout.add(late, chunked=False)
    await flushed(fanout)
    assert tag_times(pipe.body) == tag_times(late.body) == [200, 240, 280, 320, 360, 400]
    fanout.close()


async def test_everybody_is_written_the_same_object() -> None:
    stream = Stream("s")
    fanout = FlvFanout(stream, asyncio.get_running_loop())
    stream.write(FORMAT)
    stream.write(video(0, key=True))
    await flushed(fanout)
    pipes = [Pipe() for _ in range(3)]
    for pipe in pipes:
        fanout.add(pipe, chunked=True)
    stream.write(video(1, key=False))
    await flushed(fanout)
    assert len({id(pipe.written[-1]) for pipe in pipes}) == 1
    assert len({id(pipe.written[0]) for pipe in pipes}) == 1
    fanout.close()


async def test_chunked_framing_wraps_each_write() -> None:
    stream = Stream("s")
    fanout = FlvFanout(stream, asyncio.get_running_loop())
    stream.write(FORMAT)
    stream.write(video(0, key=True))
    await flushed(fanout)
    plain, chunked = Pipe(), Pipe()
    fanout.add(plain, chunked=False)
    fanout.add(chunked, chunked=True)
    size, _, rest = chunked.written[0].partition(b"\r\n")
    assert int(size, 16) == len(plain.written[0])
    assert rest == plain.written[0] + b"\r\n"
    fanout.close()


async def test_slow_viewer_skips_to_the_next_key_frame_and_is_counted() -> None:
    stream = Stream("s")
    fanout = FlvFanout(stream, asyncio.get_running_loop())
    stream.write(FORMAT)
    stream.write(video(0, key=True))
    await flushed(fanout)
    slow, quick = Pipe(), Pipe()
    slow_viewer = fanout.add(slow, chunked=False)
    fanout.add(quick, chunked=False)
    slow.backlog = MAX_BACKLOG_BYTES + 1
    stream.write(video(1, key=False))
    await flushed(fanout)
    slow.backlog = 0
    stream.write(video(2, key=False))
    await flushed(fanout)
    stream.write(video(3, key=True))
    await flushed(fanout)
    assert tag_times(slow.body) == [0, 120]
    assert tag_times(quick.body) == [0, 40, 80, 120]
    assert slow_viewer.dropped_pieces == fanout.dropped_pieces == 2
    fanout.close()


async def test_case_46_header_flags_follow_the_tracks() -> None:
    for tracks, flags in (((VIDEO,), 1), ((AUDIO,), 4), ((VIDEO, AUDIO), 5)):
        stream = Stream("s")
        fanout = FlvFanout(stream, asyncio.get_running_loop())
        stream.write(Format(tracks))
        if VIDEO in tracks:
            stream.write(video(0, key=True))
        else:
            stream.write(Packet(1, 0, 0, 1024, True, b"aac", 1e9))
        await flushed(fanout)
        assert fanout.header[4] == flags and len(fanout.header) == 13
        fanout.close()


async def test_case_46_the_response_ends_with_the_stream() -> None:
    stream = Stream("s")
    fanout = FlvFanout(stream, asyncio.get_running_loop())
    stream.write(FORMAT)
    viewer = fanout.add(Pipe(), chunked=False)
    stream.write(End())
    await asyncio.wait_for(viewer.closed, 20)
    late = fanout.add(Pipe(), chunked=False)
    assert late.closed.done()


async def test_case_22_new_configuration_is_announced_in_band() -> None:
    stream = Stream("s")
    fanout = FlvFanout(stream, asyncio.get_running_loop())
    stream.write(FORMAT)
    stream.write(video(0, key=True))
    await flushed(fanout)
    pipe = Pipe()
    fanout.add(pipe, chunked=False)
    other = Track(0, Codec.H264, 90_000, b"\x01\x4d\x40\x28\xff", width=640, height=360)
    stream.write(Format((other, AUDIO), discontinuity=True, reason="switch"))
    stream.write(video(1, key=True))
    await flushed(fanout)
    assert pipe.written[-1].count(other.config) == 1
    assert tag_times(pipe.body) == [0, 40]
    fanout.close()


async def test_case_20_negative_composition_time_is_signed() -> None:
    stream = Stream("s")
    fanout = FlvFanout(stream, asyncio.get_running_loop())
    stream.write(FORMAT)
    stream.write(Packet(0, 9000, 5400, 3600, True, b"\x00\x00\x00\x01\x65", 1e9))
    await flushed(fanout)
    pipe = Pipe()
    fanout.add(pipe, chunked=False)
    assert b"\x17\x01" + (-40 & 0xFFFFFF).to_bytes(3, "big") in pipe.body
    fanout.close()
