"""The peers of others that an actor speaks ZeroMQ with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import gevent
import zmq

from actorkit.errors import SettingsError
from actorkit.transport.curve import demand_keys, present_keys
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.socket import HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS
from actorkit.transport.zap import ZapHandler
from actorkit_actors.zmq.peer import ConnectParams
from actorkit_actors.zmq.socket import LINGER_MS, PeerSocket

#: Options of every socket: the kernel finds out that a peer was cut off. (ZeroMQ's own heartbeats are not known to all
#: others, and end a process of libzmq 4.3.5 where one falls due at a bad moment.)
OPTIONS: Final[Mapping[int, int]] = {
    zmq.TCP_KEEPALIVE: 1,
    zmq.TCP_KEEPALIVE_IDLE: HEARTBEAT_MS // 1000,
    zmq.TCP_KEEPALIVE_INTVL: HEARTBEAT_MS // 1000,
    zmq.TCP_KEEPALIVE_CNT: HEARTBEAT_TIMEOUT_MS // HEARTBEAT_MS,
    zmq.TCP_MAXRT: HEARTBEAT_TIMEOUT_MS,
    # What is for a peer that is not there goes to another one, or waits; it is not kept for it.
    zmq.IMMEDIATE: 1,
}


class Peers:
    """Opens sockets to them; with keys it lets in only those that are allowed."""

    def __init__(self, params: ConnectParams) -> None:
        self._params = params
        # A context of its own: it has one handler that says who may connect.
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._handler: ZapHandler | None = None
        self._sockets: list[PeerSocket] = []

    def open(self, kind: int, options: Mapping[int, int | bytes] | None = None) -> PeerSocket:
        """A socket that is bound, or connects.

        Raises:
            SettingsError: the endpoint cannot be had, or a key is none.
        """
        socket = self._context.socket(kind)
        try:
            self._set(socket, {**OPTIONS, **(options or {})})
            leave = self._bind(socket) if self._params.bound else self._connect(socket)
        except BaseException:
            socket.close(0)
            if not self._sockets:
                self.close()  # whoever wanted the first one does not begin
            raise
        made = PeerSocket(socket, leave)
        self._sockets = [*(one for one in self._sockets if not one.closed), made]
        return made

    def close(self) -> None:
        """Close all sockets, and wait until what they still keep is sent, or has had its time."""
        for socket in self._sockets:
            socket.close()
        if self._handler is not None:
            self._handler.close()
            self._handler = None
        gevent.get_hub().threadpool.apply(self._context.term)

    def _set(self, socket: zmq.Socket[bytes], options: Mapping[int, int | bytes]) -> None:
        socket.setsockopt(zmq.LINGER, LINGER_MS)
        socket.setsockopt(zmq.SNDHWM, self._params.queue)
        socket.setsockopt(zmq.RCVHWM, self._params.queue)
        socket.setsockopt(zmq.MAXMSGSIZE, self._params.max_event_bytes)
        for option, value in options.items():
            socket.setsockopt(option, value)

    def _bind(self, socket: zmq.Socket[bytes]) -> Callable[[], None]:
        endpoint = self._params.bound
        keys = self._params.server
        if keys is not None:
            if self._handler is None:
                self._handler = ZapHandler(self._context, keys.allowed)
            demand_keys(socket, keys)
        socket.setsockopt(zmq.IPV6, int(Endpoint.parse(endpoint).is_ipv6))
        try:
            socket.bind(endpoint)
        except zmq.ZMQError as exc:
            raise SettingsError(f"cannot listen on {endpoint}: {exc.strerror}. Free it or choose another.") from exc
        bound = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        return lambda: socket.unbind(bound)

    def _connect(self, socket: zmq.Socket[bytes]) -> Callable[[], None]:
        present_keys(socket, self._params.client)
        for endpoint in self._params.connect:
            socket.setsockopt(zmq.IPV6, int(Endpoint.parse(endpoint).is_ipv6))
            socket.connect(endpoint)

        def leave() -> None:
            for endpoint in self._params.connect:
                socket.disconnect(endpoint)

        return leave
