"""One RTP source of a publisher: its order, its losses, and what a receiver report says of it."""

from __future__ import annotations

from streaming.webrtc.receive.jitter import Gap, JitterBuffer
from streaming.webrtc.rtcp import ReportBlock, SenderReport
from streaming.webrtc.rtp import RtpPacket


class Source:
    def __init__(self, ssrc: int, rate: int, patience: float) -> None:
        self.ssrc = ssrc
        self._rate = rate
        self.buffer = JitterBuffer(patience)
        self._transit: float | None = None
        self._jitter = 0.0
        """In ticks of the clock (RFC 3550, A.8)."""
        self._last_sr = 0
        self._last_sr_at = 0.0
        self._expected_before = 0
        self._received_before = 0

    def push(self, packet: RtpPacket, now: float) -> list[RtpPacket | Gap]:
        transit = now * self._rate - packet.timestamp
        if self._transit is not None:
            self._jitter += (min(abs(transit - self._transit), self._rate) - self._jitter) / 16
        self._transit = transit
        return self.buffer.push(packet, now)

    def sender_report(self, report: SenderReport, now: float) -> None:
        self._last_sr = report.ntp >> 16 & 0xFFFFFFFF
        self._last_sr_at = now

    def block(self, now: float) -> ReportBlock:
        """The report block since the last call."""
        expected = self.buffer.highest - self.buffer.first + 1
        received = self.buffer.received
        interval = expected - self._expected_before
        # recovered packets count as lost once: the sender is to know what the link does
        lost = interval - (received - self._received_before)
        self._expected_before, self._received_before = expected, received
        fraction = min(255, max(0, lost) * 256 // interval) if interval > 0 else 0
        delay = int((now - self._last_sr_at) * 65536) if self._last_sr else 0
        return ReportBlock(
            self.ssrc, fraction, expected - received, self.buffer.highest, int(self._jitter), self._last_sr, delay
        )
