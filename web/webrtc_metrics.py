"""WebRTC in /metrics: sessions, half-open ones, and how offers and roads ended."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streaming.webrtc.sessions import WhipSessions
from streaming.webrtc.transport import UdpRoad


class WebRtcMetrics(Collector):
    def __init__(self, road: UdpRoad, whip: WhipSessions) -> None:
        self._road, self._whip = road, whip

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("venuecast_webrtc_peers", "WebRTC sessions of both directions", self._road.peer_count)
        yield GaugeMetricFamily(
            "venuecast_webrtc_half_open", "Offers without a finished handshake", self._road.half_open_count
        )
        offers = CounterMetricFamily("venuecast_whip_offers", "Answers to WHIP offers, by outcome", labels=["outcome"])
        for outcome, count in self._whip.outcomes.items():
            offers.add_metric([outcome], count)
        yield offers
        ended = CounterMetricFamily("venuecast_webrtc_ended", "Ended WebRTC sessions, by reason", labels=["reason"])
        for reason, count in self._road.ended.items():
            ended.add_metric([reason], count)
        yield ended
        yield CounterMetricFamily("venuecast_webrtc_refused", "Offers refused for want of room", self._road.refused)
        yield CounterMetricFamily(
            "venuecast_webrtc_unknown_datagrams", "Datagrams of nobody", self._road.unknown_datagrams
        )
        yield CounterMetricFamily(
            "venuecast_webrtc_unsent_datagrams", "Datagrams that the socket did not take", self._road.unsent
        )
