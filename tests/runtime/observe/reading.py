"""Metrics by value: what a collector shows, and which metrics a test has made move."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, ParamSpec

from prometheus_client.registry import Collector

from tests.places import DOCS

P = ParamSpec("P")


def value(collector: Collector, name: str, **labels: str) -> float:
    """The sum of the samples of that name that have these labels."""
    return sum(
        sample.value
        for family in collector.collect()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def documented(page: str) -> set[str]:
    """The metrics in the tables of a page of docs/."""
    return set(re.findall(r"^\| `(actorkit_\w+)` \|", (DOCS / page).read_text(), re.M))


class Moved:
    """Notes the metrics that tests make move: each is announced where the test stands, and read there."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._read: set[str] = set()

    def expect(self, collector: Collector, name: str, expected: float, **labels: str) -> None:
        """The metric has that value."""
        found = value(collector, name, **labels)
        assert found == expected, f"{name}{labels} is {found:g}, not {expected:g}"
        if expected:
            self._note(name)

    def expect_at_least(self, collector: Collector, name: str, least: float, **labels: str) -> None:
        """The metric has that value or a higher one, as ages have and sums of times."""
        found = value(collector, name, **labels)
        assert found >= least, f"{name}{labels} is {found:g}, not at least {least:g}"
        self._note(name)

    def _note(self, name: str) -> None:
        self._read.add(re.sub(r"_(count|sum|bucket)$", "", name))

    def by(self, *names: str) -> Callable[[Callable[P, Any]], Callable[P, None]]:
        """Decorates a test that expects each of these to be something else than 0."""
        self.names.update(names)

        def decorate(test: Callable[P, Any]) -> Callable[P, None]:
            @functools.wraps(test)
            def run(*args: P.args, **kwargs: P.kwargs) -> None:
                self._read = set()
                test(*args, **kwargs)
                assert set(names) <= self._read

            return run

        return decorate
