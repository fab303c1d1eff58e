"""The metrics of an actor's connections: what is on its way over each, and what waits at its other end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from actorkit.edge.connector import Connector
from actorkit.edge.finish_times import BOUNDS_S
from actorkit.edge.sender import Sender
from actorkit.observe.metrics import COMMON, cumulative

LABELS: Final = (*COMMON, "outbox", "destination")


def connection_metrics(connectors: Mapping[str, Sequence[Connector]], common: Sequence[str]) -> Iterator[Metric]:
    """All of them; `common` has the values of the labels that every metric of an actor has."""
    senders = [
        ([*common, outbox, connector.sender.leads_to], connector.sender)
        for outbox, connections in connectors.items()
        for connector in connections
    ]
    now = time.monotonic()
    for name, text, figures in (
        ("in_flight", "Events sent and not acknowledged.", [sender.in_flight for _, sender in senders]),
        ("backlog", "Events that wait for a peer with credit.", [sender.backlog for _, sender in senders]),
        ("waiting", "Events that the destination has before it.", [sender.waiting for _, sender in senders]),
        (
            "oldest_waiting_seconds",
            "Age of the oldest event that the destination has before it.",
            [sender.oldest_waiting_s(now) for _, sender in senders],
        ),
        ("peers", "Instances that a connection leads to.", [sender.connected for _, sender in senders]),
    ):
        gauge = GaugeMetricFamily(f"actorkit_{name}", text, labels=LABELS)
        for (values, _), figure in zip(senders, figures, strict=True):
            gauge.add_metric(values, figure)
        yield gauge
    reconnects = CounterMetricFamily("actorkit_reconnects", "Sessions that ended and began anew.", labels=LABELS)
    for values, sender in senders:
        reconnects.add_metric(values, sender.reconnects)
    yield reconnects
    yield _finish_seconds(senders)


def _finish_seconds(senders: Sequence[tuple[list[str], Sender]]) -> Metric:
    """How long events took; only of connections over which some went that began here."""
    text = "Time from making an event to everything finished that it became behind a connection."
    family = HistogramMetricFamily("actorkit_finish_seconds", text, labels=LABELS)
    for values, sender in senders:
        times = sender.finish_times
        if any(times.buckets):
            family.add_metric(values, cumulative(BOUNDS_S, times.buckets), times.seconds)
    return family
