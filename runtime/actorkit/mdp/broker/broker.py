"""The broker as a process or thread: one ROUTER socket around BrokerState, on a plain blocking loop without gevent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import zmq
from prometheus_client.registry import Collector
from zmq.backend import Socket

from actorkit.mdp.broker.loop import flush, serve
from actorkit.mdp.broker.metrics import BrokerCollector
from actorkit.mdp.broker.state import BrokerState
from actorkit.mdp.directory.announcer import Announcer, own_endpoint
from actorkit.mdp.options import BrokerParams, refuse_clear
from actorkit.mdp.router import BoundRouter
from actorkit.mdp.server import RouterServer

#: Longest time between two looks at timers, in seconds.
TICK_S: Final = 0.1


class Broker(RouterServer):
    """A MajorDomo broker on one endpoint.

    It stops in three steps: 1. new requests are refused, 2. what is queued or being done is finished, for at most
    `drain_timeout_s`, 3. workers are disconnected and the socket is closed.

    `state` and `collector` may be read by any thread.
    """

    Params: TypeAlias = BrokerParams

    def __init__(
        self, endpoint: str, params: BrokerParams | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.params = params or BrokerParams()
        super().__init__("the broker", endpoint, self.params.keys, clock)
        self.state = BrokerState(self.params, clock())
        self.collector: Collector = BrokerCollector(lambda: self.state, clock, lambda: self.denied)
        self._tick_s = min(TICK_S, self.params.heartbeat_s / 4)
        self._announcer: Announcer | None = None

    def __repr__(self) -> str:
        return f"<Broker at {self.bound_endpoint or self.endpoint}: {self.state!r}>"

    def unready(self) -> str:
        """Why no requests should be sent here now; empty when they should."""
        return "draining" if self.state.draining else ""

    def waiting(self) -> Mapping[str, int]:
        """How many requests wait for each service or are being done, by its name. Any thread may ask."""
        return {service.label: service.queue.length + service.busy for service in self.state.services.all()}

    def members(self) -> Mapping[str, Any]:
        """The services with their workers and what waits for them, and how many clients have asked of late."""
        now, services = self._clock(), self.state.services.all()
        told = {
            service.label: {
                "workers": service.workers,
                "busy": service.busy,
                "waiting": service.queue.length,
                "oldest_waiting_s": round(service.oldest_s(now), 3),
            }
            for service in services
            if service.pinned or service.workers or service.queue.length
        }
        return {"services": told, "clients": len(self.state.clients.by_identity)}

    def _open(self) -> BoundRouter:
        refuse_clear("broker", self.endpoint, self.params.keys, clear=self.params.clear)
        return super()._open()

    def _configure(self, socket: Socket) -> None:
        socket.set(zmq.RCVTIMEO, int(1000 * self._tick_s))
        socket.set(zmq.SNDHWM, self.params.peer_backlog)
        socket.set(zmq.MAXMSGSIZE, 4 * self.params.max_body_bytes)
        socket.set(zmq.TCP_KEEPALIVE, 1)
        socket.set(zmq.TCP_KEEPALIVE_IDLE, 30)
        socket.set(zmq.TCP_KEEPALIVE_INTVL, 10)
        socket.set(zmq.BACKLOG, 1024)

    def _serve(self, socket: Socket) -> None:
        self._announcer = announcer = self._new_announcer()
        try:
            self._loop(socket, lambda: self._stopping)
            self.state.drain(self._clock())
            flush(socket, self.state, self._clock())
            if announcer is not None:
                announcer.leave()
            until = self._clock() + self.params.drain_timeout_s
            self._loop(socket, lambda: self.state.may_end(self._clock()) or self._clock() >= until)
            self.state.shut_down()
            flush(socket, self.state, self._clock())
        finally:
            if announcer is not None:
                announcer.close()
            self._announcer = None

    def _loop(self, socket: Socket, done: Callable[[], bool]) -> None:
        serve(socket, self.state, self._clock, done, self._tick_s, self._announce)

    def _announce(self, now: float) -> None:
        if self._announcer is not None:
            self._announcer.tick(now)

    def _new_announcer(self) -> Announcer | None:
        services = self.params.registration
        if not services:
            return None
        endpoint = self.params.advertise or own_endpoint(self.bound_endpoint or self.endpoint, services[0])
        return Announcer(services, endpoint, self.params.announce_s, self.params.registration_keys)
