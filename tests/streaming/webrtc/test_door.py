"""The names that nobody promised us are there in the pinned versions, and mean what we think."""

from __future__ import annotations

import aiortc.rtcdtlstransport as aiortc_dtls
import pylibsrtp
import pytest
from aioice import stun

from streaming.webrtc import door
from streaming.webrtc.dtls import MAX_DATAGRAM_BYTES, Dtls, HandshakeFailed


def handshake() -> tuple[Dtls, Dtls]:
    """Two of our machines, the datagrams handed over by hand."""
    ours, theirs = door.Certificate(), door.Certificate()
    server = Dtls(ours, (tuple(theirs.fingerprint.split(" ")),), server=True)  # type: ignore[arg-type]
    client = Dtls(theirs, (tuple(ours.fingerprint.split(" ")),), server=False)  # type: ignore[arg-type]
    client.start()
    for _ in range(10):
        for source, target in ((client, server), (server, client)):
            for datagram in source.outgoing():
                assert len(datagram) <= MAX_DATAGRAM_BYTES + 400
                target.receive(datagram)
    return server, client


def test_pinned_names() -> None:
    profiles = {profile.openssl_profile for profile in aiortc_dtls.SRTP_PROFILES}
    assert b"SRTP_AEAD_AES_128_GCM" in profiles and b"SRTP_AES128_CM_SHA1_80" in profiles
    assert pylibsrtp.ERRORS[7] == "authentication failure"
    assert door._profiles()[0].openssl_profile == b"SRTP_AEAD_AES_128_GCM"


def test_handshake_and_keys() -> None:
    server, client = handshake()
    assert server.srtp is not None and client.srtp is not None
    assert server.srtp.profile == "SRTP_AEAD_AES_128_GCM"
    packet = bytes([0x80, 96, 0, 1]) + bytes(8) + b"media"
    sent = client.srtp.protect(packet)
    assert packet[12:] not in sent and server.srtp.unprotect(sent) == packet
    with pytest.raises(door.SrtpError, match="replay"):
        server.srtp.unprotect(sent)
    with pytest.raises(door.SrtpError):
        server.srtp.unprotect(sent[:-1] + bytes([sent[-1] ^ 1]))
    with pytest.raises(door.SrtpError):
        server.srtp.unprotect(bytes(1501))
    report = bytes([0x80, 201, 0, 1, 0, 0, 0, 1])
    assert client.srtp.unprotect_rtcp(server.srtp.protect_rtcp(report)) == report
    # a packet may be sent again, as NACK asks
    assert client.srtp.protect(packet) == sent
    client.close()
    for datagram in client.outgoing():
        server.receive(datagram)
    assert server.closed_by_peer


def test_noise_instead_of_a_handshake() -> None:
    server = Dtls(door.Certificate(), (("sha-256", "00"),), server=True)
    for noise in (b"\x16", b"\x16" * 200, b"\x14\xfe\xfd" + bytes(60)):
        try:
            server.receive(noise)
        except HandshakeFailed:
            return
    assert server.srtp is None


def test_an_unknown_digest_is_no_identity() -> None:
    server, _ = handshake()
    assert not door.peer_matches(server._connection, (("sha-1", "00"),))
    assert not door.peer_matches(server._connection, ())


def test_stun() -> None:
    request = door.binding_request()
    assert door.is_binding_request(request) and not door.is_binding_success(request)
    answer = door.parse_stun(door.binding_success(request, ("192.0.2.1", 5000), "p" * 22))
    assert answer is not None and door.is_binding_success(answer)
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.1", 5000)
    assert answer.check_message_integrity(b"p" * 22)
    refusal = door.parse_stun(door.binding_error(request, 401, "Unauthenticated"))
    assert refusal is not None and refusal.message_class is stun.Class.ERROR
    assert door.parse_stun(b"\0\1\0") is None
