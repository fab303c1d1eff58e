"""The way from a value to one inside of it, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def walk(value: Any, steps: Sequence[str]) -> Any:
    """What the steps lead to: keys of mappings, places in lists, attributes. None where a step is missing or begins
    with `_`."""
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        elif step.startswith("_"):
            return None
        else:
            value = getattr(value, step, None)
        if value is None:
            return None
    return value
