"""WHEP from the offer to decoded pictures: aiortc's ICE and DTLS at the other end, PyAV as the judge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import av
import pytest

from config.clock import SystemClock
from streaming.codecs import h264
from streaming.media import End, Format, Packet, Track
from streaming.stream import Stream
from streaming.transcode import DerivedStream, Transcoders, TroubleCode
from streaming.webrtc import rtcp
from streaming.webrtc.addressed import NoSession, WrongEtag
from streaming.webrtc.opening import Unacceptable
from streaming.webrtc.receive.h264 import H264Assembler
from streaming.webrtc.rtp import RtpPacket, parse_rtp
from streaming.webrtc.send import sessions as sessions_module
from streaming.webrtc.send.sessions import NoPicture, NotCarried, NotLive, WhepSessions
from streaming.webrtc.send.terms import PLAYOUT_DELAY
from streaming.webrtc.session import Overloaded
from streaming.webrtc.transport import open_road
from tests.support import media
from tests.support.opus import opus
from tests.support.waiting import eventually
from tests.support.webrtc_peer import AUDIO, VIDEO, RtpPeer, rtp_peer

SECONDS = 20
DELAY = VIDEO + f"a=extmap:6 {PLAYOUT_DELAY}\n"


@cache
def clip(b_frames: int = 0) -> tuple[Track, tuple[Packet, ...]]:
    track, packets = media.h264(2.4, size=(320, 180), gop=30, noise=True, b_frames=b_frames)
    return track, tuple(packets)


class House:
    """One stream under the name of event and venue, and its viewers' sessions on a road of their own."""

    def __init__(self, sessions: WhepSessions, source: Stream) -> None:
        self.sessions, self.source = sessions, source

    async def write(self, packets: Sequence[Packet]) -> None:
        """At a pace that the peer's small socket buffer takes."""
        for packet in packets:
            self.source.write(packet)
            await asyncio.sleep(0.01)

    async def open(self, offer: str, event: str = "event", venue: str = "venue") -> tuple[str, str]:
        session, answer = await self.sessions.open(event, venue, offer, "198.51.100.9", None)
        return session.id, answer


class Streams:
    def __init__(self, stream: DerivedStream) -> None:
        self._stream = stream

    def browser(self, event_id: str, venue_id: str) -> DerivedStream | None:
        return self._stream if event_id == "event" else None


async def opened(max_viewers: int, *, reencode: bool) -> AsyncIterator[House]:
    source = Stream("program")
    with ThreadPoolExecutor(1) as pool:
        forms = Transcoders(pool, SystemClock(), reencode_for_browsers=reencode)
        async with open_road("127.0.0.1", 0) as road:
            sessions = WhepSessions(road, Streams(forms.browser(source)), SystemClock(), max_viewers=max_viewers)
            yield House(sessions, source)
            sessions.close()
            assert sessions.count == 0 and road.peer_count == 0
        forms.release(source)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async for one in opened(2, reencode=True):
        yield one


@pytest.fixture
async def strict_house() -> AsyncIterator[House]:
    async for one in opened(2, reencode=False):
        yield one


def packets_of(peer: RtpPeer, payload_type: int) -> list[RtpPacket]:
    found = [parse_rtp(datagram) for datagram in peer.rtp]
    return [packet for packet in found if packet.payload_type == payload_type]


def pictures(packets: list[RtpPacket]) -> list[bytes]:
    """Annex B of each picture that came whole."""
    assembler, found = H264Assembler(), []
    for packet in sorted(packets, key=lambda p: p.sequence - packets[0].sequence & 0xFFFF):
        for picture in assembler.push(packet):
            units = list(h264.units(picture.payload))
            if picture.config is not None:
                config = h264.parse_avcc(picture.config)
                units = [*config.sps, *config.pps, *units]
            found.append(b"".join(b"\0\0\0\1" + unit for unit in units))
    assert assembler.damaged == 0
    return found


def decoded(annexb: list[bytes]) -> int:
    decoder = av.CodecContext.create("h264", "r")
    count = sum(len(decoder.decode(av.Packet(picture))) for picture in annexb)
    return count + len(decoder.decode(None))


async def test_a_viewer_gets_the_cached_gop_first_then_each_new_picture_and_sound(house: House) -> None:
    track, packets = clip()
    sound, frames = opus(0.4)
    house.source.write(Format((track, sound)))
    for packet in packets[:20]:
        house.source.write(packet)
    async with rtp_peer() as peer:
        offer = await peer.offer((DELAY, AUDIO), "recvonly")
        session_id, answer = await house.open(offer)
        assert "a=sendonly" in answer and f"a=extmap:6 {PLAYOUT_DELAY}" in answer
        profile = h264.parse_avcc(track.config).sps[0][1:4].hex()
        assert f"profile-level-id=42e0{profile[4:]}" in answer  # the profile offered, the level that is sent
        await peer.connect(answer)
        await eventually(lambda: len(pictures(packets_of(peer, 96))) == 20, SECONDS)
        await house.write(packets[20:])
        for frame in frames:
            house.source.write(frame)
        await eventually(lambda: len(pictures(packets_of(peer, 96))) == 60, SECONDS)
        await eventually(lambda: len(packets_of(peer, 111)) == len(frames), SECONDS)
        video = packets_of(peer, 96)
        assert video[0].header_extension(6) == bytes([0, 0, 40])
        assert decoded(pictures(video)) == 60
        assert [packet.payload for packet in packets_of(peer, 111)] == [frame.payload for frame in frames]

        def reports() -> list[rtcp.SenderReport]:
            every = [message for datagram in peer.rtcp for message in rtcp.parse_rtcp(datagram)]
            return [message for message in every if isinstance(message, rtcp.SenderReport)]

        await eventually(lambda: {report.ssrc for report in reports()} >= {p.ssrc for p in video}, SECONDS)
        house.sessions.end(session_id)
        with pytest.raises(NoSession):
            house.sessions.end(session_id)
    assert house.sessions.count == 0


async def test_a_switch_to_another_size_goes_on_in_the_same_session(house: House) -> None:
    track, packets = clip()
    other, more = media.h264(0.4, size=(160, 96), gop=30)
    house.source.write(Format((track,)))
    for packet in packets[:10]:
        house.source.write(packet)
    async with rtp_peer() as peer:
        _, answer = await house.open(await peer.offer((VIDEO,), "recvonly"))
        await peer.connect(answer)
        await eventually(lambda: len(pictures(packets_of(peer, 96))) == 10, SECONDS)
        house.source.write(Format((other,), True, "switch"))
        for packet in more:
            at = packet.dts + 90_000
            house.source.write(packet.at(at, at, packet.duration))
        await eventually(lambda: len(pictures(packets_of(peer, 96))) == 10 + len(more), SECONDS)
        decoder = av.CodecContext.create("h264", "r")
        sizes = [
            (frame.width, frame.height)
            for picture in [*pictures(packets_of(peer, 96)), None]
            for frame in decoder.decode(av.Packet(picture) if picture else None)
            if isinstance(frame, av.VideoFrame)
        ]
        assert sizes == [(320, 180)] * 10 + [(160, 96)] * len(more)
        house.source.write(End())
        await eventually(lambda: house.sessions.count == 0, SECONDS)


async def test_what_a_viewer_asks_for_reaches_the_hub(house: House) -> None:
    track, packets = clip()
    house.source.write(Format((track,)))
    for packet in packets[:20]:
        house.source.write(packet)
    async with rtp_peer() as peer:
        session_id, answer = await house.open(await peer.offer((VIDEO,), "recvonly"))
        await peer.connect(answer)
        await eventually(lambda: len(pictures(packets_of(peer, 96))) == 20, SECONDS)
        before = packets_of(peer, 96)
        [viewer] = [s.viewer for s in house.sessions._sessions.values()]
        assert viewer is not None
        await peer.send(rtcp.nack(1, before[0].ssrc, [before[3].sequence, before[17].sequence]))
        await eventually(lambda: viewer.resent == 2, SECONDS)  # the peer's SRTP drops what it has had
        with pytest.raises(WrongEtag):
            house.sessions.patch(session_id, '"another"', "a=end-of-candidates\r\n")
        assert house.sessions.patch(session_id, "*", "a=end-of-candidates\r\n") is None


async def test_what_cannot_be_played_is_said(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "FIRST_PICTURE_SECONDS", 0.05)
    async with rtp_peer() as peer:
        offer = await peer.offer((VIDEO,), "recvonly")
        with pytest.raises(NotLive):
            await house.open(offer, "another")
        with pytest.raises(NoPicture):
            await house.open(offer)
        track, packets = clip()
        house.source.write(Format((track,)))
        house.source.write(packets[0])
        with pytest.raises(Unacceptable):
            await house.open(offer.replace("H264", "VP8"))
        with pytest.raises(Unacceptable):
            await house.open(offer.replace("recvonly", "sendonly"))
        await house.open(offer)
        await house.open(offer)
        with pytest.raises(Overloaded):
            await house.open(offer)
    assert house.sessions.outcomes == {
        "not_live": 1, "no_picture": 1, "whep_codec": 1, "whep_no_media": 1, "accepted": 2, "overloaded": 1
    }  # fmt: skip


async def test_b_frames_are_refused_with_the_reason_where_the_setting_says_so(strict_house: House) -> None:
    track, packets = clip(2)
    strict_house.source.write(Format((track,)))
    for packet in packets[:10]:
        strict_house.source.write(packet)
    async with rtp_peer() as peer:
        with pytest.raises(NotCarried) as refused:
            await strict_house.open(await peer.offer((VIDEO,), "recvonly"))
    assert refused.value.trouble.code is TroubleCode.B_FRAMES


async def test_b_frames_are_encoded_without_them_for_all(house: House) -> None:
    track, packets = clip(2)
    house.source.write(Format((track,)))
    pushing = asyncio.create_task(house.write(packets))
    async with rtp_peer() as peer:
        _, answer = await house.open(await peer.offer((VIDEO,), "recvonly"))
        await peer.connect(answer)
        await pushing
        await eventually(lambda: len(pictures(packets_of(peer, 96))) >= 30, SECONDS)
        shown = pictures(packets_of(peer, 96))
        assert decoded(shown) == len(shown)
