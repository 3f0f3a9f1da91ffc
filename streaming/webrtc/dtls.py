"""One peer's DTLS handshake (RFC 5764): datagrams in, datagrams out, and SRTP keys at its end. No socket, no clock."""

from __future__ import annotations

from OpenSSL import SSL

from streaming.webrtc.door import Certificate, Srtp, SrtpError, peer_matches

RECORD_HEADER_BYTES = 13
MAX_DATAGRAM_BYTES = 1200
"""What passes every path that browsers assume, tunnels and mobile networks included."""


class HandshakeFailed(Exception):
    """The peer's DTLS cannot be finished; the message says why."""


class Dtls:
    """`receive` takes the peer's datagrams, `outgoing` gives ours; `srtp` appears when the handshake is done."""

    def __init__(self, certificate: Certificate, fingerprints: tuple[tuple[str, str], ...], *, server: bool) -> None:
        self._connection = certificate.connection(server=server)
        self._fingerprints = fingerprints
        self._server = server
        self.srtp: Srtp | None = None
        self.closed_by_peer = False

    def start(self) -> None:
        """Send the first flight, where we are the client."""
        self._advance()

    def receive(self, datagram: bytes) -> None:
        """Raises HandshakeFailed."""
        try:
            self._connection.bio_write(datagram)
        except SSL.Error as error:
            raise HandshakeFailed("a DTLS datagram that cannot be read") from error
        if self.srtp is None:
            self._advance()
        else:
            self._read()

    def timeout(self) -> float | None:
        """Seconds until `expire` is due; None when nothing is to be sent again."""
        remaining = self._connection.DTLSv1_get_timeout()
        return None if remaining is None else float(remaining)

    def expire(self) -> None:
        """Send the last flight again."""
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise HandshakeFailed("the peer does not answer the handshake") from error

    def close(self) -> None:
        """Put close_notify into the outgoing datagrams."""
        try:
            self._connection.shutdown()
        except SSL.Error:
            pass  # the handshake was not done: there is nobody to say good-bye to

    def outgoing(self) -> list[bytes]:
        """Datagrams to send: whole records, as many as fit into one."""
        try:
            pending = self._connection.bio_read(1 << 16)
        except SSL.Error:
            return []
        datagrams: list[bytes] = []
        current = b""
        while len(pending) >= RECORD_HEADER_BYTES:
            size = RECORD_HEADER_BYTES + int.from_bytes(pending[11:13], "big")
            record, pending = pending[:size], pending[size:]
            if current and len(current) + len(record) > MAX_DATAGRAM_BYTES:
                datagrams.append(current)
                current = b""
            current += record
        if current or pending:
            datagrams.append(current + pending)
        return datagrams

    def _advance(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise HandshakeFailed("the DTLS handshake failed") from error
        if not peer_matches(self._connection, self._fingerprints):
            raise HandshakeFailed("the certificate is not the one of the offer")
        try:
            self.srtp = Srtp(self._connection, server=self._server)
        except SrtpError as error:
            raise HandshakeFailed(str(error)) from error

    def _read(self) -> None:
        try:
            self._connection.recv(2048)
        except SSL.ZeroReturnError:
            self.closed_by_peer = True
        except SSL.Error:
            pass  # a repeated flight, or an alert that says nothing we need
