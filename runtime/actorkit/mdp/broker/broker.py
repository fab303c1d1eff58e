"""The broker as a process or thread: one ROUTER socket around BrokerState, on a plain blocking loop without gevent."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import TypeAlias

import zmq
from prometheus_client.registry import Collector
from zmq.backend import Frame as FastFrame
from zmq.backend import Socket
from zmq.backend.cython import _zmq

from actorkit.mdp.broker.loop import flush, serve
from actorkit.mdp.broker.metrics import BrokerCollector
from actorkit.mdp.broker.state import BrokerState
from actorkit.mdp.directory.announcer import Announcer, own_endpoint
from actorkit.mdp.frames import EMPTY
from actorkit.mdp.options import BrokerParams, refuse_clear
from actorkit.mdp.router import BoundRouter

log = logging.getLogger(__name__)


#: Longest time between two looks at timers, in seconds.
_TICK_S = 0.1


def reuse_receive_frame() -> None:
    """Make this process cheaper for a broker that has it for itself: about a sixth less time for a request.

    pyzmq makes an object for every frame that it receives without a copy, by the name `Frame` that its compiled module
    looks up in its `zmq`. Here that name gives one frame, which is received into again and again: only one thread may
    receive so (`recv(copy=False)`), and it must read a frame before it receives the next. The garbage collector leaves
    alone what is there now, and looks less often: a request makes no cycles.
    """
    spare = _Spare()
    names = SimpleNamespace(**vars(zmq))
    names.Frame = lambda track=False: spare  # noqa: ARG005  # called so by pyzmq
    _zmq.zmq = names  # type: ignore[attr-defined,assignment]  # it is asked for names only
    gc.freeze()
    gc.set_threshold(50_000)


class _Spare(FastFrame):
    """A frame that is used again, so it must not keep a copy of what it held."""

    @property
    def bytes(self) -> bytes:
        return EMPTY + self  # type: ignore[operator]  # a frame is a buffer


class Broker:
    """A MajorDomo broker on one endpoint.

    `run()` blocks until `stop()` is called, from a signal handler or any thread, and the drain has ended: 1. new
    requests are refused, 2. what is queued or being done is finished, for at most `drain_timeout_s`, 3. workers are
    disconnected and the socket is closed.

    One thread owns the socket: call `bind()` (optional, to know the port) and `run()` only. `state` and `collector` may
    be read by any thread.
    """

    Params: TypeAlias = BrokerParams

    def __init__(
        self, endpoint: str, params: BrokerParams | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.endpoint = endpoint
        self.params = params or BrokerParams()
        self.state = BrokerState(self.params, clock())
        self.collector: Collector = BrokerCollector(lambda: self.state, clock, lambda: self.denied)
        self._clock = clock
        self._stopping = False
        self._bound: str | None = None
        self.router: BoundRouter | None = None
        self._announcer: Announcer | None = None

    def __repr__(self) -> str:
        return f"<Broker at {self._bound or self.endpoint}: {self.state!r}>"

    @property
    def bound_endpoint(self) -> str | None:
        """The endpoint with its real port; None before `bind()`."""
        return self._bound

    def bind(self) -> str:
        """Open and bind the socket; return the endpoint with its real port. Raises SettingsError if it cannot."""
        return self._open().bound

    def run(self) -> None:
        """Serve until stopped and drained; then the socket is closed."""
        router = self._open()
        socket = router.socket
        self._announcer = self._new_announcer()
        log.info("broker serves at %s", self._bound)
        try:
            self._serve(socket, lambda: self._stopping)
            self.state.drain(self._clock())
            flush(socket, self.state, self._clock())
            if self._announcer is not None:
                self._announcer.leave()
            until = self._clock() + self.params.drain_timeout_s
            self._serve(socket, lambda: self.state.may_end(self._clock()) or self._clock() >= until)
            self.state.shut_down()
            flush(socket, self.state, self._clock())
        finally:
            if self._announcer is not None:
                self._announcer.close()
            router.close(1000)
            self.router = self._announcer = None
        log.info("broker at %s ended", self._bound)

    def stop(self) -> None:
        """Ask `run()` to drain and return; it hears of it within a tenth of a second."""
        self._stopping = True

    def unready(self) -> str:
        """Tell why no requests should be sent here now; empty when they should."""
        return "draining" if self.state.draining else ""

    @property
    def denied(self) -> int:
        """Connections without a known key."""
        return self.router.denied if self.router is not None else 0

    def _open(self) -> BoundRouter:
        if self.router is None:
            refuse_clear("broker", self.endpoint, self.params.keys, clear=self.params.clear)
            self.router = BoundRouter("the broker", self.endpoint, self.params.keys, self._configure)
            self._bound = self.router.bound
        return self.router

    def _new_announcer(self) -> Announcer | None:
        services = self.params.registration
        if not services or self._bound is None:
            return None
        endpoint = self.params.advertise or own_endpoint(self._bound, services[0])
        return Announcer(services, endpoint, self.params.announce_s, self.params.registration_keys)

    def _configure(self, socket: Socket) -> None:
        socket.set(zmq.RCVTIMEO, int(1000 * min(_TICK_S, self.params.heartbeat_s / 4)))
        socket.set(zmq.SNDHWM, self.params.peer_backlog)
        socket.set(zmq.MAXMSGSIZE, 4 * self.params.max_body_bytes)
        socket.set(zmq.TCP_KEEPALIVE, 1)
        socket.set(zmq.TCP_KEEPALIVE_IDLE, 30)
        socket.set(zmq.TCP_KEEPALIVE_INTVL, 10)
        socket.set(zmq.BACKLOG, 1024)

    def _serve(self, socket: Socket, done: Callable[[], bool]) -> None:
        tick_s = min(_TICK_S, self.params.heartbeat_s / 4)
        serve(socket, self.state, self._clock, done, tick_s, self._announce)

    def _announce(self, now: float) -> None:
        if self._announcer is not None:
            self._announcer.tick(now)
