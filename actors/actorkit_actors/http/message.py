"""HTTP/1.1 messages (RFC 9112): a request as the parser builds it, a response as one piece of bytes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, NamedTuple

from actorkit_actors.http.budget import Lease

#: A body from this size on is written by itself, so that it is not copied; in bytes.
LONG_BODY_BYTES: Final = 64 << 10

#: Statuses whose responses have no body (RFC 9110 §6.4.1).
BODILESS: Final = frozenset({204, 205, 304})

#: Headers of a response that the server alone writes.
_OWN: Final = frozenset(
    {"connection", "content-length", "date", "transfer-encoding", "keep-alive", "upgrade", "trailer"}
)

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")

_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class Request:
    """A request with its body. Header names are lower case; repeated headers are joined (RFC 9110 §5.3)."""

    __slots__ = ("body", "headers", "keep_alive", "lease", "method", "target", "trace", "version")

    def __init__(self, method: str, target: bytes, version: str, headers: dict[str, str]) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.body = b""
        self.keep_alive = True
        #: What the request holds of the server's budget; None when that is its event's.
        self.lease: Lease | None = None
        #: The trace of its event, or an id of its own where it never became one.
        self.trace = ""

    def release(self) -> None:
        """Give back what the request holds."""
        if self.lease is not None:
            self.lease.release()


class Refusal(NamedTuple):
    """Why a connection ends: the status and reason that its client is told, and the kind that is counted."""

    status: int
    reason: str
    kind: str


@dataclass(frozen=True, slots=True)
class Response:
    """What a request is answered with. `media_type` "" means that there is no body to name."""

    status: int
    body: bytes = b""
    media_type: str = ""
    headers: Iterable[tuple[str, str]] = ()


class _Date:
    """The `Date` header, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = ""

    def line(self) -> str:
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._line = f"Date: {formatdate(now, usegmt=True)}\r\n"
        return self._line


_date = _Date()


def is_header(name: str, value: str) -> bool:
    """Whether an actor may have this header written: RFC 9110 §5.1 and §5.5, and not one of the server's own."""
    return bool(_NAME.match(name)) and bool(_VALUE.match(value)) and name.lower() not in _OWN


def write(response: Response, *, keep_alive: bool, version: str = "1.1", head: bool = False) -> tuple[bytes, bytes]:
    """The response as it goes out, in two pieces: the second is a long body by itself, or empty. `head`: without the
    body, for HEAD."""
    status = response.status
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n", _date.line()]
    typed = False
    for name, value in response.headers:
        lines.append(f"{name}: {value}\r\n")
        typed = typed or name.lower() == "content-type"
    body = b""
    if status in BODILESS:
        if status == 205:
            lines.append("Content-Length: 0\r\n")
    else:
        body = response.body
        if response.media_type and not typed:
            lines.append(f"Content-Type: {response.media_type}\r\n")
        lines.append(f"Content-Length: {len(body)}\r\n")
    if not keep_alive:
        lines.append("Connection: close\r\n")
    elif version == "1.0":
        lines.append("Connection: keep-alive\r\n")
    lines.append("\r\n")
    first = "".join(lines).encode("latin-1")
    if head:
        return first, b""
    return (first, body) if len(body) >= LONG_BODY_BYTES else (first + body, b"")
