"""A program cuts between a phone (Opus) and an encoder (AAC); HLS and FLV hear AAC all the time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from config.clock import SystemClock
from streaming.media import Codec, Format, Packet
from streaming.program.program import Program
from streaming.program.slate import Slates
from streaming.stream import Stream
from streaming.transcode import Transcoders
from tests.streaming.transcode.test_derived import Kept
from tests.support.media import aac, h264
from tests.support.opus import opus
from tests.support.waiting import eventually

SECONDS = 30.0


def write(stream: Stream, packets: list[Packet], scales: dict[int, int]) -> None:
    for packet in sorted(packets, key=lambda packet: packet.dts / scales[packet.track_id]):
        stream.write(packet)


async def test_a_cut_from_opus_to_aac_and_back_is_heard_as_aac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.program.program.LOST_SECONDS", 600.0)  # no slate, however slow the machine is
    clock = SystemClock()
    with ThreadPoolExecutor(2) as pool:
        slates, forms = Slates(pool), Transcoders(pool, clock)
        program, phone, encoder, kept = Program("p", clock, slates), Stream("phone"), Stream("encoder"), Kept()
        forms.broadcast(program).subscribe(kept)
        picture, pictures = h264(1.0, gop=25)
        (opus_track, opus_packets), (aac_track, aac_packets) = opus(1.0), aac(1.0, rate=44_100)
        phone.write(Format((picture, opus_track)))
        encoder.write(Format((picture, aac_track)))
        program.add_feed("phone", phone)
        program.add_feed("encoder", encoder)
        write(phone, [*pictures, *opus_packets], {0: 90_000, 1: 48_000})
        await eventually(lambda: len(kept.packets(1)) >= 40, SECONDS)
        program.choose("encoder")
        write(encoder, [*pictures, *aac_packets], {0: 90_000, 1: 44_100})
        assert program.status.feed_id == "encoder"
        program.choose("phone")
        later = [p.at(p.dts + 180_000, p.pts + 180_000, p.duration) for p in pictures]
        later += [p.at(p.dts + 96_000, p.pts + 96_000, p.duration) for p in opus_packets]
        before = len(kept.packets(1))
        write(phone, later, {0: 90_000, 1: 48_000})
        assert program.status.feed_id == "phone"
        await eventually(lambda: len(kept.packets(1)) >= before + 40, SECONDS)
        assert [f.audio.codec for f in kept.formats if f.audio] == [Codec.AAC] * 3
        assert [f.audio.sample_rate for f in kept.formats if f.audio] == [48_000, 44_100, 48_000]
        assert [f.discontinuity for f in kept.formats] == [False, True, True]
        for track_id in (0, 1):
            current, times = kept.formats[0], []
            for item in kept.items:
                if isinstance(item, Format):
                    current = item
                elif isinstance(item, Packet) and item.track_id == track_id:
                    track = current.track(track_id)
                    assert track is not None
                    times.append(item.dts / track.timescale)
            assert all(later > earlier for earlier, later in pairwise(times)), track_id
        program.close()
        await slates.close()
