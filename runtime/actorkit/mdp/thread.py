"""A broker or registration service in a native thread beside gevent's loop, for a whole graph in one process."""

from __future__ import annotations

import gevent
from gevent.threadpool import ThreadPool

from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.options import BrokerParams
from actorkit.mdp.server import Server


class ServerThread:
    """Runs a server. The thread is a real one also where `threading` is gevent's."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._pool = ThreadPool(1)
        self._running: gevent.event.AsyncResult | None = None

    def start(self) -> str:
        """Bind and run; returns the endpoint with its real port.

        Raises:
            SettingsError: it cannot be bound, or a key is wrong.
        """
        try:
            endpoint = self._pool.apply(self._server.bind)
        except BaseException:
            self._pool.kill()
            raise
        self._running = self._pool.spawn(self._server.run)
        return str(endpoint)

    def stop(self) -> None:
        """Drain and end the thread."""
        self._server.stop()
        if self._running is not None:
            self._running.get()
        self._pool.kill()


class BrokerThread(ServerThread):
    """A broker on a free loopback port."""

    def __init__(self, params: BrokerParams | None = None) -> None:
        self.broker = Broker("tcp://127.0.0.1:*", params)
        super().__init__(self.broker)
