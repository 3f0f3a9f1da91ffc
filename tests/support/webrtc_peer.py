"""A WebRTC peer of the tests: aiortc's ICE and DTLS, and above them whatever RTP a test writes, byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiortc import RTCIceCandidate, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.sdp import candidate_from_sdp

VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:{mid}
a={direction}
a=rtcp-mux
a=rtpmap:96 H264/90000
a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
"""
AUDIO = """m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:{mid}
a={direction}
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
"""


class RtpPeer:
    """Offers, connects, sends and records. Not started before `connect`."""

    def __init__(self) -> None:
        self.gatherer = RTCIceGatherer(iceServers=[])
        # aiortc leaves loopback out of its candidates; nothing of the outside is wanted here
        connection = self.gatherer._connection
        gather = connection.get_component_candidates

        async def on_loopback(component: int, addresses: list[str], timeout: int = 5) -> Any:
            return await gather(component, ["127.0.0.1"], timeout)

        connection.get_component_candidates = on_loopback  # type: ignore[method-assign]
        self.ice = RTCIceTransport(self.gatherer)
        self.ice._connection.ice_controlling = True
        self.dtls = RTCDtlsTransport(self.ice, [RTCCertificate.generateCertificate()])
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.dtls._handle_rtp_data = self._take_rtp  # type: ignore[method-assign]
        self.dtls._handle_rtcp_data = self._take_rtcp  # type: ignore[method-assign]

    async def _take_rtp(self, data: bytes, arrival_time_ms: int) -> None:
        self.rtp.append(data)

    async def _take_rtcp(self, data: bytes) -> None:
        self.rtcp.append(data)

    async def offer(self, sections: Sequence[str] = (VIDEO, AUDIO), direction: str = "sendonly") -> str:
        await self.gatherer.gather()
        parameters = self.gatherer.getLocalParameters()
        [fingerprint] = [f for f in self.dtls.getLocalParameters().fingerprints if f.algorithm == "sha-256"]
        lines = [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE " + " ".join(str(i) for i in range(len(sections))),
            f"a=ice-ufrag:{parameters.usernameFragment}",
            f"a=ice-pwd:{parameters.password}",
            f"a=fingerprint:sha-256 {fingerprint.value}",
            "a=setup:actpass",
        ]
        for mid, section in enumerate(sections):
            lines += section.format(mid=mid, direction=direction).strip().split("\n")
        return "\r\n".join(lines) + "\r\n"

    async def connect(self, answer: str) -> None:
        """ICE and DTLS as the answer says."""

        def value(name: str) -> str:
            return next(line.partition(":")[2] for line in answer.split("\r\n") if line.startswith(f"a={name}:"))

        for line in answer.split("\r\n"):
            if line.startswith("a=candidate:"):
                candidate: RTCIceCandidate = candidate_from_sdp(line.removeprefix("a=candidate:"))
                await self.ice.addRemoteCandidate(candidate)
        await self.ice.addRemoteCandidate(None)
        await self.ice.start(RTCIceParameters(value("ice-ufrag"), value("ice-pwd"), iceLite=True))
        assert self.ice.state == "completed", self.ice.state
        algorithm, _, digest = value("fingerprint").partition(" ")
        self.dtls._set_role("client" if value("setup") == "passive" else "server")
        await self.dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(algorithm, digest)]))
        assert self.dtls.state == "connected", self.dtls.state

    async def send(self, packet: bytes) -> None:
        await self.dtls._send_rtp(packet)

    async def close(self) -> None:
        await self.dtls.stop()
        await self.ice.stop()
        await asyncio.sleep(0)


@asynccontextmanager
async def rtp_peer() -> AsyncIterator[RtpPeer]:
    peer = RtpPeer()
    try:
        yield peer
    finally:
        await peer.close()
