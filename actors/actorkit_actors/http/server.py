"""HTTP in, events out, and their answers back."""

from __future__ import annotations

import ssl
import tempfile
import time
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import unquote_to_bytes

import gevent
from gevent import socket
from gevent.pool import Pool
from gevent.server import StreamServer
from gevent.ssl import SSLContext
from msgspec import Meta

from actorkit import Actor, Event, Failure, Http, NotFound, ServiceUnavailable
from actorkit.errors import (
    ActorkitError,
    MethodNotAllowed,
    NotAnswered,
    RequestFailed,
    SettingsError,
    UnsupportedMediaType,
)
from actorkit.event import body as bodies
from actorkit.event.parcel import MAX_BODY_BYTES
from actorkit.graph import RESERVED
from actorkit.params import Problem
from actorkit_actors.http import media, message
from actorkit_actors.http.connection import Connection
from actorkit_actors.http.message import Request, Response
from actorkit_actors.http.routes import Match, NoRoute, Route, Router

#: How often connections are looked over for clients that take too long, in seconds.
SWEEP_S: Final = 0.25

#: How long `teardown` waits for responses that are being written, in seconds.
CLOSE_S: Final = 2.0

Port = Annotated[int, Meta(ge=0, le=65535, description="port to listen on; 0: a free one")]


class HTTPServer(Actor):
    """Makes an event of each request, sends it into the outbox that the route names, and answers with what comes back.

    A request's content type decides the event's format; the client's Accept decides the answer's. The event of an error
    is answered with its status, whether an error connection leads here or not; when all is done and nothing came back:
    202, when nothing comes in time: 504. Stops in three steps: no new connection, a last response with
    `Connection: close` on each, close.
    """

    ANSWERS = True
    LISTENS: ClassVar[dict[str, int]] = {"port": 8080}

    class Params(Actor.Params, frozen=True, kw_only=True):
        host: Annotated[str, Meta(description="address to listen on")] = "0.0.0.0"
        port: Port = 8080
        routes: Annotated[tuple[Route, ...], Meta(min_length=1, description="what is let in, and where it goes")] = (
            Route(path="/<queue>"),
        )
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for an answer; then 504")] = 30.0
        idle_timeout_s: Annotated[
            float,
            Meta(gt=0, description="longest pause of a connection, and longest time that a request may take to come"),
        ] = 60.0
        max_body_bytes: Annotated[
            int, Meta(ge=0, le=MAX_BODY_BYTES, description="largest body of a request; beyond it 413")
        ] = 8 << 20
        max_header_bytes: Annotated[int, Meta(ge=256, description="most that headers may take; beyond it 431")] = (
            32 << 10
        )
        max_requests: Annotated[
            int, Meta(ge=1, description="requests that wait for answers at a time; beyond it 503")
        ] = 1024
        finish_expired: Annotated[
            bool, Meta(description="whether actors go on with a request whose client has been answered 504 or hung up")
        ] = False
        max_connections: Annotated[int, Meta(ge=1, description="open connections; more are not accepted")] = 8192
        certfile: Annotated[
            str, Meta(description="certificate chain for TLS, PEM text; none: no TLS", extra={"file": True})
        ] = ""
        keyfile: Annotated[
            str, Meta(description="private key of the certificate, PEM text", extra={"file": True, "secret": True})
        ] = ""
        access_log: Annotated[bool, Meta(description="log a line for each request")] = False

    params: Params
    #: None until `setup` has got the port.
    _server: StreamServer | None = None

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about, but for the port."""
        try:
            Router(params.routes)
        except SettingsError as exc:
            yield Problem("routes", str(exc).removeprefix("routes: "))
        try:
            tls_context(params.certfile, params.keyfile)
        except SettingsError as exc:
            yield Problem("certfile", str(exc).removeprefix("certfile, keyfile: "))

    def setup(self) -> None:
        """Listen.

        Raises:
            SettingsError: a route or the certificate cannot be used, or the address cannot be had.
        """
        self._router = Router(self.params.routes)
        self._tls = tls_context(self.params.certfile, self.params.keyfile)
        self._connections: set[Connection] = set()
        self._active = 0
        self._closing = False
        listener = listen(self.params.host, self.params.port)
        self._server = StreamServer(listener, self._serve, spawn=Pool(self.params.max_connections))
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
        """Accept no new connection, and close those that are idle; the others end with their response."""
        if self._server is None:
            return
        if not self._closing:
            self._closing = True
            self._server.stop_accepting()
            self._server.close()
        for connection in list(self._connections):
            if connection.idle:
                connection.expire()

    def teardown(self) -> None:
        """Drain, let responses be written for a moment, close."""
        if self._server is None:
            return
        self.drain()
        deadline = time.monotonic() + CLOSE_S
        while self._connections and time.monotonic() < deadline:
            gevent.sleep(0.01)
        self._sweeper.kill()
        self._server.stop(timeout=0)

    def _sweep(self) -> None:
        interval_s = min(SWEEP_S, self.params.idle_timeout_s / 4)
        while True:
            gevent.sleep(interval_s)
            now = time.monotonic()
            for connection in [one for one in self._connections if one.deadline < now]:
                connection.expire()

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
        connection = Connection(sock, str(address[0]), self, self.params)
        self._connections.add(connection)
        try:
            connection.serve()
        finally:
            self._connections.discard(connection)

    def respond(self, request: Request, remote: str) -> Response:
        """Answer one request."""
        started = time.monotonic()
        try:
            response = self._respond(request, remote)
        except NotAnswered:
            response = Response(202)
        except ActorkitError as exc:
            response = self._refused(exc, request)
        except Exception:
            self.log.exception(
                "the request %s %s could not be answered", request.method, request.target.decode("latin-1")
            )
            response = self._error(500, "the request could not be answered", request)
        if self.params.access_log:
            ms = (time.monotonic() - started) * 1000
            self.log.info(
                "%s %s %r %d %.1f ms", remote, request.method, request.target.decode("latin-1"), response.status, ms
            )
        return response

    def _respond(self, request: Request, remote: str) -> Response:
        path, query = split_target(request.target)
        found = self._router.find(request.method, path)
        if isinstance(found, NoRoute):
            return self._unrouted(request, path, found)
        self._check(request, found)
        if self._active >= self.params.max_requests:
            raise ServiceUnavailable("too many requests are waiting for answers; try again")
        format_, content = media.read(request.headers.get("content-type", ""), request.body)
        http = Http(
            method=request.method,
            path=path,
            query=media.query(query) if query else {},
            headers=request.headers,
            path_params=found.path_params,
            remote=remote,
        )
        event = Event.unread(format_, content, service=found.queue or self.name, http=http)
        self._active += 1
        try:
            answer = self.request(
                event, found.queue, timeout_s=self.params.timeout_s, finish_expired=self.params.finish_expired
            )
        except RequestFailed as exc:
            http.status, http.reply_headers = exc.status, exc.http_headers
            event.failure, answer = exc.failure, event
        finally:
            self._active -= 1
        return self._answered(answer, request)

    def _unrouted(self, request: Request, path: str, found: NoRoute) -> Response:
        allow = ", ".join(sorted({*found.allowed, "OPTIONS"}))
        if request.method == "OPTIONS" and (found.allowed or path == "*"):
            return Response(204, headers=[("Allow", allow)] if found.allowed else [])
        if found.allowed:
            raise MethodNotAllowed(f"{request.method} is not for this address; there is {allow}", allow=allow)
        raise NotFound("there is nothing at this address")

    def _check(self, request: Request, match: Match) -> None:
        """Whether the request may go where it wants, before its body is looked at."""
        if match.queue is not None and (match.queue in RESERVED or match.queue not in self.runtime.outboxes):
            raise NotFound(f'there is no service "{match.queue}"')
        if not request.body:
            return
        encoding = request.headers.get("content-encoding", "identity").lower()
        if encoding != "identity":
            raise UnsupportedMediaType(f'the content encoding "{encoding}" is not taken here; send the body as it is')
        accepted = match.route.ctypes
        media_type = media.content_type(request.headers.get("content-type", ""))[0]
        if accepted and not media.within(media_type, accepted):
            raise UnsupportedMediaType(
                f'the content type "{media_type}" is not taken here; there is {", ".join(accepted)}'
            )

    def _answered(self, answer: Event, request: Request) -> Response:
        http, failure = answer.http, answer.failure
        headers = [("X-Request-ID", answer.trace)]
        for name, value in http.reply_headers if http is not None else ():
            if message.is_header(name, value):
                headers.append((name, value))
            else:
                self.log.warning("the answer has the header %r, which may not be sent", name)
        status = http.status if http is not None and 200 <= http.status <= 599 else 0
        if failure is not None:
            return self._failed(failure, status, headers, answer, request)
        format_, content = answer.encoded()
        if format_ == bodies.NOTHING:
            return Response(status or 204, headers=headers)
        if any(name.lower() == "content-type" for name, _ in headers):
            return Response(status or 200, content, headers=headers)
        media_type, content = media.write(request.headers.get("accept", ""), format_, content)
        return Response(status or 200, content, media_type, headers)

    def _failed(
        self, failure: Failure, status: int, headers: list[tuple[str, str]], answer: Event, request: Request
    ) -> Response:
        """A failed event. What no actor meant for the client (status 500) is not told; the log has it by its trace."""
        status = status if status >= 400 else failure.status if 300 <= failure.status <= 599 else 500
        text = (
            failure.message if status != 500 else f"the request could not be answered; see the log for {answer.trace}"
        )
        headers = [pair for pair in headers if pair[0].lower() != "content-type"]
        return self._error(status, text, request, _without_doubles(headers, failure.headers))

    def _refused(self, error: ActorkitError, request: Request) -> Response:
        return self._error(error.status, error.message, request, error.reply_headers())

    def _error(
        self, status: int, text: str, request: Request, headers: list[tuple[str, str]] | None = None
    ) -> Response:
        headers = headers or []
        if status == 503:
            headers = _without_doubles(headers, [("Retry-After", "1")])
        media_type, content = media.write_errors(request.headers, [text])
        return Response(status, content, media_type, headers)


def _without_doubles(headers: list[tuple[str, str]], more: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The header fields, and those of `more` that they do not have and that may be sent."""
    there = {name.lower() for name, _ in headers}
    return headers + [pair for pair in more if pair[0].lower() not in there and message.is_header(*pair)]


def listen(host: str, port: int) -> Any:
    """A socket that listens.

    Raises:
        SettingsError: the address cannot be had.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(1024)
    except OSError as exc:
        sock.close()
        reason = exc.strerror or str(exc)
        raise SettingsError(f"cannot listen on {host}:{port}: {reason}. Free the port or choose another.") from exc
    return sock


def split_target(target: bytes) -> tuple[str, str]:
    """(decoded path, query) of a request target (RFC 9112 §3.2): origin form, absolute form or `*`."""
    if not target.startswith((b"/", b"*")):
        _, _, rest = target.partition(b"://")
        target = rest[slash:] if (slash := rest.find(b"/")) >= 0 else b"/"
    path, _, query = target.partition(b"#")[0].partition(b"?")
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("utf-8", "replace"), query.decode("latin-1")


def tls_context(certificate: str, key: str) -> SSLContext | None:
    """The context for a certificate and its key, both PEM texts; None without a certificate.

    Raises:
        SettingsError: they cannot be used, or one is missing.
    """
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise SettingsError("TLS needs both certfile and keyfile")
    context = SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as chain:  # mode 0600; OpenSSL reads files only
        chain.write(f"{key}\n{certificate}\n")
        chain.flush()
        try:
            context.load_cert_chain(chain.name)
        except (ssl.SSLError, OSError) as exc:
            raise SettingsError(f"certfile, keyfile: they cannot be used: {exc.strerror or exc}") from exc
    return context
