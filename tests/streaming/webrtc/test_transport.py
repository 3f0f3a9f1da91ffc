"""The road: aiortc's ICE and DTLS at the other end, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aioice import stun

from streaming.webrtc import transport as transport_module
from streaming.webrtc.sdp import Accepted, Offer, parse_offer, write_answer
from streaming.webrtc.session import Ended, Overloaded, RemoteParameters, Transport, TransportState
from streaming.webrtc.transport import UdpRoad, open_road
from tests.support.waiting import eventually
from tests.support.webrtc_peer import RtpPeer, rtp_peer

REMOTE = RemoteParameters("abcd", "x" * 24, (("sha-256", "00:11"),), "actpass")


class Recorder:
    """A Consumer that keeps what it is told."""

    def __init__(self) -> None:
        self.ready = False
        self.rtp_in: list[bytes] = []
        self.rtcp_in: list[bytes] = []
        self.ended: list[str] = []

    def connected(self) -> None:
        self.ready = True

    def rtp(self, datagram: bytes, arrival: float) -> None:
        self.rtp_in.append(datagram)

    def rtcp(self, datagram: bytes, arrival: float) -> None:
        self.rtcp_in.append(datagram)

    def closed(self, reason: str) -> None:
        self.ended.append(reason)


@pytest.fixture
async def road() -> AsyncIterator[UdpRoad]:
    async with open_road("127.0.0.1", 0) as opened:
        yield opened


def answered(road: UdpRoad, text: str, consumer: Recorder) -> tuple[Transport, str]:
    offer: Offer = parse_offer(text)
    opened = road.open(offer.remote, "127.0.0.1", consumer)
    accepted = {media.mid: Accepted(media.payload_types, "recvonly") for media in offer.media}
    return opened, write_answer(offer, opened.local, accepted)


async def connected(road: UdpRoad, peer: RtpPeer, consumer: Recorder) -> Transport:
    transport, answer = answered(road, await peer.offer(), consumer)
    await peer.connect(answer)
    await eventually(lambda: consumer.ready, 20)
    return transport


def rtp(sequence: int, payload: bytes = b"payload") -> bytes:
    return bytes([0x80, 96]) + sequence.to_bytes(2, "big") + bytes(4) + b"\0\0\0\7" + payload


async def test_media_both_ways_and_the_peer_s_goodbye(road: UdpRoad) -> None:
    consumer = Recorder()
    async with rtp_peer() as peer:
        transport = await connected(road, peer, consumer)
        assert transport.state is TransportState.CONNECTED and transport.peer is not None
        assert road.half_open_count == 0 and road.peer_count == 1
        await peer.send(rtp(65535))
        await peer.send(rtp(0))
        await peer.send(bytes([0x81, 200]) + (6).to_bytes(2, "big") + bytes(24))
        await eventually(lambda: len(consumer.rtp_in) == 2 and len(consumer.rtcp_in) == 1, 20)
        assert consumer.rtp_in == [rtp(65535), rtp(0)]
        assert transport.send_rtp(rtp(7)) and transport.send_protected(transport.protect(rtp(8)))
        assert transport.send_rtcp(bytes([0x80, 201, 0, 1, 0, 0, 0, 1]))
        await eventually(lambda: len(peer.rtp) == 2 and len(peer.rtcp) == 1, 20)
        assert peer.rtp == [rtp(7), rtp(8)]
    await eventually(lambda: consumer.ended != [], 20)
    assert consumer.ended == [Ended.PEER_CLOSED]
    assert road.peer_count == 0 and road.ended[Ended.PEER_CLOSED] == 1
    assert not transport.send_rtp(rtp(9))


async def test_a_closed_road_is_told_to_the_peer(road: UdpRoad) -> None:
    consumer = Recorder()
    async with rtp_peer() as peer:
        transport = await connected(road, peer, consumer)
        transport.close("evicted")
        transport.close("again")
        assert consumer.ended == ["evicted"]
        await eventually(lambda: peer.dtls.state == "closed", 20)


async def test_the_strongest_profile_that_both_know_is_chosen(road: UdpRoad) -> None:
    async with rtp_peer() as peer:
        await connected(road, peer, Recorder())
        assert peer.dtls._ssl is not None
        assert peer.dtls._ssl.get_selected_srtp_profile() == b"SRTP_AEAD_AES_128_GCM"


async def test_another_certificate_than_the_offer_s_is_refused(road: UdpRoad) -> None:
    consumer = Recorder()
    async with rtp_peer() as peer:
        text = await peer.offer()
        digest = text.partition("a=fingerprint:sha-256 ")[2][:95]
        _, answer = answered(road, text.replace(digest, ":".join(["AB"] * 32)), consumer)
        with pytest.raises(AssertionError):
            await peer.connect(answer)
            await asyncio.sleep(0)
            assert not consumer.ended
        await eventually(lambda: consumer.ended == [Ended.HANDSHAKE_FAILED], 20)


async def test_half_open_sessions_are_bounded_and_time_out(road: UdpRoad, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Recorder()
    for _ in range(transport_module.MAX_HALF_OPEN_PER_ADDRESS):
        road.open(REMOTE, "198.51.100.7", consumer)
    with pytest.raises(Overloaded):
        road.open(REMOTE, "198.51.100.7", consumer)
    other = road.open(REMOTE, "198.51.100.8", consumer)
    assert road.refused == 1 and road.half_open_count == transport_module.MAX_HALF_OPEN_PER_ADDRESS + 1
    other.close("left")
    for peer in tuple(road._peers):
        peer.deadline = 0.001
    await eventually(lambda: road.half_open_count == 0, 20)
    assert road.ended[Ended.HANDSHAKE_TIMEOUT] == transport_module.MAX_HALF_OPEN_PER_ADDRESS
    assert road.peer_count == 0


async def test_strangers_get_no_answer(road: UdpRoad) -> None:
    """Noise, checks for nobody, checks with a wrong password, DTLS and RTP out of nowhere."""
    consumer = Recorder()
    known = road.open(REMOTE, "198.51.100.7", consumer)

    def check(username: str, password: str) -> bytes:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = username
        message.add_message_integrity(password.encode())
        return bytes(message)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        stranger.connect(("127.0.0.1", road.port))
        for noise in (b"\0", b"\x16" * 40, b"\x80" * 40, check("nobody:abcd", "x" * 22)):
            stranger.send(noise)
        await eventually(lambda: road.unknown_datagrams == 4, 20)
        with pytest.raises(BlockingIOError):
            stranger.recv(2048)
        stranger.send(check(f"{known.local.ufrag}:abcd", "not the password at all"))
        answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(stranger, 2048), 20)
        assert answer[:2] == b"\x01\x11"
    assert known.peer is None


async def test_ice_restart_keeps_the_session(road: UdpRoad) -> None:
    """Case 41: new credentials, the same keys; the old credentials go on working until the next restart."""
    consumer = Recorder()
    async with rtp_peer() as peer:
        transport = await connected(road, peer, consumer)
        before = transport.local
        after = transport.restart(RemoteParameters("efgh", "y" * 24, (), "actpass"))
        assert after.ufrag != before.ufrag and after.password != before.password
        assert after.fingerprint == before.fingerprint
        await peer.send(rtp(1))
        await eventually(lambda: len(consumer.rtp_in) == 1, 20)
