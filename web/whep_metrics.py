"""WHEP in /metrics: viewers, those with a weak link, how offers were answered."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streaming.webrtc.send.sessions import WhepSessions


class WhepMetrics(Collector):
    def __init__(self, whep: WhepSessions) -> None:
        self._whep = whep

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("venuecast_whep_viewers", "WHEP sessions", self._whep.count)
        thin = sum(viewer.link.thin for viewer in self._whep.viewers)
        yield GaugeMetricFamily("venuecast_whep_viewers_thin", "WHEP viewers that get key frames only", thin)
        offers = CounterMetricFamily("venuecast_whep_offers", "Answers to WHEP offers, by outcome", labels=["outcome"])
        for outcome, count in self._whep.outcomes.items():
            offers.add_metric([outcome], count)
        yield offers
