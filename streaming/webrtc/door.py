"""The one door to what aiortc, aioice and pylibsrtp keep to themselves: certificates, STUN, SRTP.

Their peer connection decodes every frame and waits for sender reports, which an ingest server must not; their sender
makes a task per packet. So the hub takes the parts below and leaves the rest. Names without a promise are used here
and nowhere else; `tests/streaming/webrtc/test_door.py` holds each of them against the pinned versions.
"""

from __future__ import annotations

from collections.abc import Callable

import pylibsrtp
from aioice import stun
from aiortc.rtcdtlstransport import (
    SRTP_PROFILES,
    X509_DIGEST_ALGORITHMS,
    RTCCertificate,
    SRTPProtectionProfile,
    certificate_digest,
)
from OpenSSL import SSL
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

SRTP_WINDOW = 1024
"""Packets of reordering that replay protection allows; a resend after 300 ms at 10 Mb/s lies within."""
LABEL = b"EXTRACTOR-dtls_srtp"
"""RFC 5764, 4.2."""
_PREFERENCE = (b"SRTP_AEAD_AES_128_GCM", b"SRTP_AEAD_AES_256_GCM", b"SRTP_AES128_CM_SHA1_80")
"""The cheapest sound one first: GCM needs a third of the time that SHA-1 does."""
MAX_RTP_BYTES = 1350
"""pylibsrtp works in a buffer of 1,500 bytes and keeps room for the longest trailer."""


class SrtpError(Exception):
    """A packet that fails authentication, or that has been seen before."""


class Certificate:
    """Our DTLS identity and its context: shared by all peers, because a context costs as much as ten connections."""

    def __init__(self) -> None:
        certificate = RTCCertificate.generateCertificate()
        digest = next(f for f in certificate.getFingerprints() if f.algorithm == "sha-256")
        self.fingerprint = f"sha-256 {digest.value}"
        self._context = certificate._create_ssl_context(_profiles())

    def connection(self, *, server: bool) -> SSL.Connection:
        """A DTLS machine over memory: `bio_write` takes datagrams, `bio_read` gives them."""
        connection = SSL.Connection(self._context)
        if server:
            connection.set_accept_state()
        else:
            connection.set_connect_state()
        return connection


def _profiles() -> list[SRTPProtectionProfile]:
    known = {profile.openssl_profile: profile for profile in SRTP_PROFILES}
    return [known[name] for name in _PREFERENCE if name in known]


def peer_matches(connection: SSL.Connection, fingerprints: tuple[tuple[str, str], ...]) -> bool:
    """Whether the peer's certificate is the one that its SDP named (RFC 8122, 6.2)."""
    certificate = connection.get_peer_certificate(as_cryptography=True)
    known = [(name, value) for name, value in fingerprints if name in X509_DIGEST_ALGORITHMS]
    return (
        certificate is not None
        and bool(known)
        and all(value == certificate_digest(certificate, name) for name, value in known)
    )


class Srtp:
    """Both directions of one peer's SRTP, keyed by its finished handshake."""

    def __init__(self, connection: SSL.Connection, *, server: bool) -> None:
        chosen = connection.get_selected_srtp_profile()
        profile = next((p for p in _profiles() if p.openssl_profile == chosen), None)
        if profile is None:
            raise SrtpError("no common SRTP profile")
        self.profile = profile.openssl_profile.decode()
        material = connection.export_keying_material(LABEL, 2 * (profile.key_length + profile.salt_length))
        ours, theirs = (1, 0) if server else (0, 1)
        self._rx = _session(profile, profile.get_key_and_salt(material, theirs), pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self._tx = _session(profile, profile.get_key_and_salt(material, ours), pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self._rx_context, self._tx_context = self._rx._srtp[0], self._tx._srtp[0]

    def protect(self, packet: bytes) -> bytes:
        return _run(lib.srtp_protect, self._tx_context, packet)

    def protect_parts(self, header: bytes, payload: bytes) -> memoryview:
        """The SRTP form of header and payload, without joining them first. Good until the next call."""
        head = len(header)
        size = head + len(payload)
        if size > MAX_RTP_BYTES:
            raise SrtpError("longer than a datagram can be")
        _length[0] = size
        _buffer[0:head] = header
        _buffer[head:size] = payload
        code = _protect(self._tx_context, _cdata, _length)
        if code:
            raise SrtpError(pylibsrtp.ERRORS[code] if code < len(pylibsrtp.ERRORS) else f"libsrtp error {code}")
        return _view[: _length[0]]

    def protect_rtcp(self, packet: bytes) -> bytes:
        return _run(lib.srtp_protect_rtcp, self._tx_context, packet)

    def unprotect(self, packet: bytes) -> bytes:
        return _run(lib.srtp_unprotect, self._rx_context, packet)

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        return _run(lib.srtp_unprotect_rtcp, self._rx_context, packet)


def _session(profile: SRTPProtectionProfile, key: bytes, direction: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=profile.libsrtp_profile)
    policy.allow_repeat_tx = True
    policy.window_size = SRTP_WINDOW
    return pylibsrtp.Session(policy)


_cdata = ffi.new("char[]", 2048)
_buffer = ffi.buffer(_cdata)
_length = ffi.new("int *")
_view = memoryview(_buffer)
_protect = lib.srtp_protect
"""One work space for all sessions: libsrtp is called on the event loop only."""


def _run(function: Callable[..., int], context: object, packet: bytes) -> bytes:
    size = len(packet)
    if size > 1500:
        raise SrtpError("longer than a datagram can be")
    _length[0] = size
    _buffer[0:size] = packet
    code = function(context, _cdata, _length)
    if code:
        raise SrtpError(pylibsrtp.ERRORS[code] if code < len(pylibsrtp.ERRORS) else f"libsrtp error {code}")
    return bytes(_buffer[0 : _length[0]])


def parse_stun(datagram: bytes) -> stun.Message | None:
    """A STUN message; None for anything else."""
    try:
        return stun.parse_message(datagram)
    except (ValueError, IndexError, KeyError, UnicodeError):
        return None


def is_binding_request(message: stun.Message) -> bool:
    return message.message_method is stun.Method.BINDING and message.message_class is stun.Class.REQUEST


def is_binding_success(message: stun.Message) -> bool:
    return message.message_method is stun.Method.BINDING and message.message_class is stun.Class.RESPONSE


def binding_request() -> stun.Message:
    return stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)


def binding_success(request: stun.Message, address: tuple[str, int], password: str) -> bytes:
    """The signed answer to a check that came from `address` (RFC 8445, 7.3.1)."""
    answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
    answer.attributes["XOR-MAPPED-ADDRESS"] = address
    answer.add_message_integrity(password.encode())
    return bytes(answer)


def binding_error(request: stun.Message, code: int, reason: str) -> bytes:
    answer = stun.Message(stun.Method.BINDING, stun.Class.ERROR, request.transaction_id)
    answer.attributes["ERROR-CODE"] = (code, reason)
    answer.add_fingerprint()
    return bytes(answer)
