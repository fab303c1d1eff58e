"""Methods that an actor wants to be called again and again (`actorkit.every`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic

import gevent
from gevent.event import Event as Flag

from actorkit.actor import Actor
from actorkit.host.methods import Methods

log = logging.getLogger("actorkit.host")


class Timers:
    """Calls the timer methods of one instance, each in a greenlet of its own. `crashed` is called with what ends one of
    them that is no Exception, as SystemExit."""

    def __init__(self, actor: Actor, methods: Methods, crashed: Callable[[BaseException], None]) -> None:
        self._actor = actor
        self._crashed = crashed
        self._methods = methods
        self._over = Flag()
        self._busy = 0
        self._greenlets: list[gevent.Greenlet[[str, float], None]] = []

    def start(self) -> None:
        """Begin to call."""
        for name, given in type(self._actor).timers().items():
            seconds = float(getattr(self._actor.params, given)) if isinstance(given, str) else given
            if seconds > 0:
                self._greenlets.append(gevent.spawn(self._live, name, seconds))

    def _live(self, name: str, seconds: float) -> None:
        method, due = self._methods.of(name), monotonic() + seconds
        while not self._over.wait(max(0.0, due - monotonic())):
            if self._over.is_set():  # after its time was over, and before this greenlet had its turn
                return
            self._busy += 1
            try:
                method()
            except Exception:
                self._actor.log.exception("the timer %s failed; it is called again", name)
            except gevent.GreenletExit:
                raise
            except BaseException as exc:  # it ends the instance, as it does in consume
                self._actor.log.error("the timer %s has ended the instance", name, exc_info=exc)
                self._crashed(exc)
                return
            finally:
                self._busy -= 1
            due = max(due + seconds, monotonic())

    @property
    def idle(self) -> bool:
        """Whether no call goes on."""
        return not self._busy

    def drain(self) -> None:
        """Begin no more calls."""
        self._over.set()

    def stop(self) -> None:
        """End them, wherever they are."""
        self._over.set()
        gevent.killall(self._greenlets, block=True, timeout=1)
