"""The one way in which tests wait: for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import gevent

T = TypeVar("T")


def until(
    condition: Callable[[], T | None], what: str = "it happens", timeout_s: float = 20.0, pause_s: float = 0.005
) -> T:
    """Wait until the condition is true, and let greenlets run meanwhile. Returns what it was in the end. `pause_s` is
    the time between two looks: longer where a look costs something.

    Raises:
        AssertionError: it was not true within `timeout_s` seconds; the message has `what`.
    """
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        gevent.sleep(pause_s)
    return found
