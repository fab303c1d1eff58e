"""The selector of an asyncio loop that runs in a native thread of a process that gevent has patched."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

import gevent
from gevent import monkey
from gevent.hub import Waiter

#: A loop that always has something to do lets the greenlets of its thread run after this long, in seconds.
SLICE_S: Final = 0.001


class NativeSelector(selectors.BaseSelector):
    """The system's own selector (epoll, kqueue), which gevent takes out of `select` and `selectors`.

    gevent's replacement would make a watcher for each descriptor and look at each of them with a switch of greenlets.
    Here the thread's hub watches only the descriptor of the system's selector. While asyncio waits, that hub runs: what
    a library starts as a `threading.Thread` is a greenlet in a patched process, and gets its turn then.

    Attributes:
        native: the system's own selector.
    """

    def __init__(self) -> None:
        make: Callable[[], Any] = monkey.get_original("selectors", "DefaultSelector")
        self.native = make()
        self._hub = gevent.get_hub()
        self._watcher = self._hub.loop.io(self.native.fileno(), 1)
        self._turn_at = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key: selectors.SelectorKey = self.native.register(fileobj, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key: selectors.SelectorKey = self.native.unregister(fileobj)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key: selectors.SelectorKey = self.native.modify(fileobj, events, data)
        return key

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        found: Mapping[Any, selectors.SelectorKey] = self.native.get_map()
        return found

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready, after at most `timeout` seconds; None: without end."""
        ready: list[tuple[selectors.SelectorKey, int]] = self.native.select(0)
        if ready or (timeout is not None and timeout <= 0):
            now = monotonic()
            if now >= self._turn_at:
                gevent.sleep(0)
                self._turn_at = now + SLICE_S
            return ready
        self._wait(timeout)
        ready = self.native.select(0)
        return ready

    def _wait(self, timeout: float | None) -> None:
        waiter = Waiter(self._hub)
        timer = self._hub.loop.timer(timeout) if timeout is not None else None
        self._watcher.start(waiter.switch, None)
        try:
            if timer is not None:
                timer.start(waiter.switch, None)
            waiter.get()
        finally:
            self._watcher.stop()
            if timer is not None:
                timer.stop()
                timer.close()

    def close(self) -> None:
        self._watcher.close()
        self.native.close()
