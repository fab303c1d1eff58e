"""Where brokers are: the addresses behind names, or those that a registration service lists."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import gevent
import msgspec
import zmq
from gevent.socket import wait_read
from zmq.backend import Socket

from actorkit.errors import UNREADABLE
from actorkit.mdp.directory.state import BROKERS, HEADER, LIST, Listing
from actorkit.transport.curve import present_keys
from actorkit.transport.endpoint import REGISTRY, Endpoint
from actorkit.transport.keys import ClientKeys
from actorkit.transport.resolver import Resolver
from actorkit.transport.socket import receive

log = logging.getLogger(__name__)

#: How long a broker is remembered that no service lists while one of them does not answer, in seconds.
REMEMBER_S: Final = 60.0

#: How long one registration service may take to answer, in seconds.
ANSWER_TIMEOUT_S: Final = 1.0


class Discovery:
    """Tells the addresses of all brokers behind an endpoint, for gevent.

    `registry+tcp://host:port` asks every registration service behind that name, and lists what any of them lists. One
    that does not answer, or has just been started and may not know all, takes nothing away from what was known; if
    another one lists all, only for `remember_s`. Nor is a broker forgotten that one is connected to (`connected` tells
    the addresses): whether it is there its connection knows best, and that to the service may be what is broken.
    """

    def __init__(
        self,
        resolver: Callable[[str], list[str]] | None = None,
        *,
        keys: ClientKeys | None = None,
        connected: Callable[[], Iterable[str]] = tuple,
        remember_s: float = REMEMBER_S,
    ) -> None:
        self._resolver = resolver or Resolver().addresses
        self._keys = keys
        self._connected = connected
        self._remember_s = remember_s
        #: Brokers by endpoint, and when they were listed last.
        self._known: dict[str, dict[str, float]] = {}
        #: The addresses told last, by endpoint.
        self._told: dict[str, list[str]] = {}

    def addresses(self, endpoint: str) -> list[str]:
        """The addresses behind an endpoint, each an endpoint to connect to."""
        if not endpoint.startswith(REGISTRY):
            return self._resolver(endpoint)
        service = endpoint.removeprefix(REGISTRY)
        asked = [gevent.spawn(ask, address, keys=self._keys) for address in self._resolver(service)]
        gevent.joinall(asked)
        listings = [greenlet.value for greenlet in asked if isinstance(greenlet.value, Listing)]
        now = time.monotonic()
        listed = dict.fromkeys((broker.endpoint for listing in listings for broker in listing.brokers), now)
        if len(listings) < len(asked) or not asked or not all(listing.complete for listing in listings):
            forgotten = now - self._remember_s if any(listing.complete for listing in listings) else float("-inf")
            known = self._known.get(endpoint, {})
            listed = {**{broker: seen for broker, seen in known.items() if seen > forgotten}, **listed}
        self._known[endpoint] = listed
        connected = set(self._connected())
        there = [address for address in self._told.get(endpoint, ()) if address in connected]
        self._told[endpoint] = list(dict.fromkeys([*self._resolve_all(listed), *there]))
        return self._told[endpoint]

    def _resolve_all(self, endpoints: Iterable[str]) -> list[str]:
        found: dict[str, None] = {}
        for endpoint in endpoints:
            try:
                found.update(dict.fromkeys(self._resolver(endpoint)))
            except ValueError as exc:
                log.warning("a registration service lists what is no broker: %s", exc)
        return list(found)


def ask(address: str, timeout_s: float = ANSWER_TIMEOUT_S, *, keys: ClientKeys | None = None) -> Listing | None:
    """Ask the registration service at an address; None when it does not answer in time, or not sensibly."""
    context: zmq.Context[Any] = zmq.Context()
    socket = Socket(context, zmq.DEALER)
    try:
        socket.set(zmq.IPV6, int(Endpoint.parse(address).is_ipv6))
        present_keys(socket, keys)
        socket.connect(address)
        for part in (b"", HEADER):
            socket.send(part, zmq.SNDMORE)
        socket.send(LIST)
        deadline = time.monotonic() + timeout_s
        frames = receive(socket)
        while frames is None:
            wait_read(int(socket.get(zmq.FD)), max(0.001, deadline - time.monotonic()))
            frames = receive(socket)
    except TimeoutError:
        return None
    finally:
        socket.close(0)
        context.term()
    if len(frames) != 4 or frames[1:3] != [HEADER, BROKERS]:
        return None
    try:
        return msgspec.msgpack.decode(frames[3], type=Listing)
    except UNREADABLE:
        log.warning("the registration service at %s sent a listing that cannot be read", address)
        return None
