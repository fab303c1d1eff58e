"""A registration service's numbers for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from actorkit.mdp.directory.state import Directory


class DirectoryCollector(Collector):
    """Shows what a registration service knows."""

    def __init__(self, directory: Callable[[], Directory], clock: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._clock = clock

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        directory = self._directory()
        alive = directory.alive(self._clock())
        yield GaugeMetricFamily("actorkit_registration_brokers", "Brokers that are there.", value=alive)
        listings = directory.listings
        yield CounterMetricFamily("actorkit_registration_listings", "Listings that were asked for.", value=listings)
        errors = CounterMetricFamily("actorkit_registration_errors", "Messages dropped, by reason.", labels=["reason"])
        for reason, number in list(directory.errors.items()):
            errors.add_metric([reason], number)
        yield errors
