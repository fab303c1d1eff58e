"""The admin server's pages, as a WSGI application.

`/healthz`: the process is alive and its loop turns. `/readyz`: it can take work. `/metrics`: for Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

Start = Callable[[str, list[tuple[str, str]]], Any]


def application(
    registry: CollectorRegistry, why_not_ready: Callable[[], str]
) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    """A WSGI application (PEP 3333); `why_not_ready` says what is missing, "" when nothing is."""

    def metrics(environ: dict[str, Any]) -> tuple[str, str, bytes]:
        encode, content_type = choose_encoder(environ.get("HTTP_ACCEPT", ""))
        return "200 OK", content_type, encode(registry)

    def healthz(_environ: dict[str, Any]) -> tuple[str, str, bytes]:
        return "200 OK", "text/plain; charset=utf-8", b"alive\n"

    def readyz(_environ: dict[str, Any]) -> tuple[str, str, bytes]:
        reason = why_not_ready()
        status = "503 Service Unavailable" if reason else "200 OK"
        return status, "text/plain; charset=utf-8", f"{reason or 'ready'}\n".encode()

    pages = {"/metrics": metrics, "/healthz": healthz, "/readyz": readyz}

    def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        page = pages.get(environ.get("PATH_INFO", ""))
        if page is None:
            text = f"there are {', '.join(pages)}\n".encode()
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
            return [text]
        if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            start_response("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Length", "0")])
            return [b""]
        status, content_type, content = page(environ)
        start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(content)))])
        return [content if environ.get("REQUEST_METHOD") == "GET" else b""]

    return app
