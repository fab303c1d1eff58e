"""How a broker tells registration services where it is."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import zmq
from gevent import monkey

from actorkit.mdp.directory.state import ANNOUNCE, HEADER, LEAVE, Announcement
from actorkit.transport.curve import present_keys
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.keys import ClientKeys
from actorkit.transport.socket import HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS

#: How long one attempt to reach a service may take, in milliseconds. Left alone, the kernel tries for two minutes.
CONNECT_TIMEOUT_MS: Final = 2000


class Announcer:
    """Announces a broker every `interval_s`, for three times as long; used from the broker's thread.

    It waits for nothing and reads no answer; a service that was away hears the next announcement. Its context is its
    own, so that looking up a service's name never holds up the broker's traffic.
    """

    def __init__(self, services: Sequence[str], endpoint: str, interval_s: float, keys: ClientKeys | None) -> None:
        self._endpoint = endpoint
        self._interval_s = interval_s
        self._due = 0.0
        self._context: zmq.Context[Any] = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        for service in services:
            dealer = self._context.socket(zmq.DEALER)
            dealer.linger = 500
            dealer.setsockopt(zmq.SNDHWM, 4)
            dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
            # A service that died without a word may be somewhere else by now: its name is looked up for each attempt.
            dealer.setsockopt(zmq.CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS)
            dealer.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
            dealer.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
            present_keys(dealer, keys)
            dealer.connect(service)
            self._sockets.append(dealer)

    def tick(self, now: float) -> None:
        """Announce if it is time."""
        if now >= self._due:
            self._due = now + self._interval_s
            self._say(ANNOUNCE)

    def leave(self) -> None:
        """Say that the broker takes no more."""
        self._due = float("inf")
        self._say(LEAVE)

    def close(self) -> None:
        for dealer in self._sockets:
            dealer.close()
        self._context.term()

    def _say(self, command: bytes) -> None:
        body = msgspec.msgpack.encode(Announcement(endpoint=self._endpoint, ttl_s=3 * self._interval_s))
        for dealer in self._sockets:
            try:
                dealer.send_multipart([b"", HEADER, command, body], zmq.NOBLOCK)
            except zmq.Again:
                continue  # the service is away; what waits for it is enough


# The plain functions: this runs in the broker's own thread, where gevent's would make a loop of its own.


def address_of(name: str) -> str:
    """The first address that the system knows of a host's name.

    Raises:
        OSError: it knows none now.
    """
    found = monkey.get_original("socket", "getaddrinfo")(name, None, type=socket.SOCK_STREAM)
    return str(found[0][4][0])


def own_endpoint(bound: str, service: str, address_of: Callable[[str], str] = address_of) -> str:
    """Where others reach a socket bound to every interface: our address on the way to the service.

    `bound` and `service` are endpoints, as "tcp://0.0.0.0:5555". An endpoint bound to one address is returned as it is.
    Where there is no way to the service yet, as when all pods start at once, it is the address of this host's own name,
    for the name itself means nothing to other pods; `address_of` finds it.
    """
    place = Endpoint.parse(bound)
    if not place.is_every_interface:
        return bound
    return str(Endpoint.tcp(_address_towards(Endpoint.parse(service)) or _address_of_name(address_of), place.port))


def _address_towards(service: Endpoint) -> str:
    """The address from which packets to a service leave, "" when that cannot be known."""
    if service.transport != "tcp":
        return ""
    plain: type[socket.socket] = monkey.get_original("socket", "socket")
    try:
        with plain(service.family, socket.SOCK_DGRAM) as probe:
            probe.connect((service.host, service.port))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def _address_of_name(address_of: Callable[[str], str]) -> str:
    """The address of this host's name; the name where that leads to this host only, or nowhere."""
    name = str(monkey.get_original("socket", "gethostname")())
    try:
        address = address_of(name)
    except OSError:
        return name
    return name if Endpoint.tcp(address, 0).is_local else address
