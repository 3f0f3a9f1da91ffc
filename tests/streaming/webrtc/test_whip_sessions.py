"""WHIP from the offer to the feed's packets: aiortc's ICE and DTLS at the other end, RTP by hand above it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache

import pytest

from config.clock import SystemClock
from streaming.events.model import EventState, FeedAddress
from streaming.ingest import Peer
from streaming.media import Codec, Packet, Track
from streaming.webrtc import rtcp
from streaming.webrtc.opening import Unacceptable
from streaming.webrtc.rtp import TRANSPORT_CC
from streaming.webrtc.sdp import MalformedSdp
from streaming.webrtc.session import Ended
from streaming.webrtc.sessions import WhipSession, WhipSessions
from streaming.webrtc.transport import UdpRoad, open_road
from tests.support import media
from tests.support.ingest import KeptIngest, KeptPublication
from tests.support.rtp import OPUS_TYPE, SILENCE, Sender
from tests.support.waiting import eventually
from tests.support.webrtc_peer import AUDIO, VIDEO, RtpPeer, rtp_peer

PEER = Peer("198.51.100.7", 5000, "whip", "test")
WIDE = VIDEO + f"a=rtcp-fb:96 transport-cc\na=extmap:3 {TRANSPORT_CC}\na=extmap:4/sendonly urn:nobody:knows:this\n"


class Keys:
    async def find_by_key(self, key: str) -> FeedAddress | None:
        state = EventState.ENDED if key == "ended" else EventState.LIVE
        return FeedAddress("center1", "event1", "venue1", "feed1", "机位1", "主会场", state) if key != "none" else None


class House:
    """Sessions on a road of their own, and what they published."""

    def __init__(self, road: UdpRoad) -> None:
        self.road, self.ingest = road, KeptIngest()
        self.sessions = WhipSessions(road, self.ingest, Keys(), SystemClock())

    @property
    def publication(self) -> KeptPublication:
        return self.ingest.publications[0]

    @asynccontextmanager
    async def publishing(self, *sections: str) -> AsyncIterator[tuple[RtpPeer, WhipSession]]:
        async with rtp_peer() as peer:
            session, answer = await self.sessions.open("key", await peer.offer(sections), PEER, None)
            await peer.connect(answer)
            await eventually(lambda: session.receiver is not None, 20)
            yield peer, session


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_road("127.0.0.1", 0) as road:
        opened = House(road)
        yield opened
        await opened.sessions.close()


@cache
def clip() -> tuple[Track, tuple[Packet, ...]]:
    track, packets = media.h264(1.2, size=(160, 96), gop=10, noise=True)
    return track, tuple(packets)


async def send(peer: RtpPeer, datagrams: list[bytes]) -> None:
    for datagram in datagrams:
        await peer.send(datagram)


def requests(peer: RtpPeer, kind: type[rtcp.Rtcp]) -> list[rtcp.Rtcp]:
    return [message for datagram in peer.rtcp for message in rtcp.parse_rtcp(datagram) if isinstance(message, kind)]


async def test_case_38_pictures_and_sound_start_without_a_sender_report(house: House) -> None:
    """Both tracks begin at once, and 0.4 s of real time between them stays 0.4 s, whatever their random zeros."""
    track, packets = clip()
    async with house.publishing(WIDE, AUDIO) as (peer, _):
        video = Sender(sequence=65_530, zero=4_000_000_000)
        audio = Sender(sequence=3, zero=17, ssrc=8, payload_type=OPUS_TYPE)
        await send(peer, audio.packets([SILENCE], 0, marker=False))
        for packet in packets[:12]:
            await send(peer, video.picture(track, packet))
            await send(peer, audio.packets([SILENCE], 960 + packet.dts * 48 // 90, marker=False))
        await eventually(lambda: len(house.publication.packets) >= 25, 20)
        publication = house.publication
        [form] = publication.formats
        assert form.video is not None and form.audio is not None
        assert (form.video.codec, form.video.width, form.video.timescale) == (Codec.H264, 160, 90_000)
        assert (form.audio.codec, form.audio.timescale, form.audio.channels) == (Codec.OPUS, 48_000, 2)
        pictures = [p for p in publication.packets if p.track_id == 0]
        assert [p.keyframe for p in pictures] == [p.keyframe for p in packets[:12]]
        assert [p.pts - pictures[0].pts for p in pictures] == [p.pts - packets[0].pts for p in packets[:12]]
        sound = [p for p in publication.packets if p.track_id == 1]
        assert {p.payload for p in sound} == {SILENCE} and sound[0].dts == 0
        assert not requests(peer, rtcp.SenderReport)
    await eventually(lambda: house.publication.closed is not None, 20)


async def test_case_40_a_loss_is_a_freeze_and_the_key_frame_is_asked_for_with_measure(house: House) -> None:
    """What depends on a lost packet is never handed on; an encoder that ignores PLI is asked ever more rarely."""
    track, packets = clip()
    async with house.publishing(VIDEO) as (peer, session):
        sender = Sender()
        pictures = [sender.picture(track, packet) for packet in packets]
        for datagrams in pictures[:3]:
            await send(peer, datagrams)
        await eventually(lambda: len(house.publication.packets) == 3, 20)
        await send(peer, pictures[3][:-1])  # its last packet never comes, and nobody resends it
        for datagrams in pictures[4:10]:
            await send(peer, datagrams)
        status = session.receiver.status if session.receiver else None
        assert status is not None
        await eventually(lambda: status.frozen, 20)
        assert len(requests(peer, rtcp.Nack)) >= 1
        await eventually(lambda: len(requests(peer, rtcp.KeyframeRequest)) >= 3, 20)
        for datagrams in pictures[10:13]:
            await send(peer, datagrams)
        await eventually(lambda: len(house.publication.packets) == 6, 20)
        shown = [p.pts // 3600 for p in house.publication.packets]
        assert shown == [0, 1, 2, 10, 11, 12] and house.publication.packets[3].keyframe
        assert status.freezes == 1 and not status.frozen
        assert len(requests(peer, rtcp.KeyframeRequest)) <= 8


async def test_case_41_wrap_resending_reordering_and_header_extensions(house: House) -> None:
    """Around 65535, with a packet late, one asked for again and one twice, every picture arrives."""
    track, packets = clip()
    async with house.publishing(WIDE) as (peer, session):
        sender, number = Sender(sequence=65_520), 65_500
        datagrams: list[bytes] = []
        for packet in packets:
            for datagram in sender.picture(track, packet):
                extension = bytes([0x31]) + (number & 0xFFFF).to_bytes(2, "big") + b"\0"
                head = bytes([datagram[0] | 0x10]) + datagram[1:12] + b"\xbe\xde\0\1" + extension
                datagrams.append(head + datagram[12:])
                number += 1
        datagrams[5], datagrams[6] = datagrams[6], datagrams[5]
        missing = datagrams.pop(20)
        datagrams.insert(30, datagrams[29])
        await send(peer, datagrams)
        await eventually(lambda: bool(requests(peer, rtcp.Nack)), 20)
        [asked] = {s for nack in requests(peer, rtcp.Nack) if isinstance(nack, rtcp.Nack) for s in nack.sequences}
        assert asked == int.from_bytes(missing[2:4], "big")
        await peer.send(missing)
        await eventually(lambda: len(house.publication.packets) == len(packets), 20)
        assert [p.pts for p in house.publication.packets] == [p.pts for p in packets]
        await eventually(lambda: bool(requests(peer, rtcp.TransportFeedback)), 20)
        await eventually(lambda: bool(requests(peer, rtcp.ReceiverReport)), 20)
        assert session.receiver is not None and session.receiver.status.freezes == 0


async def test_case_41_audio_only_offers(house: House) -> None:
    async with house.publishing(AUDIO) as (peer, _):
        audio = Sender(payload_type=OPUS_TYPE)
        for index in range(5):
            await send(peer, audio.packets([SILENCE], 960 * index, marker=False))
        await eventually(lambda: len(house.publication.packets) == 5, 20)
        assert [p.dts for p in house.publication.packets] == [0, 960, 1920, 2880, 3840]
        assert house.publication.formats[0].video is None


async def test_case_36_b_frames_have_decode_times_before_their_presentation(house: House) -> None:
    """An encoder that passes B-frames through: decode order stays, and no picture is due before it is decoded."""
    track, packets = media.h264(1.0, size=(160, 96), gop=25, b_frames=2, noise=True)
    async with house.publishing(VIDEO) as (peer, _):
        sender = Sender(zero=1_000_000)
        for packet in packets:
            await send(peer, sender.picture(track, packet))
        await eventually(lambda: len(house.publication.packets) == len(packets), 20)
        out = house.publication.packets
        assert all(b.dts > a.dts for a, b in itertools.pairwise(out))
        assert all(p.pts >= p.dts for p in out)
        late = [p.pts - out[0].pts for p in out[4:]]
        assert late == [p.pts - packets[0].pts for p in packets[4:]]


async def test_the_feed_changes_hands_only_when_the_road_stands(house: House) -> None:
    """A peer that stalls after its offer takes nothing from anybody."""
    async with rtp_peer() as stalled:
        await house.sessions.open("key", await stalled.offer(), PEER, None)
        assert house.ingest.publications == [] and house.sessions.count == 1
        [peer] = house.road._peers
        peer.deadline = 0.001
        await eventually(lambda: house.sessions.count == 0, 20)
        assert house.road.ended[Ended.HANDSHAKE_TIMEOUT] == 1


async def test_eviction_ends_the_session_and_tells_the_peer(house: House) -> None:
    async with house.publishing(VIDEO) as (peer, _):
        house.publication.evict("another encoder took over")
        await eventually(lambda: peer.dtls.state == "closed", 20)
        assert house.publication.closed == "another encoder took over" and house.sessions.count == 0


async def test_trickle_restart_and_end(house: House) -> None:
    async with house.publishing(VIDEO) as (peer, session):
        sessions, before = house.sessions, session.etag
        assert sessions.patch(session.id, before, "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n") is None
        answer = sessions.patch(session.id, "*", "a=ice-ufrag:EFGH\r\na=ice-pwd:" + "p" * 24 + "\r\n")
        assert answer is not None and "a=ice-ufrag:" in answer and session.etag != before
        sessions.end(session.id)
        await eventually(lambda: peer.dtls.state == "closed", 20)


WHY: list[tuple[str, Callable[[str], str], type[Exception]]] = [
    ("VP8 alone", lambda s: s.replace("H264/90000", "H263/90000"), Unacceptable),
    ("nothing is sent", lambda s: s.replace("a=sendonly", "a=recvonly"), Unacceptable),
    ("no ice", lambda s: s.replace("a=ice-ufrag", "a=x"), MalformedSdp),
    ("no dtls", lambda s: s.replace("a=fingerprint", "a=x"), MalformedSdp),
    ("no media", lambda s: s.partition("m=")[0], MalformedSdp),
    ("two mids alike", lambda s: s.replace("a=mid:1", "a=mid:0"), MalformedSdp),
    ("binary", lambda s: "\0\1\2", MalformedSdp),
    ("empty", lambda s: "", MalformedSdp),
    ("a wild payload type", lambda s: s.replace("a=rtpmap:96", "a=rtpmap:96000000000000000000"), MalformedSdp),
    ("no clock", lambda s: s.replace("H264/90000", "H264"), MalformedSdp),
    ("many sections", lambda s: s + "m=audio 9 X 0\r\n" * 20, MalformedSdp),
    ("a wrong setup", lambda s: s.replace("setup:actpass", "setup:holdconn"), MalformedSdp),
]


@pytest.mark.parametrize(("name", "spoil", "error"), WHY, ids=[why[0] for why in WHY])
async def test_offers_that_cannot_be_taken(
    house: House, name: str, spoil: Callable[[str], str], error: type[Exception]
) -> None:
    async with rtp_peer() as peer:
        text = await peer.offer()
        with pytest.raises(error):
            await house.sessions.open("key", spoil(text), PEER, None)
        assert house.sessions.count == 0 and house.road.peer_count == 0
        assert sum(house.sessions.outcomes.values()) == 1
