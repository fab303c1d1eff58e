"""What all metrics have in common: base units, bounded labels, the registry; `docs/metrics.md` lists them."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

#: Upper bounds of the consume histogram's buckets, in seconds.
BUCKETS: Final = (0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)

#: Labels that every metric of an actor has.
COMMON = ("topology", "actor")


def registry(instance: str, *collectors: Collector) -> CollectorRegistry:
    """A registry with the process's own figures and these collectors; each figure has the instance's name."""
    made = CollectorRegistry(auto_describe=False)
    for collector in (ProcessCollector(registry=None), *collectors):
        made.register(_OfInstance(instance, collector))
    return made


class _OfInstance(Collector):
    """The figures of another collector, with the label `instance`."""

    def __init__(self, instance: str, collector: Collector) -> None:
        self._label = {"instance": instance}
        self._collector = collector

    def collect(self) -> Iterator[Metric]:
        for metric in self._collector.collect():
            metric.samples = [sample._replace(labels={**sample.labels, **self._label}) for sample in metric.samples]
            yield metric


def build_info(version: str, topology: str, actor: str) -> Metric:
    """The version that runs here, as a gauge that is always 1."""
    info = GaugeMetricFamily(
        "actorkit_build_info", "Version of the runtime; always 1.", labels=[*COMMON, "version", "python"]
    )
    info.add_metric([topology, actor, version, platform.python_version()], 1)
    return info


def cumulative(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """The buckets of a histogram as Prometheus has them, each with all that is in those before it; `counts` has one for
    each bound, and one for what is above them."""
    return list(zip([*map(str, bounds), "+Inf"], accumulate(counts), strict=True))


class BuildInfo(Collector):
    """Only the version, for a process that has no host."""

    def __init__(self, version: str, topology: str, actor: str) -> None:
        self._info = build_info(version, topology, actor)

    def collect(self) -> Iterator[Metric]:
        yield self._info
