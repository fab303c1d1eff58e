"""The broker's numbers for Prometheus, read when scraped and never on the way of a request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from actorkit.mdp.broker.counts import BOUNDS_S
from actorkit.mdp.broker.state import BrokerState

#: Label of all services beyond `metric_services`, and of those without a worker that are not configured.
OTHER = "other"


class BrokerCollector(Collector):
    """Shows one broker's state. Made for a scrape from another thread than the broker's: it only reads."""

    def __init__(
        self,
        state: Callable[[], BrokerState],
        clock: Callable[[], float] = time.monotonic,
        denied: Callable[[], int] = lambda: 0,
    ) -> None:
        self._state = state
        self._denied = denied
        self._clock = clock

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        state = self._state()
        counts = state.counts
        for name, text, value in (
            ("requests", "Requests taken from clients.", counts.requests),
            ("answers", "Answers passed on to clients.", counts.answers),
            ("expired", "Requests whose deadline passed before a worker was free.", counts.expired),
            ("requeued", "Requests given to another worker because theirs was lost.", counts.requeued),
            ("mmi", "Requests for mmi services, answered by the broker.", counts.mmi),
        ):
            yield CounterMetricFamily(f"actorkit_broker_{name}", text, value=value)
        errors = CounterMetricFamily("actorkit_broker_errors", "What went wrong, by reason.", labels=["reason"])
        for reason, number in list(counts.errors.items()):
            errors.add_metric([reason], number)
        errors.add_metric(["denied"], self._denied())
        yield errors
        yield self._seconds(state)
        yield from self._services(state)

    def _seconds(self, state: BrokerState) -> HistogramMetricFamily:
        counts = state.counts
        buckets: list[tuple[str, float]] = []
        total = 0
        for bound, number in zip([*map(str, BOUNDS_S), "+Inf"], list(counts.seconds_buckets), strict=True):
            total += number
            buckets.append((bound, total))
        family = HistogramMetricFamily(
            "actorkit_broker_request_seconds", "Time from a request's arrival to its answer."
        )
        family.add_metric([], buckets, counts.seconds_sum)
        return family

    def _services(self, state: BrokerState) -> Iterator[GaugeMetricFamily]:
        now = self._clock()
        rows: dict[str, list[float]] = {}
        for service in state.services.all():
            # A name that only clients mention must not become a label: anyone could make up millions.
            known = service.pinned or service.workers
            label = service.label if known and len(rows) < state.params.metric_services else OTHER
            row = rows.setdefault(label, [0.0, 0.0, 0.0, 0.0])
            row[0] += service.queue.length
            row[1] = max(row[1], service.oldest_s(now))
            row[2] += service.workers
            row[3] += service.busy
        for index, (name, text) in enumerate(
            (
                ("queue_depth", "Requests that wait for a worker."),
                ("queue_oldest_seconds", "Age of the request that has waited for longest."),
                ("workers", "Workers registered (one for each request that can be done at a time)."),
                ("busy_workers", "Workers that have a request."),
            )
        ):
            family = GaugeMetricFamily(f"actorkit_broker_{name}", text, labels=["service"])
            for label, row in rows.items():
                family.add_metric([label], row[index])
            yield family
