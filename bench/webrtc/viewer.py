"""One viewer: ICE, DTLS, SRTP and H.264 up to the first whole key frame; from then on it only counts."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import time

from aioice import stun

from streaming.webrtc import rtcp
from streaming.webrtc.door import (
    Certificate,
    SrtpError,
    binding_request,
    binding_success,
    is_binding_request,
    parse_stun,
)
from streaming.webrtc.dtls import Dtls
from streaming.webrtc.receive.h264 import H264Assembler
from streaming.webrtc.rtp import parse_rtp
from streaming.webrtc.sdp import Offer, parse_offer

VIDEO_TYPE, AUDIO_TYPE = 96, 111
CHECK_SECONDS = 0.05
CONSENT_SECONDS = 2.5
REPORT_SECONDS = 1.0
RECEIVE_BYTES = 1024 * 1024
_CANDIDATE = re.compile(r"a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host", re.IGNORECASE)

_OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {mids}
a=ice-ufrag:{ufrag}
a=ice-pwd:{password}
a=fingerprint:{fingerprint}
a=setup:{setup}
{extra}{sections}"""
_VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:{mid}
a=recvonly
a=rtcp-mux
a=rtpmap:96 H264/90000
a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
"""
_AUDIO = """m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:{mid}
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
"""


class Viewer:
    def __init__(self, certificate: Certificate, host: str) -> None:
        self._certificate = certificate
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        self._socket.bind((host, 0))
        self.host, self.port = self._socket.getsockname()
        self._ufrag, self._password = secrets.token_hex(4), secrets.token_hex(12)
        self._remote: Offer | None = None
        self._target: tuple[str, int] | None = None
        self._dtls: Dtls | None = None
        self._controlling = True
        self._assembler = H264Assembler()
        self._checker: asyncio.TimerHandle | None = None
        self._reporter: asyncio.TimerHandle | None = None
        self.answered_at = 0.0
        self.first_key_frame: float | None = None
        self.done = asyncio.Event()
        self.video = self.datagrams = self.received = 0
        """Video packets, all RTP packets and their bytes."""
        self._first: int | None = None
        self._highest = 0
        self._ssrc = 0

    # signalling

    def offer(self, *, audio: bool) -> str:
        return self._description("actpass", [_VIDEO, _AUDIO][: 2 if audio else 1], "")

    def answer(self, mid: str) -> str:
        """To an offer of one video section; the other end is in control then."""
        self._controlling = False
        candidate = f"a=candidate:1 1 udp 2130706431 {self.host} {self.port} typ host\na=end-of-candidates\n"
        text = self._description("active", [_VIDEO], "a=ice-lite\n").replace("a=mid:0", f"a=mid:{mid}")
        return text.replace("a=group:BUNDLE 0", f"a=group:BUNDLE {mid}") + candidate.replace("\n", "\r\n")

    def _description(self, setup: str, sections: list[str], extra: str) -> str:
        text = _OFFER.format(
            mids=" ".join(str(index) for index in range(len(sections))),
            ufrag=self._ufrag,
            password=self._password,
            fingerprint=self._certificate.fingerprint,
            setup=setup,
            extra=extra,
            sections="".join(section.format(mid=index) for index, section in enumerate(sections)),
        )
        return text.replace("\n", "\r\n")

    def begin(self, remote: str) -> None:
        """The other end's description is known: connect."""
        self.answered_at = time.perf_counter()
        self._remote = parse_offer(remote)
        found = _CANDIDATE.findall(remote)
        if found:
            best = next((c for c in found if c[0] == self.host), found[0])
            self._target = (best[0], int(best[1]))
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._check(CHECK_SECONDS)

    def close(self) -> None:
        for timer in (self._checker, self._reporter):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        if self._dtls is not None and self._target is not None:
            self._dtls.close()
            self._flush()
        self._socket.close()

    # ICE and DTLS

    def _check(self, pause: float) -> None:
        assert self._remote is not None
        if self._target is not None:
            request = binding_request()
            request.attributes["USERNAME"] = f"{self._remote.remote.ufrag}:{self._ufrag}"
            request.attributes["PRIORITY"] = 1_853_824_767
            if self._controlling:
                request.attributes["ICE-CONTROLLING"] = 1 << 62
                request.attributes["USE-CANDIDATE"] = None
            else:
                request.attributes["ICE-CONTROLLED"] = 1
            request.add_message_integrity(self._remote.remote.password.encode())
            self._send(bytes(request))
        connected = self._dtls is not None and self._dtls.srtp is not None
        self._checker = self._loop.call_later(CONSENT_SECONDS if connected else pause, self._check, pause)
        if self._dtls is not None and not connected:
            remaining = self._dtls.timeout()
            if remaining is not None and remaining <= 0:
                self._dtls.expire()
                self._flush()

    def _send(self, datagram: bytes) -> None:
        assert self._target is not None
        try:
            self._socket.sendto(datagram, self._target)
        except OSError:
            return

    def _flush(self) -> None:
        assert self._dtls is not None
        for datagram in self._dtls.outgoing():
            self._send(datagram)

    def _readable(self) -> None:
        while True:
            try:
                datagram, source = self._socket.recvfrom(2048)
            except (BlockingIOError, OSError):
                return
            first = datagram[0]
            if 128 <= first <= 191:
                self._media(datagram)
            elif first < 4:
                self._stun(datagram, source)
            elif 20 <= first <= 63 and self._dtls is not None:
                self._dtls.receive(datagram)
                self._flush()
                if self._dtls.srtp is not None and self._reporter is None:
                    self._reporter = self._loop.call_later(REPORT_SECONDS, self._report)

    def _stun(self, datagram: bytes, source: tuple[str, int]) -> None:
        message: stun.Message | None = parse_stun(datagram)
        if message is None or self._remote is None:
            return
        if is_binding_request(message):
            if self._target is None or not self._controlling:
                self._target = source
            self._socket.sendto(binding_success(message, source, self._password), source)
        if self._dtls is None:
            server = self._remote.remote.setup == "active"
            self._dtls = Dtls(self._certificate, self._remote.remote.fingerprints, server=server)
            if not server:
                self._dtls.start()
                self._flush()

    # media

    def _media(self, datagram: bytes) -> None:
        if 192 <= datagram[1] <= 223:
            return
        self.datagrams += 1
        self.received += len(datagram)
        if datagram[1] & 0x7F != VIDEO_TYPE:
            return
        self.video += 1
        sequence = datagram[2] << 8 | datagram[3]
        if self._first is None:
            self._first = self._highest = sequence
            self._ssrc = int.from_bytes(datagram[8:12], "big")
        self._highest += (sequence - self._highest + 0x8000 & 0xFFFF) - 0x8000
        if self.first_key_frame is not None or self._dtls is None or self._dtls.srtp is None:
            return
        try:
            packet = parse_rtp(self._dtls.srtp.unprotect(datagram))
        except SrtpError:
            return
        if any(picture.keyframe for picture in self._assembler.push(packet)):
            self.first_key_frame = time.perf_counter() - self.answered_at
            self.done.set()

    @property
    def lost(self) -> int:
        """Packets that the sequence numbers promise and that did not come."""
        return 0 if self._first is None else self._highest - self._first + 1 - self.video

    def _report(self) -> None:
        assert self._dtls is not None and self._dtls.srtp is not None
        if self._ssrc:
            block = rtcp.ReportBlock(self._ssrc, 0, 0, self._highest & 0xFFFFFFFF, 30, 0, 0)
            self._send(self._dtls.srtp.protect_rtcp(rtcp.receiver_report(1, [block])))
        self._reporter = self._loop.call_later(REPORT_SECONDS, self._report)
