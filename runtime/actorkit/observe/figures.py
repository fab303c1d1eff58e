"""Figures that an actor has of its own, for /metrics."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One value. With a label it is one of several that only grow, a counter; without one it is a gauge, unless its
    name ends in `_total`."""

    name: str
    meaning: str
    value: float
    label: str = ""
    label_value: str = ""
