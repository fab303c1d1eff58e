"""All texts inside a JSON-like value. Others make them, as deep as they like, so nothing here recurses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def change_texts(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of the value with each text in it as `change` returns it. The keys of mappings stay; tuples become lists.
    The value must not hold itself."""
    copy: list[Any] = [None]
    waiting: list[tuple[Any, Any, Any]] = [(value, copy, 0)]
    while waiting:
        one, around, place = waiting.pop()
        made = one
        if isinstance(one, str):
            made = change(one)
        elif isinstance(one, dict):
            made = dict.fromkeys(one)  # in their order
            waiting.extend((inner, made, key) for key, inner in one.items())
        elif isinstance(one, list | tuple):
            made = [None] * len(one)
            waiting.extend((inner, made, index) for index, inner in enumerate(one))
        around[place] = made
    return copy[0]
