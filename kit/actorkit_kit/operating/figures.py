"""The figures of one instance as /metrics tells them, and what follows from two readings of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

#: The labels of a sample that tell it from others of its name, as (label, value), sorted.
Labels: TypeAlias = tuple[tuple[str, str], ...]

#: Labels that all samples of an instance have.
_COMMON: Final = frozenset(("topology", "actor", "instance"))


@dataclass(frozen=True)
class Figures:
    """The samples of one instance by name and labels, at a moment of this machine's clock."""

    moment: float
    samples: Mapping[str, Mapping[Labels, float]]

    @classmethod
    def read(cls, text: str, moment: float) -> Figures:
        """What a page says; samples that cannot be read are left out.

        Raises:
            ValueError: the page is none of Prometheus'.
        """
        found: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k not in _COMMON))
                found.setdefault(sample.name, {})[labels] = sample.value
        return cls(moment, found)

    def total(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        wanted = set(labels.items())
        return sum(value for has, value in self.samples.get(name, {}).items() if wanted <= set(has))

    def most(self, name: str) -> float:
        """The largest of a metric's samples; 0 where there is none."""
        return max(self.samples.get(name, {}).values(), default=0.0)

    def values_of(self, name: str, label: str) -> set[str]:
        """The values that a label has in a metric's samples."""
        return {value for has in self.samples.get(name, {}) for key, value in has if key == label}


def rate(before: Figures | None, now: Figures, name: str, **labels: str) -> float:
    """How much a counter has grown a second. An instance that has begun anew counts from 0."""
    if before is None or now.moment <= before.moment:
        return 0.0
    grown = now.total(name, **labels) - before.total(name, **labels)
    return max(0.0, grown if grown >= 0 else now.total(name, **labels)) / (now.moment - before.moment)


def quantile(pairs: Iterable[tuple[Figures | None, Figures]], name: str, share: float) -> float | None:
    """What a share of the observations in between is below, as Prometheus' `histogram_quantile` tells it: between the
    bounds of a bucket they count as evenly spread. None where there are none."""
    counts: dict[float, float] = {}
    for before, now in pairs:
        for labels, value in now.samples.get(f"{name}_bucket", {}).items():
            bound = float(dict(labels)["le"])
            earlier = before.samples.get(f"{name}_bucket", {}).get(labels, 0.0) if before is not None else 0.0
            counts[bound] = counts.get(bound, 0.0) + (value - earlier if value >= earlier else value)
    bounds = sorted(counts)
    whole = counts[bounds[-1]] if bounds else 0.0
    if not whole:
        return None
    low, below = 0.0, 0.0
    for bound in bounds:
        if counts[bound] >= share * whole:
            if math.isinf(bound):
                return low
            return low + (bound - low) * (share * whole - below) / (counts[bound] - below)
        low, below = bound, counts[bound]
    return low
