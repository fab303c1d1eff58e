"""The metrics of an actor. The hot path counts in plain integers; this shows them to Prometheus when it scrapes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Literal

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from actorkit.edge.sender import Sender
from actorkit.host.connection_metrics import connection_metrics
from actorkit.host.host import Host
from actorkit.observe.metrics import BUCKETS, COMMON, build_info, cumulative


class HostCollector(Collector):
    """Reads one host's counters."""

    def __init__(self, host: Host, version: str) -> None:
        self._host = host
        self._version = version
        self._common = [host.settings.topology, host.name]

    def collect(self) -> Iterator[Metric]:
        host = self._host
        yield build_info(self._version, *self._common)
        yield self._counter("actorkit_events_in", "Events that arrived, by inbox.", "inbox", host.receiver.inboxes)
        yield self._counter("actorkit_events_out", "Events sent, by outbox.", "outbox", self._of_outboxes("sent"))
        yield self._counter(
            "actorkit_bytes_in", "Bytes of events that arrived, by inbox.", "inbox", host.receiver.bytes
        )
        yield self._counter(
            "actorkit_bytes_out", "Bytes of events sent, by outbox.", "outbox", self._of_outboxes("bytes")
        )
        failed = host.consumer.failed if host.consumer is not None else {}
        yield self._counter("actorkit_events_failed", "Events whose consume failed, by inbox.", "inbox", failed)
        yield self._counter("actorkit_events_dropped", "Events that went nowhere.", "reason", self._drops())
        yield self._counter(
            "actorkit_frames_rejected", "Messages of peers that were no good.", "reason", self._rejections()
        )
        dedup, retried = host.receiver.dedup, host.consumer.retried if host.consumer is not None else 0
        for name, text, value in (
            ("events_redelivered", "Events that arrived redelivered.", host.receiver.redelivered),
            ("duplicates", "Events that had arrived here before and were not consumed again.", dedup.duplicates),
            ("dedup_forgotten", "Events whose names were forgotten too early for want of memory.", dedup.forgotten),
            ("retries", "Times that consume was tried again.", retried),
            ("connections_lost", "Connections to the inbox that ended without a goodbye.", self._lost()),
        ):
            yield self._plain(CounterMetricFamily, name, text, value)
        if host.consumer is not None:
            yield self._consume_seconds(host.consumer.buckets, host.consumer.seconds)
        yield from connection_metrics(host.connectors, self._common)
        for name, text, figure in self._gauges():
            yield self._plain(GaugeMetricFamily, name, text, figure)
        yield from self._figures()

    def _gauges(self) -> Iterator[tuple[str, str, float]]:
        """What is so now: (name, meaning, value)."""
        host = self._host
        if host.consumer is not None:
            yield "oldest_consume_seconds", "Age of the oldest event that is being consumed.", host.oldest_consume_s
        unread = host.listener.unread if host.listener is not None else 0
        yield "peers_unread", "Senders that do not read what the inbox tells them.", unread
        yield "in_work", "Events that arrived and are not finished.", host.receiver.in_work
        yield "unfinished", "Events that began here and are not finished.", host.outboxes.roots
        yield "oldest_unfinished_seconds", "Age of the oldest of them.", self._oldest_unfinished_s()
        yield "ready", "1 when the instance can take work.", int(host.ready)

    def _figures(self) -> Iterable[Metric]:
        """What the actor itself counts."""
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for name, meaning, value, label, label_value in self._host.actor.figures():
            family = families.get(name)
            if family is None:
                labels = [*COMMON, label] if label else COMMON
                made = CounterMetricFamily if label or name.endswith("_total") else GaugeMetricFamily
                family = families[name] = made(name, meaning, labels=labels)
            family.add_metric([*self._common, label_value] if label else self._common, value)
        return families.values()

    def _lost(self) -> int:
        return self._host.listener.lost if self._host.listener is not None else 0

    def _rejections(self) -> dict[str, int]:
        denied = self._host.listener.denied if self._host.listener is not None else 0
        return {**self._host.receiver.rejected, **({"no-key": denied} if denied else {})}

    def _of_outboxes(self, count: Literal["sent", "bytes"]) -> dict[str, int]:
        return {
            outbox: sum(getattr(connector.sender, count) for connector in connectors)
            for outbox, connectors in self._host.connectors.items()
        }

    def _drops(self) -> dict[str, int]:
        dropped = dict(self._host.outboxes.dropped)
        for connectors in self._host.connectors.values():
            for connector in connectors:
                for reason, count in connector.sender.dropped.items():
                    dropped[reason] = dropped.get(reason, 0) + count
        return dropped

    def _oldest_unfinished_s(self) -> float:
        if not self._host.outboxes.roots:
            return 0.0
        now = time.monotonic()
        return max((sender.oldest_begun_s(now) for sender in self._senders()), default=0.0)

    def _senders(self) -> Iterator[Sender]:
        for connectors in self._host.connectors.values():
            for connector in connectors:
                yield connector.sender

    def _counter(self, name: str, text: str, label: str, counts: dict[str, int]) -> Metric:
        family = CounterMetricFamily(name, text, labels=[*COMMON, label])
        for value, count in sorted(counts.items()):
            family.add_metric([*self._common, value], count)
        return family

    def _plain(
        self, family: type[CounterMetricFamily] | type[GaugeMetricFamily], name: str, text: str, value: float
    ) -> Metric:
        metric = family(f"actorkit_{name}", text, labels=COMMON)
        metric.add_metric(self._common, value)
        return metric

    def _consume_seconds(self, counts: list[int], seconds: float) -> Metric:
        family = HistogramMetricFamily("actorkit_consume_seconds", "Time that consume took.", labels=COMMON)
        family.add_metric(self._common, cumulative(BUCKETS, counts), seconds)
        return family
