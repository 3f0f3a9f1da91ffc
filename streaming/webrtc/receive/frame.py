"""One coded picture put together from packets, whatever the codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from streaming.webrtc.rtp import RtpPacket

MAX_FRAME_BYTES = 8 * 1024 * 1024
"""A key frame of 4K at the best quality is a tenth of it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A complete frame, nothing missing in it."""

    timestamp: int
    """RTP, 32 bits, 90,000 a second."""
    keyframe: bool
    payload: bytes
    """H.264: AVCC without parameter sets; VP8: the frame; AV1: OBUs with their sizes."""
    config: bytes | None = None
    """Of a key frame: avcC or av1C as it stands now; None where the codec has none (VP8)."""


class Assembler(Protocol):
    """Packets of one codec, in order, to pictures."""

    damaged: int
    """Frames thrown away because a part was missing or unreadable."""

    def push(self, packet: RtpPacket) -> list[Picture]:
        """Take the next packet; give the frames that it completes."""

    def gap(self) -> None:
        """Packets are missing before the next one: the frame they belonged to is lost."""
