"""HTTP in, events out, and their answers back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, Final

import gevent
from gevent import socket
from gevent.pool import Pool
from gevent.server import StreamServer

from actorkit import Actor, ErrorMessage, Event, Http, NotFound, ServiceUnavailable
from actorkit.errors import ActorkitError, AnswerTimeout, MethodNotAllowed, NotAnswered, RequestFailed, SettingsError
from actorkit.event.ids import new_id
from actorkit.graph import RESERVED
from actorkit.observe.figures import Figure
from actorkit.params import Problem
from actorkit.process.memory import memory_limit_bytes
from actorkit.transport.tcp import listen, tls_context
from actorkit_actors.http import answer, intake, media
from actorkit_actors.http.budget import Budget, Lease, default_bytes, default_connections
from actorkit_actors.http.connection import Connection
from actorkit_actors.http.guard import SWEEP_S, Guard
from actorkit_actors.http.message import Refusal, Request, Response
from actorkit_actors.http.routes import NoRoute, Router
from actorkit_actors.http.server_params import ServerParams

#: New connections that are taken before those that are there have their turns; gevent takes a hundred.
MAX_ACCEPT: Final = 8

#: How long `teardown` waits for responses that are being written, in seconds.
CLOSE_S: Final = 2.0
#: How long connections that were used just now may still be used when the server is told to end, in seconds.
LINGER_S: Final = 2.0
#: How often it looks whether there are any, in seconds.
LOOK_S: Final = 0.02


class HTTPServer(Actor):
    """Makes an event of each request, sends it into the outbox that the route names, and answers with what comes back.

    A request's content type decides the event's format; the client's Accept decides the answer's. The event of an error
    is answered with its status, whether an error connection leads here or not; when all is done and nothing came back:
    202, when nothing comes in time: 504. At the end: a last response on each connection in use, no new one, close.
    """

    NAME: ClassVar[str] = "http-server"
    EXTRA: ClassVar[str] = "http"
    ANSWERS = True
    SETTLES: ClassVar[str] = (
        "the client is answered when its answer or its failure is there; 202 when all is finished, and neither"
    )
    REPEATS: ClassVar[str] = "no"
    LISTENS: ClassVar[dict[str, int]] = {"port": 8080}

    Params = ServerParams
    params: ServerParams
    #: None until `setup` has got the port.
    _server: StreamServer | None = None

    @classmethod
    def check(cls, params: ServerParams) -> Iterable[Problem]:
        """What `setup` would complain about, but for the port."""
        try:
            Router(params.routes, params.base_path)
        except SettingsError as exc:
            yield Problem("routes", str(exc).removeprefix("routes: "))
        for number, route in enumerate(params.routes):
            for key, wrong in route.mistakes():
                yield Problem(f"routes[{number}].{key}", wrong)
        try:
            tls_context(params.certfile, params.keyfile)
        except SettingsError as exc:
            yield Problem("certfile", str(exc))

    @classmethod
    def named_outboxes(cls, params: ServerParams) -> Mapping[str, str]:
        return {
            path: outbox for n, route in enumerate(params.routes) for path, outbox in route.outbox_names(f"routes[{n}]")
        }

    def __repr__(self) -> str:
        some = ", ".join(map(repr, islice(self._connections, 8)))
        return f"<HTTPServer {self.name}: {len(self._connections)} connections, {self._active} waiting: {some}>"

    def setup(self) -> None:
        """Listen.

        Raises:
            SettingsError: a route or the certificate cannot be used, or the address cannot be had.
        """
        self._router = Router(self.params.routes, self.params.base_path)
        self._tls = tls_context(self.params.certfile, self.params.keyfile)
        memory_bytes = memory_limit_bytes()
        self._guard = Guard(
            Budget(self.params.memory_bytes or default_bytes(memory_bytes)),
            self.params.max_connections or default_connections(memory_bytes),
        )
        self._connections = self._guard.connections
        self._active = 0
        #: Requests that wait for an answer, by their outbox. Where there are several, a dead one must not take all.
        self._waiting: dict[str | None, int] = {}
        #: Where requests may go by name.
        self._queues = frozenset(self.runtime.outboxes) - set(RESERVED)
        most = self.params.max_requests
        self._most_waiting = max(1, most * 3 // 4) if len(self._queues) > 1 else most
        self._closing = False
        #: Responses by status.
        self._responses: dict[int, int] = {}
        listener = listen(self.params.host, self.params.port)
        self._server = StreamServer(listener, self._serve, spawn=Pool(self._guard.most_connections))
        self._server.max_accept = MAX_ACCEPT
        self._server.start()
        self._sweeper = gevent.spawn(self._sweep)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_port) if self._server is not None else self.params.port

    @property
    def draining(self) -> bool:
        """Whether every connection ends with its next response."""
        return self._closing

    def drain(self) -> None:
        """Let each connection end with its next response, and accept no new one; close those that stay idle.

        A client that uses its connection again and again may send on it at the very moment in which it is closed, and
        does not know then what became of its request. So one that was used just now gets some time for another one.
        """
        if self._server is None or self._closing:
            return
        self._closing = True
        end = time.monotonic() + LINGER_S
        while any(one.idle_since() > time.monotonic() - LINGER_S for one in self._connections if one.idle):
            if time.monotonic() > end:
                break
            gevent.sleep(LOOK_S)
        self._close()

    def _close(self) -> None:
        """Accept no new connection, and close those that are idle."""
        if self._server is not None and not self._server.closed:
            self._server.stop_accepting()
            self._server.close()
        for connection in list(self._connections):
            if connection.idle:
                connection.expire()

    def teardown(self) -> None:
        """Close, and let responses be written for a moment."""
        if self._server is None:
            return
        self._closing = True
        self._close()
        deadline = time.monotonic() + CLOSE_S
        while self._connections and time.monotonic() < deadline:
            gevent.sleep(0.01)
        self._sweeper.kill()
        self._server.stop(timeout=0)

    def _sweep(self) -> None:
        interval_s = min(SWEEP_S, self.params.idle_timeout_s / 4)
        while True:
            gevent.sleep(interval_s)
            self._guard.sweep()

    def _serve(self, sock: Any, address: tuple[Any, ...]) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            try:
                with gevent.Timeout(self.params.idle_timeout_s):
                    sock = self._tls.wrap_socket(sock, server_side=True)
            except (OSError, gevent.Timeout) as exc:
                self.log.debug("%s: no TLS: %s", address[0], exc)
                sock.close()
                return
        connection = Connection(sock, str(address[0]), self, self._guard, self.params)
        self._connections.add(connection)
        try:
            connection.serve()
        finally:
            self._connections.discard(connection)

    def respond(self, request: Request, remote: str) -> Response:
        """Answer one request."""
        started = time.monotonic() if self.params.access_log else 0.0
        try:
            response = self._respond(request, remote)
        except NotAnswered:
            response = Response(202, headers=[("X-Request-ID", _trace(request))])
        except ActorkitError as exc:
            response = self._failure_response(exc, request)
        except Exception:
            self.log.exception(
                "the request %s %s could not be answered; it is %s",
                request.method,
                request.target.decode("latin-1"),
                _trace(request),
            )
            response = answer.of_errors(500, (), request.headers, _trace(request))
        self._responses[response.status] = self._responses.get(response.status, 0) + 1
        if self.params.access_log:
            ms = (time.monotonic() - started) * 1000
            self.log.info(
                "%s %s %r %d %.1f ms", remote, request.method, request.target.decode("latin-1"), response.status, ms
            )
        return response

    def refuse(self, refusal: Refusal, headers: dict[str, str], remote: str) -> Response:
        """Answer what is no request that can be served, and count it."""
        self._guard.count(refusal.kind)
        self._responses[refusal.status] = self._responses.get(refusal.status, 0) + 1
        trace = f"{new_id():016x}"
        self.log.debug("%s: refused with %d: %s; it is %s", remote, refusal.status, refusal.reason, trace)
        return answer.of_errors(refusal.status, [ErrorMessage(refusal.reason)], headers, trace)

    def figures(self) -> Iterator[Figure]:
        """What the server holds and refuses."""
        for status, count in sorted(self._responses.items()):
            yield Figure("actorkit_http_responses", "Responses, by status.", count, "status", str(status))
        for reason, count in sorted(self._guard.refused.items()):
            yield Figure("actorkit_http_refused", "Clients turned away, by reason.", count, "reason", reason)
        budget = self._guard.budget
        yield Figure("actorkit_http_held_bytes", "Bytes of requests and answers that are held.", budget.used)
        yield Figure("actorkit_http_budget_bytes", "Bytes of requests and answers that may be held.", budget.total)
        yield Figure("actorkit_http_connections", "Open connections.", len(self._connections))
        yield Figure("actorkit_http_waiting", "Requests that wait for an answer.", self._active)

    def _respond(self, request: Request, remote: str) -> Response:
        found, path, query = self._router.find(request.method, request.target)
        if isinstance(found, NoRoute):
            return self._route_failure(request, path, found)
        if (fixed := found.route.fixed) is not None:
            return answer.of_route(fixed, _trace(request))
        if found.queue is not None and found.queue not in self._queues:
            raise NotFound(f'there is no service "{found.queue}"')
        waiting = self._waiting.get(found.queue, 0)
        if self._active >= self.params.max_requests or waiting >= self._most_waiting:
            self._guard.count("requests")
            raise ServiceUnavailable("too many requests are waiting for answers; try again")
        format_, content = intake.read(request, found.route, self._guard, self.params.forms)
        http = Http(
            method=request.method,
            path=path,
            query=media.query(query) if query else {},
            headers=request.headers,
            path_params=found.path_params,
            remote=remote,
        )
        event = Event.unread(format_, content, service=found.queue or self.name, http=http)
        if found.route.id:
            event.set("route", found.route.id)
        # From here on its bytes are the event's, which may be unfinished long after its client has been answered.
        lease, request.lease = request.lease or Lease(self._guard.budget), None
        self._active += 1
        self._waiting[found.queue] = waiting + 1
        try:
            came = self.request(
                event,
                found.queue,
                timeout_s=self.params.timeout_s,
                finish_expired=self.params.finish_expired,
                finished=lease.release,
            )
        except RequestFailed as exc:
            http.status, http.reply_headers = exc.status, exc.http_headers
            event.failure, came = exc.failure, event
        except BaseException as exc:
            request.trace = event.trace
            if isinstance(exc, AnswerTimeout):
                self._guard.take_turn()
            raise
        finally:
            self._active -= 1
            self._waiting[found.queue] -= 1
        request.trace = came.trace
        return answer.of_event(came, request, self._check_room_to_convert, self.log, self.params.envelope)

    def _check_room_to_convert(self, format_: str, content: bytes) -> None:
        intake.check_room_to_convert(format_, content, self._guard)

    def _route_failure(self, request: Request, path: str, found: NoRoute) -> Response:
        allow = ", ".join(sorted({*found.allowed, "OPTIONS"}))
        if request.method == "OPTIONS" and (found.allowed or path == "*"):
            named = ("X-Request-ID", _trace(request))
            return Response(204, headers=[named, ("Allow", allow)] if found.allowed else [named])
        if found.allowed:
            raise MethodNotAllowed(f"{request.method} is not for this address; there is {allow}", allow=allow)
        raise NotFound("there is nothing at this address")

    def _failure_response(self, error: ActorkitError, request: Request) -> Response:
        trace = _trace(request)
        if error.status == 500:
            self.log.error("the request %s failed: %s: %s", trace, type(error).__name__, error.message)
        return answer.of_errors(error.status, error.errors, request.headers, trace, error.reply_headers())


def _trace(request: Request) -> str:
    """The trace of a request's event, or an id for one that never became an event."""
    if not request.trace:
        request.trace = f"{new_id():016x}"
    return request.trace
