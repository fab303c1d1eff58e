"""Requests out of the bytes of one connection (RFC 9112), without its socket."""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import httptools

from actorkit_actors.http.budget import HEAD_FACTOR, OVERHEAD_BYTES, Budget, Lease
from actorkit_actors.http.message import Refusal, Request

#: Most header fields that a request may have, and most trailer fields.
MAX_HEADERS: Final = 100

#: Most requests that wait behind one of the same connection.
MAX_PIPELINED: Final = 32

#: How much is read at a time, in bytes: of a long body, and else.
READ_BYTES: Final = 65536
FEED_BYTES: Final = 4096

#: How much may have come of a head beyond the limit before it is refused: what one read brings, in bytes.
SLACK_BYTES: Final = READ_BYTES

#: RFC 9112 §3.2, RFC 3986 §3.2.2: a name, an IPv4 address or an IP literal, and a port.
_HOST: Final = re.compile(r"(\[[0-9A-Za-z:.\-_~!$&'()*+,;=]+\]|[\w.\-~!$&'()*+,;=%]*)(:\d*)?\Z", re.ASCII)

_VERSIONS: Final = frozenset({"1.0", "1.1"})

#: What llhttp says about a request line with a version that it does not know, and about the preface of HTTP/2.
_OTHER_VERSION: Final = frozenset({"Invalid HTTP version", "Pause on PRI/Upgrade"})


class Limits(Protocol):
    """What the parameters of the server say about connections."""

    @property
    def idle_timeout_s(self) -> float: ...

    @property
    def max_body_bytes(self) -> int: ...

    @property
    def max_header_bytes(self) -> int: ...


class _Refused(Exception):
    """Raised inside a callback of llhttp to stop it; the reason stands in `refusal`."""


class Parser:
    """Takes the bytes of a client as they come.

    `begun` is called when a request begins, `make_room` when the budget is used up; it may have given something back
    when it returns.

    Attributes:
        requests: those that are complete; each holds its lease.
        refusal: why nothing more can be read of this connection.
        headers: those of the request that is being read, or was read last.
        expects: whether the client waits to be told to go on.
        pieces: parts of bodies and ends of requests in the bytes that were taken last; many make them hard to read.
    """

    def __init__(
        self, limits: Limits, budget: Budget, begun: Callable[[], None], make_room: Callable[[], None]
    ) -> None:
        self._most_header = limits.max_header_bytes
        self._most_body = min(limits.max_body_bytes, budget.most_large)
        self._budget = budget
        self._begun = begun
        self._make_room = make_room
        self._llhttp = httptools.HttpRequestParser(self)
        self.requests: deque[Request] = deque()
        self.refusal: Refusal | None = None
        self.headers: dict[str, str] = {}
        self.expects = False
        self.pieces = 0
        #: The request whose body is being read.
        self._request: Request | None = None
        self._lease = Lease(budget)
        self._in_head = False
        self._target = b""
        #: Names and values, one after the other, of the header or trailer section that is being read.
        self._fields: list[bytes] = []
        self._head_bytes = self._size = 0
        #: Bytes of the body that the lease does not have yet: they came all at once, with the end of the request.
        self._owed = 0
        #: The last Host that was found to be one: a client mostly asks for the same.
        self._host: str | None = None
        #: The length of the body, where the head says it.
        self._length = 0
        self._body: bytes | io.BytesIO = b""

    @property
    def reading(self) -> bool:
        """Whether a request has begun and is not complete."""
        return self._in_head or self._request is not None

    @property
    def appetite(self) -> int:
        """How much to read next, in bytes: the rest of a body at once, and else so little that no crowd of requests is
        taken in that would have to wait."""
        return min(READ_BYTES, max(FEED_BYTES, self._length - self._size))

    @property
    def waiting(self) -> int:
        """About how many bytes the requests hold that are complete and not served yet."""
        return len(self.requests) * OVERHEAD_BYTES

    @property
    def held(self) -> int:
        """Bytes of the request that is being read."""
        return self._lease.size

    def feed(self, data: bytes) -> None:
        """Take bytes; what has become of them stands in the attributes."""
        self.pieces = 0
        try:
            self._llhttp.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            self._decline_upgrade(data[exc.args[0] :])
        except httptools.HttpParserError as exc:
            self.refusal = self.refusal or _unreadable(str(exc))
        if self._in_head:
            self._more_of_head(len(data))
        elif self._fields and self.refusal is None and not self._fit(*_section(self._fields)):
            self.refusal = self._too_large_head()

    def _more_of_head(self, size: int) -> None:
        """So many bytes have come of a head that is not complete."""
        fields, length = _section(self._fields)
        if self.refusal is None:
            self._head_bytes += size
            if not self._fit(fields, length) or self._head_bytes > self._most_header + SLACK_BYTES:
                self.refusal = self._too_large_head()
            elif not self._grow(size * HEAD_FACTOR):
                self.refusal = _NO_ROOM
        if self.refusal is not None:
            self.headers = _headers(self._fields[: 2 * MAX_HEADERS])

    def end(self) -> None:
        """No more bytes will come."""
        if self.reading and self.refusal is None:
            self.refusal = Refusal(400, "the request ended before it was complete", "broken")

    def drop(self) -> None:
        """Forget what is not answered, and give its bytes back."""
        self._body = b""
        self.headers = {}
        self._fields.clear()
        self._lease.release()
        for request in self.requests:
            request.release()
        self.requests.clear()

    def _grow(self, size: int) -> bool:
        if self._lease.grow(size):
            return True
        self._make_room()
        return self._lease.grow(size)

    def _decline_upgrade(self, rest: bytes) -> None:
        """Nothing is upgraded here: the request is served as it is (RFC 9110 §7.8), and is the last of its connection.

        llhttp hands the connection over at the end of such a head, and httptools has it skip the body: there is no way
        to read on with the same parser. Another one gets the head without the wish, once. (CONNECT, which llhttp would
        hand over each time, is refused at its head.)
        """
        request = self.requests.pop()
        request.release()
        kept = {
            name: value for name, value in request.headers.items() if name not in ("upgrade", "connection", "expect")
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in kept.items())
        head = f"{request.method} {request.target.decode('latin-1')} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"
        self._llhttp = httptools.HttpRequestParser(self)
        self.expects = "expect" in request.headers and not rest
        self.feed(head.encode("latin-1") + rest)

    # What httptools calls while it parses.

    def on_message_begin(self) -> None:
        self._in_head = True
        self._fields.clear()
        self._size = self._head_bytes = self._owed = 0
        self._target = b""
        self.headers = {}
        self._begun()

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > self._most_header:
            self._stop(Refusal(414, f"the address is longer than {self._most_header} bytes", "header"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.extend((name, value))  # All are looked at together, at the end of the head or of what came.

    def _fit(self, fields: int, length: int) -> bool:
        """Whether a section may have so many fields, and be so long."""
        return fields <= MAX_HEADERS and length <= self._most_header

    def _too_large_head(self) -> Refusal:
        most = self._most_header
        return Refusal(431, f"the headers are more than {MAX_HEADERS}, or {most} bytes", "header")

    def on_headers_complete(self) -> None:
        fields = self._fields
        count, self._head_bytes = _section(fields)
        if not self._fit(count, self._head_bytes):
            self._stop(self._too_large_head())
        self.headers = headers = _headers(fields)
        if len(headers) < count and sum(name.lower() == b"host" for name in fields[::2]) > 1:
            self._stop(Refusal(400, "the request has two Host headers", "broken"))
        llhttp = self._llhttp
        request = Request(llhttp.get_method().decode("latin-1"), self._target, llhttp.get_http_version(), headers)
        if (refusal := self._check_head(request)) is not None:
            self._stop(refusal)
        if "expect" in headers:
            self.expects = request.version == "1.1"
        self._in_head = False
        fields.clear()
        self._body = b""
        self._request = request

    def _check_head(self, request: Request) -> Refusal | None:
        """Whether the request may go on to its body."""
        headers, version = request.headers, request.version
        if version not in _VERSIONS:
            return Refusal(505, f"HTTP/{version} is not spoken here; HTTP/1.1 is", "broken")
        if request.method == "CONNECT":
            return Refusal(501, "CONNECT is not served here", "broken")
        host = headers.get("host")
        if host is None and version == "1.1":
            return Refusal(400, "the request has no Host header", "broken")
        if host and host != self._host:
            if not _HOST.match(host):
                return Refusal(400, "the Host header is not a host", "broken")
            self._host = host
        if "transfer-encoding" in headers and headers["transfer-encoding"].lower() != "chunked":
            return Refusal(501, "only the transfer coding chunked is taken; send the body as it is", "broken")
        self._length = length = int(headers.get("content-length") or 0)
        if length > self._most_body:
            return self._too_large_body()
        if "expect" in headers and headers["expect"].lower() != "100-continue":
            return Refusal(417, "only 100-continue can be expected", "broken")
        return None

    def on_body(self, data: bytes) -> None:
        self.pieces += 1
        size = len(data)
        if size == self._length:  # The whole of it; its end is what llhttp tells next.
            self._body, self._owed = data, size
            return
        self._size += size
        if self._size > self._most_body:
            self._stop(self._too_large_body())
        if not self._grow(size):
            self._stop(_NO_ROOM)
        if not self._body:
            self._body = data
        else:
            # A body in crumbs must not cost more than its bytes, which a list of crumbs does.
            if isinstance(self._body, bytes):
                self._body = io.BytesIO(self._body)
                self._body.seek(0, io.SEEK_END)
            self._body.write(data)
        self.expects = False

    def _too_large_body(self) -> Refusal:
        return Refusal(413, f"the body is larger than {self._most_body} bytes", "body")

    def on_message_complete(self) -> None:
        self.pieces += 1
        request, body, lease = self._request, self._body, self._lease
        if request is None:
            self._stop(Refusal(400, "the request has no headers", "broken"))
            return
        if len(self.requests) > MAX_PIPELINED:
            self._stop(Refusal(503, f"more than {MAX_PIPELINED} requests wait on this connection", "pipelined"))
        if self._fields and not self._fit(*_section(self._fields)):
            self._stop(self._too_large_head())
        if not self._grow(self._owed + self._head_bytes * HEAD_FACTOR + OVERHEAD_BYTES):
            self._stop(_NO_ROOM)
        request.lease = lease
        # With HTTP/1.0 the framing of a chunked body cannot be trusted (RFC 9112 §6.1).
        request.keep_alive = self._llhttp.should_keep_alive() and (
            request.version != "1.0" or "transfer-encoding" not in request.headers
        )
        request.body = body if isinstance(body, bytes) else body.getvalue()
        self._body = b""
        self._lease = Lease(self._budget)
        self.expects = False
        self._request = None
        self._length = self._size = self._owed = 0
        self.requests.append(request)

    def _stop(self, refusal: Refusal) -> None:
        self.refusal = refusal
        raise _Refused(refusal.reason)


_NO_ROOM: Final = Refusal(503, "there is no memory for this request at present; try again", "memory")


def _section(fields: list[bytes]) -> tuple[int, int]:
    """(number, bytes) of the fields whose names and values these are."""
    count = len(fields) // 2
    return count, len(b"".join(fields)) + 4 * count


def _headers(fields: list[bytes]) -> dict[str, str]:
    """The fields whose names and values these are, names in lower case; those of one name are joined. All are decoded
    at once: there is no line feed in them."""
    if not fields:
        return {}
    names = b"\n".join(fields[::2]).lower().decode("latin-1").split("\n")
    values = b"\n".join(fields[1::2]).decode("latin-1").split("\n")
    headers = dict(zip(names, values, strict=True))
    if len(headers) == len(names):
        return headers
    headers.clear()
    for name, value in zip(names, values, strict=True):
        there = headers.get(name)
        headers[name] = value if there is None else f"{there}{'; ' if name == 'cookie' else ', '}{value}"
    return headers


def _unreadable(said: str) -> Refusal:
    if said in _OTHER_VERSION:
        return Refusal(505, "this version of HTTP is not spoken here; HTTP/1.1 is", "broken")
    return Refusal(400, f"the request is not HTTP/1.1: {said}", "broken")
