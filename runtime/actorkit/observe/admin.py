"""The admin server's pages.

`/healthz`: the process is alive and its loop turns. `/readyz`: it can take work. `/metrics`: for Prometheus. What else
a process tells is JSON: `/scale`, how much work waits, for autoscalers; `/graph`, what the instance is; `/recent`, what
happened of late. What acts, or shows what events hold, wants the token: `/tap`, `/put`.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

log = logging.getLogger("actorkit.admin")

PLAIN: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"
#: One JSON object a line.
LINES: Final = "application/x-ndjson"

_READING: Final = ("GET", "HEAD")


class BadRequest(Exception):
    """Raised where a request cannot be answered as it stands; the text says what to do."""

    def __init__(self, text: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(text)
        self.status = status


def _no_body(_length: int) -> bytes:
    return b""


@dataclass(frozen=True)
class Request:
    """A request for a page: its path without the query, the last value of each field of the query, its header fields by
    their names in lower case. `read` gets so many bytes of the body."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[int], bytes] = _no_body

    def body(self, most_bytes: int) -> bytes:
        """The whole body.

        Raises:
            BadRequest: it is longer than that, or its length is not told.
            OSError: it does not come.
        """
        told = self.fields.get("content-length", "")
        if not (told.isascii() and told.isdigit()):
            raise BadRequest("say with Content-Length how long the body is", HTTPStatus.LENGTH_REQUIRED)
        if int(told) > most_bytes:
            text = f"the body may have {most_bytes} bytes at most"
            raise BadRequest(text, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.read(int(told))


@dataclass(frozen=True)
class Response:
    """What a page says. `parts`, if there are any, follow the content as they come, to the end of the connection; an
    empty part asks whether anybody still listens."""

    content: bytes = b""
    media_type: str = PLAIN
    status: HTTPStatus = HTTPStatus.OK
    parts: Iterable[bytes] | None = None


Page: TypeAlias = Callable[[Request], Response]


@dataclass(frozen=True)
class Action:
    """A page that wants the token: it acts, or shows what events hold."""

    method: str
    page: Page


class Pages:
    """Answers requests for the pages; `why_not_ready` says what is missing, "" when nothing is. `told` are pages of
    JSON, `actions` those that want the `token`; without one they are closed.

    Of a request's body only an action takes notice (RFC 9112), and a connection ends with its answer.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        why_not_ready: Callable[[], str],
        told: Mapping[str, Callable[[], Any]] | None = None,
        actions: Mapping[str, Action] | None = None,
        token: str = "",
    ) -> None:
        self._registry = registry
        self._why_not_ready = why_not_ready
        self._actions = dict(actions or {})
        self._token = token
        self._pages: dict[str, Page] = {"/metrics": self._metrics, "/healthz": self._healthz, "/readyz": self._readyz}
        self._pages |= {path: _page_of(tell) for path, tell in (told or {}).items()}

    def answer(self, head: bytes, read: Callable[[int], bytes] = _no_body) -> Iterable[bytes]:
        """The response to a request, of which `head` is everything before the body, in pieces; some may take time."""
        request = _parse(head, read)
        if request is None:
            return [write_response(Response(status=HTTPStatus.BAD_REQUEST))]
        try:
            found = self._find(request)(request)
        except BadRequest as exc:
            found = Response(f"{exc}\n".encode(), status=exc.status)
        except OSError:
            raise
        except Exception:
            log.exception("%s failed", request.path)
            found = Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        whole = write_response(found, self._more_fields(request, found), with_content=request.method != "HEAD")
        return [whole] if found.parts is None else _chain(whole, found.parts)

    def _find(self, request: Request) -> Page:
        """The page that is asked for.

        Raises:
            BadRequest: there is none, it is asked for in a wrong way, or by somebody who may not.
        """
        action = self._actions.get(request.path)
        page = action.page if action else self._pages.get(request.path)
        if page is None:
            raise BadRequest(f"there are {', '.join((*self._pages, *self._actions))}", HTTPStatus.NOT_FOUND)
        if request.method not in self._methods(request.path):
            methods = " or ".join(self._methods(request.path))
            raise BadRequest(f"{request.path} takes {methods}", HTTPStatus.METHOD_NOT_ALLOWED)
        if action:
            self._check_token(request)
        return page

    def _methods(self, path: str) -> tuple[str, ...]:
        return (self._actions[path].method,) if path in self._actions else _READING

    def _check_token(self, request: Request) -> None:
        if not self._token:
            raise BadRequest("this instance has no token: set ACTORKIT_ADMIN_TOKEN", HTTPStatus.FORBIDDEN)
        kind, _, given = request.fields.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token.encode()):
            raise BadRequest("say Authorization: Bearer, and the token of this instance", HTTPStatus.UNAUTHORIZED)

    def _more_fields(self, request: Request, answer: Response) -> list[str]:
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            return [f"Allow: {', '.join(self._methods(request.path))}"]
        return ["WWW-Authenticate: Bearer"] if answer.status is HTTPStatus.UNAUTHORIZED else []

    def _metrics(self, request: Request) -> Response:
        encode, media_type = choose_encoder(request.fields.get("accept", ""))
        return Response(encode(self._registry), media_type)

    def _healthz(self, _request: Request) -> Response:
        return Response(b"alive\n")

    def _readyz(self, _request: Request) -> Response:
        reason = self._why_not_ready()
        status = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
        return Response(f"{reason or 'ready'}\n".encode(), status=status)


def json_response(value: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value) + b"\n", JSON, status)


def _page_of(tell: Callable[[], Any]) -> Page:
    return lambda _request: json_response(tell())


def _chain(first: bytes, parts: Iterable[bytes]) -> Iterable[bytes]:
    yield first
    yield from parts


def _parse(head: bytes, read: Callable[[int], bytes]) -> Request | None:
    """The request; None where it is none."""
    line, *rest = head.decode("latin-1").splitlines() or [""]
    method, _, after = line.partition(" ")
    target, _, version = after.rpartition(" ")
    if not version.startswith("HTTP/1.") or not target.startswith("/"):
        return None
    path, _, query = target.partition("?")
    fields: dict[str, str] = {}
    for name, sign, value in (each.partition(":") for each in rest):
        key = name.lower()
        if sign:
            fields[key] = f"{fields[key]},{value.strip()}" if key in fields else value.strip()
    return Request(method, path, dict(parse_qsl(query, keep_blank_values=True)), fields, read)


def write_response(answer: Response, more_fields: Iterable[str] = (), *, with_content: bool = True) -> bytes:
    """The beginning of an HTTP/1.1 response after which the connection ends: all of it, where it has no parts."""
    length = [] if answer.parts is not None else [f"Content-Length: {len(answer.content)}"]
    head = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Type: {answer.media_type}",
        *length,
        "Connection: close",
        *more_fields,
    ]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + (answer.content if with_content else b"")
