"""A client of MajorDomo services, for gevent: many calls at a time, several brokers, fail-over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final

import gevent
import zmq
from gevent.event import Event
from gevent.lock import Semaphore

from actorkit.mdp.client.connection import BrokerConnection
from actorkit.mdp.directory.discovery import Discovery
from actorkit.mdp.errors import ClientClosed, FrameError, NoAnswer, NoBroker, ServiceFailed, ServiceRefused
from actorkit.mdp.frames import (
    ErrorHeader,
    RequestHeader,
    client_request,
    new_client_name,
    parse_answer,
    read_error_header,
    write_header,
)
from actorkit.transport.keys import ClientKeys

log = logging.getLogger(__name__)

#: A request of more bytes is sent only when the broker has said that it takes it, or does not say.
LARGE_BYTES: Final = 256 * 1024


class Client:
    """Calls services through every broker that stands behind the endpoints.

    `endpoints` are ZeroMQ endpoints, or `registry+tcp://…` for a registration service (discovery.py); every address
    behind a name is used, and looked up again every `resolve_s`. A call goes to the broker with the fewest calls of
    ours under way. One call, one socket; at most `max_calls` at a time, further ones wait. Use it from one thread;
    `close()` ends it.

    With `in_order` a call goes to the first broker that is there, by its address: to the same one for all clients that
    see the same brokers.

    `headers=False` leaves out the frame that tells our broker how long the call waits: other brokers would pass it on
    to the worker.

    With `keys` it talks to brokers that have the other half (CURVE).
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        addresses: Callable[[str], list[str]] | None = None,
        resolve_s: float = 1.0,
        max_calls: int = 512,
        headers: bool = True,
        in_order: bool = False,
        keys: ClientKeys | None = None,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._addresses = addresses or Discovery(keys=keys, connected=self._connected_addresses).addresses
        self._keys = keys
        self._context: zmq.Context[Any] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, 2 * max_calls + 4096)
        self._links: dict[str, BrokerConnection] = {}
        self._room = Semaphore(max_calls)
        self._headers = headers
        self._in_order = in_order
        self._name = new_client_name()
        self._links_changed = Event()
        self._uses = count(1)
        self._closed = False
        self._follow()
        self._follower = gevent.spawn(self._keep_following, resolve_s)

    def __repr__(self) -> str:
        return f"<Client of {', '.join(self._endpoints)}: {list(self._links.values())}>"

    @property
    def brokers(self) -> list[str]:
        """Addresses of the brokers that are there now."""
        return [link.address for link in self._links.values() if link.up]

    def _connected_addresses(self) -> list[str]:
        """Addresses of brokers that would have said so if they were about to stop."""
        return [link.address for link in self._links.values() if self._headers and link.up and not link.draining]

    def wait(self, timeout_s: float, brokers: int = 1) -> bool:
        """Wait until so many brokers are there; False when they are not in time."""
        deadline = time.monotonic() + timeout_s
        while len(self.brokers) < brokers and not self._closed:
            self._links_changed.clear()
            if not self._links_changed.wait(max(0.0, deadline - time.monotonic())):
                break
        return len(self.brokers) >= brokers

    def call(
        self, service: str, body: Sequence[bytes], *, timeout_s: float, retries: int = 0, backoff_s: float = 1.0
    ) -> list[bytes]:
        """Ask a service; returns the frames of its answer.

        `timeout_s` bounds the whole call; each of the `retries + 1` attempts gets its share of it. An attempt is over
        at once when its broker dies, and the next one goes to another broker. A broker that refuses (its queue is full,
        it stops) costs no retry while there is another; when every broker refuses, the next attempt is made after
        `backoff_s`, which doubles.

        Raises:
            NoAnswer: no answer came in time, or the broker died with the request (504).
            ServiceRefused: the broker did not take it, and says why; or would not, as it is too large (413).
            ServiceFailed: the worker's handler failed, or no worker finished it.
            NoBroker: no broker could be reached (503).
            ClientClosed: the client was closed meanwhile.
        """
        deadline = time.monotonic() + timeout_s
        if not self._room.acquire(timeout=timeout_s):
            raise NoAnswer(f'"{service}" was not asked within {timeout_s} s: too many calls are under way')
        try:
            attempt = 0
            while True:
                try:
                    share_s = (deadline - time.monotonic()) / (retries + 1 - attempt)
                    return self._attempt(service, body or [b""], share_s)
                except (NoAnswer, ServiceRefused) as exc:
                    pause_s = backoff_s * 2**attempt if isinstance(exc, ServiceRefused) else 0.0
                    attempt += 1
                    if attempt > retries or time.monotonic() + pause_s >= deadline or not _is_retryable(exc):
                        raise
                    gevent.sleep(pause_s)
        finally:
            self._room.release()

    def close(self) -> None:
        """End every call (with ClientClosed) and close every socket. Closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        self._follower.kill()
        for link in self._links.values():
            link.close()
        self._links_changed.set()
        while any(link.in_use for link in self._links.values()):
            gevent.sleep(0)  # the calls that were just ended close their own sockets
        self._links.clear()
        self._context.term()

    def _attempt(self, service: str, body: Sequence[bytes], timeout_s: float) -> list[bytes]:
        """Ask one broker, or several in turn as long as they refuse; wait for one that takes a draining one's place."""
        deadline = time.monotonic() + timeout_s
        refused: list[BrokerConnection] = []
        refusal: ServiceRefused | None = None
        while True:
            link = self._choose(refused) if refused else self._wait_for_link(deadline)
            if link is None:
                if refusal is not None:
                    raise refusal
                raise NoBroker(f"no broker could be reached at {', '.join(self._endpoints)}")
            try:
                self._check_size(link, service, body)
                return self._ask(link, service, body, max(0.0, deadline - time.monotonic()))
            except ServiceRefused as exc:
                if not _is_retryable(exc):
                    raise
                refusal = exc
                if not link.draining:
                    refused.append(link)

    def _ask(self, link: BrokerConnection, service: str, body: Sequence[bytes], timeout_s: float) -> list[bytes]:
        name = service.encode()
        ms = max(1, int(timeout_s * 1000))
        header = [write_header(RequestHeader(ms=ms, client=self._name))] if self._headers else []
        link.last_used = next(self._uses)
        call_socket = link.take()
        answered = False
        try:
            frames = call_socket.ask(client_request(name, [*header, *body]), timeout_s)
            if frames is None:
                if self._closed:
                    raise ClientClosed(f'the client was closed while it waited for "{service}"')
                raise NoAnswer(f'the broker at {link.address} ended while it had a request for "{service}"')
            answer = parse_answer(frames, name)
            answered = True
        except gevent.Timeout:
            raise NoAnswer(f'"{service}" did not answer within {timeout_s:.3g} s through {link.address}') from None
        except FrameError as exc:
            raise NoAnswer(f'the broker at {link.address} sent no answer from "{service}": {exc}') from exc
        finally:
            link.give_back(call_socket, answered=answered)
        told = read_error_header(answer)
        if told is not None:
            self._raise(service, link, told)
        return answer

    def _check_size(self, link: BrokerConnection, service: str, body: Sequence[bytes]) -> None:
        """Refuse a request that is larger than the broker takes; what is not large is not worth the question."""
        size = sum(map(len, body))
        if size <= LARGE_BYTES:
            return
        limit = link.max_body_bytes()
        if limit is not None and size > limit:
            raise ServiceRefused(
                f'"{service}" through {link.address}: the request has {size} bytes, more than the {limit} that the '
                "broker takes. Send less, or raise its max_body_bytes.",
                413,
            )

    def _raise(self, service: str, link: BrokerConnection, header: ErrorHeader) -> None:
        link.draining = header.draining
        where = f'"{service}" through {link.address}: {header.error}'
        if header.by != "broker":
            raise ServiceFailed(where, header.status)
        if header.status == NoAnswer.status:
            raise NoAnswer(where)
        if header.status == ServiceFailed.status:
            raise ServiceFailed(where)
        raise ServiceRefused(where, header.status)

    def _wait_for_link(self, deadline: float) -> BrokerConnection | None:
        while True:
            if self._closed:
                raise ClientClosed("the client is closed")
            link = self._choose([])
            if link is not None:
                return link
            self._links_changed.clear()
            if not self._links_changed.wait(max(0.0, deadline - time.monotonic())):
                return None

    def _choose(self, excluded: list[BrokerConnection]) -> BrokerConnection | None:
        """The broker with the fewest calls under way, of equals the one not used for longest.

        One that is not listed any more comes after all others.
        """
        while True:
            links = [link for link in self._links.values() if link.usable and link not in excluded]
            chosen = min(links, key=self._rank, default=None)
            if chosen is None:
                return None
            chosen.read_monitor()
            if chosen.usable:
                return chosen

    def _rank(self, link: BrokerConnection) -> tuple[bool, str, int, int]:
        return not link.listed, link.address if self._in_order else "", link.in_use, link.last_used

    def _keep_following(self, resolve_s: float) -> None:
        while True:
            gevent.sleep(resolve_s)
            try:
                self._follow()
            except Exception:  # a failed look-up must not end the following
                log.exception("mdp client: looking up %s failed", ", ".join(self._endpoints))

    def _follow(self) -> None:
        """Look every endpoint up; open links to new addresses, and close those that are listed no more and not needed.

        A list may be wrong, or empty because nobody could be asked. So a broker that is there is left only for another
        one that is there as well, or when it says that it ends.
        """
        found: dict[str, None] = {}
        for endpoint in self._endpoints:
            found.update(dict.fromkeys(self._addresses(endpoint)))
        if self._closed:
            return
        for address in found:
            if address not in self._links:
                self._links[address] = BrokerConnection(
                    self._context, address, self._keys, self._links_changed.set, watch=self._headers
                )
        for address, link in self._links.items():
            link.listed = address in found
        another = any(link.usable and link.listed for link in self._links.values())
        for address, link in list(self._links.items()):
            # A name that lists an address no more says "choose it no more": a draining broker still owes answers.
            if not link.listed and not link.in_use and (another or not link.usable):
                del self._links[address]
                link.close()
        self._links_changed.set()  # one may be listed again


def _is_retryable(error: NoAnswer | ServiceRefused) -> bool:
    """Whether the same request may be taken another time, or by another broker."""
    return error.status in (NoAnswer.status, ServiceRefused.status)
