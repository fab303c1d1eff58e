"""The broker as a process or thread: one ROUTER socket around BrokerState, on a plain blocking loop without gevent."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import zmq
from prometheus_client.registry import Collector
from zmq.backend import Frame as FastFrame
from zmq.backend import Socket

from actorkit.errors import SettingsError
from actorkit.mdp.announcer import Announcer, own_endpoint
from actorkit.mdp.doorman import Doorman
from actorkit.mdp.keys import is_local
from actorkit.mdp.loop import flush, serve
from actorkit.mdp.metrics import BrokerCollector
from actorkit.mdp.options import BrokerParams
from actorkit.mdp.state import BrokerState

log = logging.getLogger(__name__)


#: Longest time between two looks at timers, in seconds.
_TICK_S = 0.1


def lean() -> None:
    """Make this process cheaper for a broker that has it for itself: about an eighth less time for a request.

    pyzmq then hands out its plain compiled frames instead of their Python subclass (no properties by item), and the
    garbage collector leaves alone what is there now and looks less often: a request makes no cycles.
    """
    zmq.Frame = FastFrame  # type: ignore[misc,assignment]  # the name is looked up at every receive
    gc.freeze()
    gc.set_threshold(50_000)


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
        self.collector: Collector = BrokerCollector(lambda: self.state, clock, self._denied)
        self._clock = clock
        self._stopping = False
        self._bound: str | None = None
        self._socket: Socket | None = None
        self._announcer: Announcer | None = None
        self.doorman: Doorman | None = None
        self._context: zmq.Context[Any] | None = None

    def __repr__(self) -> str:
        return f"<Broker at {self._bound or self.endpoint}: {self.state!r}>"

    @property
    def bound_endpoint(self) -> str | None:
        """The endpoint with its real port; None before `bind()`."""
        return self._bound

    def bind(self) -> str:
        """Open and bind the socket; return the endpoint with its real port. Raises SettingsError if it cannot."""
        if self._socket is None:
            self._open()
        return self._bound or self.endpoint

    def run(self) -> None:
        """Serve until stopped and drained; then the socket is closed."""
        socket = self._socket or self._open()
        self._announcer = self._new_announcer()
        log.info("broker serves at %s", self._bound)
        try:
            self._serve(socket, lambda: self._stopping)
            self.state.drain(self._clock())
            if self._announcer is not None:
                self._announcer.leave()
            until = self._clock() + self.params.drain_timeout_s
            self._serve(socket, lambda: self.state.may_end(self._clock()) or self._clock() >= until)
            self.state.farewell()
            flush(socket, self.state, self._clock())
        finally:
            self._close(1000)
        log.info("broker at %s ended", self._bound)

    def stop(self) -> None:
        """Ask `run()` to drain and return; it hears of it within a tenth of a second."""
        self._stopping = True

    def unready(self) -> str:
        """Tell why no requests should be sent here now; empty when they should."""
        return "draining" if self.state.draining else ""

    def _open(self) -> Socket:
        if self.params.keys is None and not self.params.clear and not is_local(self.endpoint):
            if self.params.clear is False:
                raise SettingsError(
                    f'the broker at "{self.endpoint}" can be reached from other machines and has no keys. '
                    "Give it keys, or set clear: true."
                )
            log.warning("broker: whoever reaches %s may use it: it has no keys", self.endpoint)
        self._context = zmq.Context()
        self._socket = socket = Socket(self._context, zmq.ROUTER)
        try:
            self._configure(socket)
            if self.params.keys is not None:
                self.doorman = Doorman(self._context, self.params.keys.allowed)
                self.params.keys.apply(socket)
            socket.bind(self.endpoint)
        except SettingsError:
            self._close(0)
            raise
        except zmq.ZMQError as exc:
            self._close(0)
            raise SettingsError(f'the broker cannot bind "{self.endpoint}": {exc}. Choose a free endpoint.') from exc
        bound = socket.get(zmq.LAST_ENDPOINT)
        self._bound = bound.rstrip(b"\0").decode() if isinstance(bound, bytes) else self.endpoint
        return socket

    def _denied(self) -> int:
        return self.doorman.denied if self.doorman is not None else 0

    def _new_announcer(self) -> Announcer | None:
        services = self.params.registration
        if not services or self._bound is None:
            return None
        endpoint = self.params.advertise or own_endpoint(self._bound, services[0])
        return Announcer(services, endpoint, self.params.announce_s, self.params.registration_keys)

    def _close(self, linger_ms: int) -> None:
        if self._announcer is not None:
            self._announcer.close()
        if self._socket is not None:
            self._socket.close(linger_ms)
        if self.doorman is not None:
            self.doorman.close()
        if self._context is not None:
            self._context.term()
        self._socket = self._context = self._announcer = self.doorman = None

    def _configure(self, socket: Socket) -> None:
        socket.set(zmq.ROUTER_MANDATORY, 1)
        socket.set(zmq.IPV6, int("[" in self.endpoint))
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
