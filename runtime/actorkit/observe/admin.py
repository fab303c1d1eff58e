"""The admin server's pages.

`/healthz`: the process is alive and its loop turns. `/readyz`: it can take work. `/metrics`: for Prometheus. `/scale`:
how much work waits, by who is to do it, for autoscalers. `/graph`: what the instance is, its boxes and its peers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

log = logging.getLogger("actorkit.admin")

PLAIN: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"

#: Takes the Accept header; returns status, media type and content.
_Page = Callable[[str], tuple[HTTPStatus, str, bytes]]


class Pages:
    """Answers requests for the pages; `why_not_ready` says what is missing, "" when nothing is; `scale` tells how much
    waits, by name, and `graph` the instance's place in the graph.

    Only the request line and `Accept` are looked at (RFC 9112), and a connection ends with its answer.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        why_not_ready: Callable[[], str],
        scale: Callable[[], Mapping[str, int]] = dict,
        graph: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._registry = registry
        self._why_not_ready = why_not_ready
        self._waiting = scale
        self._place = graph
        self._pages: dict[str, _Page] = {
            "/metrics": self._metrics,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/scale": self._scale,
            "/graph": self._graph,
        }

    def answer(self, head: bytes) -> bytes:
        """The whole response to a request, of which this is everything before the body."""
        line, *fields = head.decode("latin-1").splitlines() or [""]
        method, _, rest = line.partition(" ")
        target, _, version = rest.rpartition(" ")
        if not version.startswith("HTTP/1.") or not target.startswith("/"):
            return response(HTTPStatus.BAD_REQUEST)
        page = self._pages.get(target.partition("?")[0])
        if page is None:
            return response(HTTPStatus.NOT_FOUND, PLAIN, f"there are {', '.join(self._pages)}\n".encode())
        if method not in ("GET", "HEAD"):
            return response(HTTPStatus.METHOD_NOT_ALLOWED, allow="GET, HEAD")
        named = (field.partition(":") for field in fields)
        accept = ",".join(value.strip() for name, _, value in named if name.lower() == "accept")
        try:
            status, media_type, content = page(accept)
        except Exception:
            log.exception("%s failed", target)
            return response(HTTPStatus.INTERNAL_SERVER_ERROR)
        return response(status, media_type, content, with_content=method == "GET")

    def _metrics(self, accept: str) -> tuple[HTTPStatus, str, bytes]:
        encode, media_type = choose_encoder(accept)
        return HTTPStatus.OK, media_type, encode(self._registry)

    def _healthz(self, _accept: str) -> tuple[HTTPStatus, str, bytes]:
        return HTTPStatus.OK, PLAIN, b"alive\n"

    def _readyz(self, _accept: str) -> tuple[HTTPStatus, str, bytes]:
        reason = self._why_not_ready()
        status = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
        return status, PLAIN, f"{reason or 'ready'}\n".encode()

    def _scale(self, _accept: str) -> tuple[HTTPStatus, str, bytes]:
        return HTTPStatus.OK, JSON, msgspec.json.encode(self._waiting()) + b"\n"

    def _graph(self, _accept: str) -> tuple[HTTPStatus, str, bytes]:
        return HTTPStatus.OK, JSON, msgspec.json.encode(self._place()) + b"\n"


def response(
    status: HTTPStatus, media_type: str = PLAIN, content: bytes = b"", *, allow: str = "", with_content: bool = True
) -> bytes:
    """An HTTP/1.1 response after which the connection ends."""
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *([f"Allow: {allow}"] if allow else []),
    ]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + (content if with_content else b"")
