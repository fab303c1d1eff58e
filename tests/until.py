"""How every test waits: for a condition, never for a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

#: How long a test waits for what must happen, in seconds.
PATIENCE_S = 20.0


def until(condition: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait until the condition holds; fail with `what` when it does not in time. Where gevent runs, others go on."""
    sleep = sys.modules["gevent"].sleep if "gevent" in sys.modules else time.sleep
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        sleep(0.005)
