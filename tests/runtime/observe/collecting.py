"""A collector of spans, as small as it can be: it keeps what it is sent by OTLP over HTTP with JSON."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Collector:
    """`answer` is the status that it gives."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answer = 200
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the server's own name for it
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                if collector.answer == 200:
                    collector.requests.append(json.loads(body))
                self.send_response(collector.answer)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def spans(self) -> list[dict[str, Any]]:
        """All spans so far, each with the `service` of its resource."""
        found = []
        for request in list(self.requests):
            for group in request["resourceSpans"]:
                named = {one["key"]: one["value"]["stringValue"] for one in group["resource"]["attributes"]}
                for scope in group["scopeSpans"]:
                    found += [{**span, "service": named["service.name"]} for span in scope["spans"]]
        return found


def orphans(spans: list[dict[str, Any]], beside: str = "") -> list[dict[str, Any]]:
    """Spans whose parent is not there; `beside` is one that somebody else has."""
    known = {(span["traceId"], span["spanId"]) for span in spans}
    return [
        span
        for span in spans
        if span.get("parentSpanId", beside) != beside and (span["traceId"], span["parentSpanId"]) not in known
    ]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector as long as the context is open."""
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.server.shutdown()
        collector.server.server_close()
        thread.join()
