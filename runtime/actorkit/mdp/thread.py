"""A broker in a native thread beside gevent's loop, for a program that runs its whole graph in one process."""

from __future__ import annotations

import gevent
from gevent.threadpool import ThreadPool

from actorkit.mdp.broker import Broker
from actorkit.mdp.options import BrokerParams


class BrokerThread:
    """Runs a broker on a free loopback port. The thread is a real one also where `threading` is gevent's."""

    def __init__(self, params: BrokerParams | None = None) -> None:
        self.broker = Broker("tcp://127.0.0.1:*", params)
        self._pool = ThreadPool(1)
        self._running: gevent.event.AsyncResult | None = None

    def start(self) -> str:
        """Bind and run; returns the endpoint that clients and workers connect to."""
        endpoint = self._pool.apply(self.broker.bind)
        self._running = self._pool.spawn(self.broker.run)
        return str(endpoint)

    def stop(self) -> None:
        """Drain and end the thread."""
        self.broker.stop()
        if self._running is not None:
            self._running.get()
        self._pool.kill()
