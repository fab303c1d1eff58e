"""Requests to other servers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import urlsplit

import gevent
import urllib3
from msgspec import Meta
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, TimeoutError

from actorkit import Actor, AnswerTimeout, Event, Forbidden, ServiceUnavailable
from actorkit.errors import EventError, MalformedEvent, SettingsError
from actorkit.event import body
from actorkit.event.parcel import MAX_BODY_BYTES
from actorkit.observe import trace_context
from actorkit.params import Problem
from actorkit_actors.http import client_pool, media, message, target
from actorkit_actors.http.addresses import literal
from actorkit_actors.http.breaker import Breaker
from actorkit_actors.http.upstream import BadGateway, error_of

#: Methods of which a repeat changes nothing (RFC 9110 §9.2.2).
IDEMPOTENT: Final = frozenset(("GET", "HEAD", "PUT", "DELETE", "OPTIONS"))
_BODILESS: Final = frozenset(("GET", "HEAD", "OPTIONS"))

#: Fields that belong to the connection, which the client makes itself.
_OWN: Final = frozenset(
    ("connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
#: Fields that another origin gets, too, when a redirect leads there.
_HARMLESS: Final = frozenset(("accept", "accept-encoding", "traceparent", "tracestate", "user-agent"))
_TYPES: Final = {
    body.JSON: "application/json",
    body.XML: "application/xml",
    body.TEXT: "text/plain; charset=utf-8",
    body.FORM: "application/x-www-form-urlencoded",
}
_READ_BYTES: Final = 64 << 10


class HTTPClient(Actor):
    """Sends each event to another server as a request, and sends on what it answers.

    The event's data is the request's body, with the content type of its format; GET and HEAD have none. The answer's
    body is the data of the event that is sent on, in the format that its content type says; attributes and everything
    else stay. `{attributes/id}` in `url` stands for what is there in the event.

    A request whose repeat changes nothing (GET, HEAD, PUT, DELETE, OPTIONS), and one that never reached the server, is
    tried again `retries` times when the server fails; POST and PATCH are with `repeat: all`. They carry
    `Idempotency-Key`, which is `event.key` and the same at each try, also by another instance. `traceparent` and
    `tracestate` of the event's request are passed on. After `breaker_failures` failures in a row nothing is asked for
    `breaker_pause_s`.

    Connections are made to public addresses, and to those in `private_networks`; the address counts, whatever name,
    DNS answer or redirect has led to it. A redirect to another origin takes no credentials and no body along, and none
    leads from https to http. A proxy resolves names itself: then only addresses written in the URL are checked.

    Runs in greenlets, with `concurrency` requests at a time.

    Failures:
        The error of the answer's status (4xx): the server refuses; `RateExceeded` (429) tells its `Retry-After`. 401 is
            passed on only where `forward_headers` has the credentials of whom the event is from; else it is 502.
        BadGateway (502): the server cannot be reached, fails, breaks off, or answers what is too long or no data.
        ServiceUnavailable (503): the server says so, or failed too often in a row.
        AnswerTimeout (504): no whole answer within `timeout_s`, or before the event's own deadline.
        Forbidden (403): the server is at a private address.
        MalformedEvent (400): the event has nothing, or nothing fitting, for a place in `url` or for a header.
    """

    NAME: ClassVar[str] = "http-client"
    EXTRA: ClassVar[str] = "http-client"
    SETTLES: ClassVar[str] = "the server has answered the request with a good status, and its answer is finished"
    REPEATS: ClassVar[str] = "by key"

    class Params(Actor.Params, frozen=True, kw_only=True):
        url: Annotated[str, Meta(description="where requests go; {attributes/id} is filled in from the event")]
        method: Annotated[
            Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], Meta(description="the method")
        ] = "POST"
        headers: Annotated[dict[str, str], Meta(description="header fields of each request")] = {}
        authorization: Annotated[
            str, Meta(description="the Authorization field of each request", extra={"secret": True, "file": True})
        ] = ""
        forward_headers: Annotated[
            tuple[str, ...], Meta(description="header fields of the event's own request that are passed on")
        ] = ()
        good_statuses: Annotated[
            tuple[int, ...], Meta(description="statuses that are answers beside 2xx, and no failures")
        ] = ()
        status_attribute: Annotated[str, Meta(description="attribute that gets the answer's status; none: no")] = ""
        headers_attribute: Annotated[str, Meta(description="attribute that gets the answer's header; none: no")] = ""
        concurrency: Annotated[
            int, Meta(ge=1, le=10_000, description="requests, and so connections, of one instance at a time")
        ] = 16
        retries: Annotated[int, Meta(ge=0, description="how often a request is sent again when the server fails")] = 2
        repeat: Annotated[
            Literal["idempotent", "all"],
            Meta(description="what is sent again; all: POST and PATCH too, for servers that know Idempotency-Key"),
        ] = "idempotent"
        timeout_s: Annotated[float, Meta(gt=0, description="longest wait for the whole answer of one try")] = 30.0
        connect_timeout_s: Annotated[float, Meta(gt=0, description="longest wait for a connection")] = 5.0
        redirects: Annotated[int, Meta(ge=0, le=20, description="redirects that are followed; 0: they fail")] = 5
        max_body_bytes: Annotated[
            int, Meta(ge=0, le=MAX_BODY_BYTES, description="longest answer, once it is unpacked")
        ] = 8 << 20
        private_networks: Annotated[
            tuple[str, ...], Meta(description="private networks that may be connected to, as 10.1.0.0/16")
        ] = ()
        breaker_failures: Annotated[
            int, Meta(ge=0, description="failures in a row after which the server is left alone; 0: never")
        ] = 10
        breaker_pause_s: Annotated[float, Meta(gt=0, description="time that it is left alone")] = 10.0
        proxy: Annotated[str, Meta(description="proxy that requests go through", extra={"secret": True})] = ""
        cafile: Annotated[
            str, Meta(description="authorities to trust, PEM text; none: the system's", extra={"file": True})
        ] = ""
        certfile: Annotated[
            str, Meta(description="the client's own certificate chain, PEM text", extra={"file": True})
        ] = ""
        keyfile: Annotated[
            str, Meta(description="private key of that certificate, PEM text", extra={"file": True, "secret": True})
        ] = ""
        insecure: Annotated[bool, Meta(description="believe every certificate: for tests only")] = False

        def may_get_better(self, error: BaseException) -> bool:
            """Whether a request may be sent again after this error."""
            return bool(getattr(error, "may_repeat", False)) and super().may_get_better(error)

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        if wrong := target.mistake(params.url):
            yield Problem("url", wrong)
        for name, value in params.headers.items():
            if name.lower() in _OWN or not message.is_header(name, value):
                yield Problem(f"headers.{name}", "this is no header field, or one that the client makes itself")
        for name in params.forward_headers:
            if name.lower() in _OWN or not message.is_header(name, ""):
                yield Problem("forward_headers", f'"{name}" is no header field, or one that the client makes itself')
        if params.authorization and not message.is_header("authorization", params.authorization.strip()):
            yield Problem("authorization", "it has a character that cannot stand in a header")
        if params.proxy and target.mistake(client_pool.without_login(params.proxy)):
            yield Problem("proxy", "this is no address of a proxy; write http://host:port")
        if params.threads:
            yield Problem("threads", "requests wait in greenlets; leave this at 0 and choose the concurrency")
        for path, make in (("private_networks", client_pool.addresses), ("cafile", client_pool.tls_context)):
            try:
                make(params)
            except SettingsError as exc:
                yield Problem(path, str(exc))

    def setup(self) -> None:
        """Make the pool.

        Raises:
            SettingsError: a parameter cannot be used.
        """
        params = self.params
        for problem in self.check(params):
            raise SettingsError(f"{problem.path}: {problem.message}")
        self._addresses = client_pool.addresses(params)
        self._breaker = Breaker(params.breaker_failures, params.breaker_pause_s)
        self._headers = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "actorkit"}
        self._headers |= {name.lower(): value for name, value in params.headers.items()}
        if params.authorization.strip():
            self._headers["authorization"] = params.authorization.strip()
        self._forwarded = tuple(name.lower() for name in params.forward_headers)
        self._pool = client_pool.make(params, self._addresses)

    def teardown(self) -> None:
        """Close the connections."""
        if hasattr(self, "_pool"):
            self._pool.clear()

    def consume(self, event: Event) -> Event:
        """Ask the server.

        Raises:
            EventError: see above.
        """
        url, headers = target.fill(self.params.url, event), self._headers_of(event)
        content: bytes | None = None
        if self.params.method not in _BODILESS:
            format_, content = event.encoded()
            if format_ != body.NOTHING:
                headers.setdefault("content-type", _TYPES.get(format_, "application/octet-stream"))
        wait_s = self._breaker.wait_s(time.monotonic())
        if wait_s > 0:
            raise ServiceUnavailable(
                f"{client_pool.shown(url)} failed too often and is left alone", retry_after_s=wait_s
            )
        try:
            made = self._ask(event, url, headers, content)
        except BaseException as exc:
            self._breaker.judge(exc, time.monotonic())
            raise
        self._breaker.close()
        return made

    def _headers_of(self, event: Event) -> dict[str, str]:
        headers = dict(self._headers)
        if self.params.method in ("POST", "PATCH"):
            headers.setdefault("idempotency-key", event.key)
        came = event.http.headers if event.http is not None else {}
        for name in self._forwarded:
            if name in came:
                headers[name] = came[name]
        if traced := trace_context.onward(came, event.trace_number, event.number):
            headers[trace_context.HEADER] = traced
            if "tracestate" in came:
                headers["tracestate"] = came["tracestate"]
        for name, value in headers.items():
            if not message.is_header(name, value):
                raise MalformedEvent(f'the header "{name}" has a character that cannot be sent')
        return headers

    def _ask(self, event: Event, url: str, headers: dict[str, str], content: bytes | None) -> Event:
        """Send a request, follow where it leads, and read what is there."""
        seconds = self.params.timeout_s if event.deadline is None else min(self.params.timeout_s, event.deadline)
        late = AnswerTimeout(f"{client_pool.shown(url)} did not answer within {seconds:g} s")
        if seconds <= 0:
            raise AnswerTimeout("nobody waits for the answer any more")
        timer = gevent.Timeout(seconds)
        self._note(late, self.params.method, connected=True)
        deadline = time.monotonic() + seconds
        try:
            with timer:
                return self._follow(event, url, headers, content, deadline)
        except gevent.Timeout as exc:
            if exc is not timer:
                raise
            raise late from None
        except HTTPError as exc:
            if isinstance(exc, TimeoutError) and not isinstance(exc, NewConnectionError):
                self._note(late, self.params.method, connected=not isinstance(exc, ConnectTimeoutError))
                raise late from exc
            error = BadGateway(f"{client_pool.shown(url)} cannot be asked: {type(exc).__name__}")
            self.log.info("%s cannot be asked: %s", client_pool.shown(url), exc)
            self._note(error, self.params.method, connected=not isinstance(exc, NewConnectionError))
            raise error from exc

    def _note(self, error: EventError, method: str, *, connected: bool = True) -> None:
        """Note on an error whether the request may be sent again."""
        error.may_repeat = not connected or method in IDEMPOTENT or self.params.repeat == "all"  # type: ignore[attr-defined]

    def _follow(self, event: Event, url: str, headers: dict[str, str], content: bytes | None, deadline: float) -> Event:
        method = self.params.method
        for _ in range(self.params.redirects + 1):
            response = self._send(method, url, headers, content, deadline)
            status = response.status
            try:
                if status not in (301, 302, 303, 307, 308) or status in self.params.good_statuses:
                    return self._finish(event, url, response, deadline)
                there = target.destination(url, response.headers.get("location", ""))
            finally:
                # A connection that has been read to its end is back in the pool already.
                response.close()
            if not there:
                raise BadGateway(f"{client_pool.shown(url)} redirects to where nobody follows")
            if status == 303 or (status in (301, 302) and method == "POST"):
                method, content = "HEAD" if method == "HEAD" else "GET", None
                headers = {name: value for name, value in headers.items() if name != "content-type"}
            if target.origin(there) != target.origin(url):
                if content:
                    raise BadGateway(
                        f"{client_pool.shown(url)} redirects a body to another origin; it is not sent there"
                    )
                headers = {name: value for name, value in headers.items() if name in _HARMLESS}
            url = there
        raise BadGateway(f"{client_pool.shown(self.params.url)} redirects more than {self.params.redirects} times")

    def _send(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None, deadline: float
    ) -> urllib3.BaseHTTPResponse:
        left_s = max(0.001, deadline - time.monotonic())
        host = urlsplit(url).hostname or ""
        if self.params.proxy and (address := literal(host)) and not self._addresses.allow(address):
            raise Forbidden(
                f"{host} is a private address; name its network in private_networks", code="private-address"
            )
        return self._pool.urlopen(
            method,
            url,
            body=content,
            headers=headers,
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=True,
            pool_timeout=left_s,
            timeout=urllib3.Timeout(connect=min(left_s, self.params.connect_timeout_s), read=left_s),
        )

    def _finish(self, event: Event, url: str, response: urllib3.BaseHTTPResponse, deadline: float) -> Event:
        """The event that goes on.

        Raises:
            EventError: the answer is none that is wanted.
        """
        status = response.status
        headers = {name.lower(): value for name, value in response.headers.items()}
        content = self._read(url, response, deadline)
        if not (200 <= status < 300 or status in self.params.good_statuses):
            forwarded = "authorization" in self._forwarded
            asked = f"{self.params.method} {client_pool.shown(url)}"
            error = error_of(status, headers, content.decode("utf-8", "replace"), asked, forwarded)
            self._note(error, self.params.method)
            raise error
        try:
            format_, read = media.read(headers.get("content-type", ""), content)
        except EventError as exc:
            raise BadGateway(f"the answer of {client_pool.shown(url)} cannot be read: {exc.message}") from exc
        made = event.with_body(format_, read)
        if self.params.status_attribute:
            made.set(self.params.status_attribute, status)
        if self.params.headers_attribute:
            made.set(self.params.headers_attribute, headers)
        return made

    def _read(self, url: str, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        most, parts, length = self.params.max_body_bytes, [], 0
        while part := response.read1(_READ_BYTES, decode_content=True):
            length += len(part)
            if length > most:
                raise BadGateway(f"the answer of {client_pool.shown(url)} is longer than {most} bytes (max_body_bytes)")
            if time.monotonic() > deadline:
                late = AnswerTimeout(f"the answer of {client_pool.shown(url)} did not come to an end in time")
                self._note(late, self.params.method)
                raise late
            parts.append(part)
        return b"".join(parts)
