"""Hears when something in a folder changes."""

from __future__ import annotations

import logging
from pathlib import Path

import gevent
from gevent.event import Event as Flag
from gevent.threadpool import ThreadPool
from watchfiles import watch

log = logging.getLogger("actorkit.actor")


class _Stop:
    """What watchfiles asks from its thread; an event of gevent's belongs to the loop."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def is_set(self) -> bool:
        return self._is_set


class Watch:
    """A native thread that waits for the kernel to tell of changes in a folder. Where it cannot, as on some network
    mounts, whoever waits looks at the end of its time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # It tells of every change, a line each, and of those that are none of ours.
        logging.getLogger("watchfiles").setLevel(logging.WARNING)
        self._stop = _Stop()
        self._changed = Flag()
        self._pool = ThreadPool(1)
        self._pool_loop = gevent.get_hub().loop
        self._async = self._pool_loop.async_()
        self._async.start(self._changed.set)
        self._pool.spawn(self._run)

    def _run(self) -> None:
        """In the native thread."""
        try:
            changes = watch(
                self._folder,
                watch_filter=None,
                debounce=50,
                step=10,
                rust_timeout=200,
                yield_on_timeout=True,
                recursive=False,
                stop_event=self._stop,
                raise_interrupt=False,
            )
            begun = False
            for change in changes:
                # What changed before the kernel was asked is found by a look once it was.
                if change or not begun:
                    self._async.send()
                begun = True
        except Exception as exc:  # noqa: BLE001  # there is another way, which is slower
            log.warning('"%s" cannot be watched, and is looked at again and again instead: %s', self._folder, exc)

    def wait(self, timeout_s: float) -> None:
        """Wait until something changed since the last wait, or the time is over."""
        self._changed.wait(timeout_s)
        self._changed.clear()

    def wake(self) -> None:
        """Have whoever waits go on."""
        self._changed.set()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._pool.join()
        self._pool.kill()
        self._async.stop()
        self._async.close()
