"""Figures of SRT, pulled sources and transcoding for /metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from streaming.pull.pullers import Pullers
from streaming.rtmp.player import Players
from streaming.srt.front import SrtFront
from streaming.transcode import Transcoders


class _Sources(Collector):
    def __init__(self, srt: SrtFront, pullers: Pullers, forms: Transcoders, players: Players) -> None:
        self._srt, self._pullers, self._forms, self._players = srt, pullers, forms, players

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        yield GaugeMetricFamily("venuecast_srt_callers", "SRT encoders connected", value=self._srt.session_count)
        refused = CounterMetricFamily("venuecast_srt_refused", "SRT callers refused", labels=["reason"])
        for reason, count in self._srt.refused.items():
            refused.add_metric([reason], count)
        yield refused
        yield GaugeMetricFamily("venuecast_sources", "Sources being pulled", value=self._pullers.count)
        yield GaugeMetricFamily("venuecast_sources_live", "Sources that give media", value=self._pullers.live_count)
        failures = CounterMetricFamily("venuecast_source_failures", "Failed attempts", labels=["reason"])
        for reason, count in self._pullers.failures.items():
            failures.add_metric([reason], count)
        yield failures
        yield GaugeMetricFamily("venuecast_rtmp_players", "RTMP players connected", value=self._players.count)
        yield CounterMetricFamily("venuecast_rtmp_players_refused", "RTMP players refused", value=self._players.refused)
        forms = list(self._forms)
        yield GaugeMetricFamily("venuecast_transcoding", "Streams being encoded", value=sum(f.encoding for f in forms))
        yield GaugeMetricFamily(
            "venuecast_transcoding_lag_seconds", "The slowest one's", value=max((f.lag for f in forms), default=0.0)
        )
        yield GaugeMetricFamily(
            "venuecast_transcoding_dropped", "Packets lost by the running ones", value=sum(f.dropped for f in forms)
        )


def register_source_metrics(
    registry: CollectorRegistry, srt: SrtFront, pullers: Pullers, forms: Transcoders, players: Players
) -> CollectorRegistry:
    registry.register(_Sources(srt, pullers, forms, players))
    return registry
