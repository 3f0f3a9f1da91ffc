"""What a protocol knows of the road between encoder and hub, for the feed's status."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """Counts since the encoder connected."""

    packets: int
    retransmitted: int
    """Packets that came a second time because they had been lost."""
    lost: int
    """Packets that were asked for again."""
    rtt_ms: float
    """Round trip time now; 0 when not known."""
    latency_ms: int = 0
    """How long the protocol waits for lost packets; 0 where it does not."""
