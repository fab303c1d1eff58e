"""Calls out of a native thread into the loop, which alone may touch what is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import gevent
from gevent.hub import Hub
from gevent.hub import Waiter as Waiting

T = TypeVar("T")


def call_in(hub: Hub, call: Callable[[], T], patience_s: float) -> T:
    """What `call` gives, made in a greenlet of another thread's hub; this thread waits meanwhile.

    Raises:
        TimeoutError: the loop gave nothing within `patience_s` seconds. Whatever `call` raises comes through untouched.
    """
    waiter = Waiting()
    loop = waiter.hub.loop

    def run() -> None:
        made: list[T] | BaseException
        try:
            made = [call()]
        except BaseException as exc:  # noqa: BLE001  # it is raised where the call is waited for
            made = exc
        loop.run_callback_threadsafe(waiter.switch, made)

    # The timer is also what this thread's own loop lives by: one that has nothing to wait for ends.
    timer = loop.timer(max(0.0, patience_s))
    timer.start(waiter.switch, None)
    try:
        hub.loop.run_callback_threadsafe(gevent.spawn, run)
        found: list[T] | BaseException | None = waiter.get()
    finally:
        timer.stop()
        timer.close()
    if found is None:
        raise TimeoutError(f"the loop gave nothing within {patience_s:g} s")
    if isinstance(found, BaseException):
        raise found
    return found[0]
