"""Spans for a collector: OTLP over HTTP with JSON (opentelemetry-proto 1.x), without the SDK, which hangs under gevent.

One thread sends what a bounded queue holds; in an actor's process it is a greenlet. Nobody waits for it: what finds no
room, or no collector, is dropped, and the log tells how much.
"""

from __future__ import annotations

import http.client
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

log = logging.getLogger("actorkit.traces")

#: Kinds of spans, and the status of one that failed (opentelemetry-proto, trace.proto).
SERVER: Final = 2
PRODUCER: Final = 4
CONSUMER: Final = 5
_ERROR: Final = 2

#: Answers after which the same is sent again later (OTLP/HTTP, "Retryable Response Codes").
_AGAIN: Final = (429, 502, 503, 504)

#: The log tells of what was dropped once in so many seconds.
TELL_S: Final = 60.0


@dataclass(frozen=True)
class TraceOptions:
    """Where spans go, as the usual variables say it; their names are those of the OpenTelemetry specification."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    service: str = ""
    resource: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 10.0
    delay_s: float = 5.0
    most_waiting: int = 2048
    most_at_once: int = 512

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> TraceOptions | None:
        """The options; None where no endpoint is named, or traces are switched off.

        Raises:
            ValueError: a variable is wrong.
        """
        whole = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").rstrip("/")
        url = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "") or (f"{whole}/v1/traces" if whole else "")
        off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        if not url or off or environ.get("OTEL_TRACES_EXPORTER", "otlp") == "none":
            return None
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError(f'OTEL_EXPORTER_OTLP_ENDPOINT: "{url}" is no URL. Write it as http://collector:4318.')
        headers = _pairs(environ, "OTEL_EXPORTER_OTLP_HEADERS") | _pairs(environ, "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
        return cls(
            url,
            headers,
            environ.get("OTEL_SERVICE_NAME", ""),
            _pairs(environ, "OTEL_RESOURCE_ATTRIBUTES"),
            _number(environ, "OTEL_EXPORTER_OTLP_TIMEOUT", 10_000) / 1000,
            _number(environ, "OTEL_BSP_SCHEDULE_DELAY", 5_000) / 1000,
            _number(environ, "OTEL_BSP_MAX_QUEUE_SIZE", 2048),
            _number(environ, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512),
        )


def _pairs(environ: Mapping[str, str], name: str) -> dict[str, str]:
    """Names and values, as `a=1,b=two%20words`."""
    found = {}
    for part in environ.get(name, "").split(","):
        key, sign, value = part.partition("=")
        if part.strip() and (not sign or not key.strip()):
            raise ValueError(f'{name}: "{part}" is no name with a value. Write it as name=value,other=value.')
        if sign:
            found[key.strip()] = unquote(value.strip())
    return found


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 31):
        raise ValueError(f'{name} is "{text}"; wanted: a whole number above 0.')
    return int(text)


@dataclass(frozen=True)
class Span:
    """One span. `trace` has 32 hexadecimal digits, `span` and `parent` 16; `parent` is "" for the first of a trace.
    Times are nanoseconds since 1970. `actor` is whose it is; `failure` is "" where nothing failed."""

    trace: str
    span: str
    parent: str
    name: str
    kind: int
    actor: str
    begun_ns: int
    ended_ns: int
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    failure: str = ""

    def as_json(self) -> dict[str, Any]:
        """The span as OTLP has it: numbers of 64 bits are texts."""
        made: dict[str, Any] = {
            "traceId": self.trace,
            "spanId": self.span,
            "name": self.name,
            "kind": self.kind,
            "startTimeUnixNano": str(self.begun_ns),
            "endTimeUnixNano": str(self.ended_ns),
            "attributes": [_attribute(name, value) for name, value in self.attributes.items()],
            "status": {"code": _ERROR, "message": self.failure} if self.failure else {},
        }
        return {**made, "parentSpanId": self.parent} if self.parent else made


def _attribute(name: str, value: str | int) -> dict[str, Any]:
    return {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}


class Exporter:
    """Sends spans to a collector. `topology` and `instance` are told of each."""

    def __init__(self, options: TraceOptions, topology: str, instance: str, version: str) -> None:
        self._options = options
        self._topology = topology
        self._instance = instance
        self._version = version
        self._waiting: deque[Span] = deque()
        self._there = threading.Event()
        self._closed = False
        self._dropped = 0
        self._why = ""
        self._told = 0.0
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def put(self, span: Span) -> None:
        """Take a span, or drop it where there is no room."""
        if len(self._waiting) >= self._options.most_waiting:
            self._drop(1, "the queue is full")
            return
        self._waiting.append(span)
        if len(self._waiting) >= self._options.most_at_once:
            self._there.set()

    def close(self) -> None:
        """Send what waits, as far as the collector takes it in time, and end."""
        self._closed = True
        self._there.set()
        self._thread.join(self._options.timeout_s)

    def _run(self) -> None:
        while not self._closed:
            self._there.wait(self._options.delay_s)
            self._there.clear()
            while self._waiting and self._send():
                pass
            self._tell()
        self._tell(last=True)

    def _send(self) -> bool:
        """Send the first spans that wait; whether to go on."""
        spans = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._options.most_at_once))]
        try:
            status = self._post(msgspec.json.encode(self._request(spans)))
        except (OSError, http.client.HTTPException) as exc:
            status, why = 0, str(exc) or type(exc).__name__
        else:
            why = f"it answers {status}"
        if 200 <= status < 300:
            return True
        if (not status or status in _AGAIN) and not self._closed:
            room = self._options.most_waiting - len(self._waiting)
            self._waiting.extendleft(reversed(spans[:room]))
            self._drop(max(0, len(spans) - room), why)
        else:
            self._drop(len(spans), why)
        self._why = self._why or why
        return False

    def _post(self, body: bytes) -> int:
        target = urlsplit(self._options.url)
        kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        connection = kind(target.hostname or "", target.port, timeout=self._options.timeout_s)
        try:
            headers = {"Content-Type": "application/json", **self._options.headers}
            connection.request("POST", target.path or "/", body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def _request(self, spans: Iterable[Span]) -> dict[str, Any]:
        """The spans, those of one actor together."""
        by_actor: dict[str, list[dict[str, Any]]] = {}
        for span in spans:
            by_actor.setdefault(span.actor, []).append(span.as_json())
        scope = {"name": "actorkit", "version": self._version}
        return {
            "resourceSpans": [
                {"resource": {"attributes": self._resource(actor)}, "scopeSpans": [{"scope": scope, "spans": made}]}
                for actor, made in by_actor.items()
            ]
        }

    def _resource(self, actor: str) -> list[dict[str, Any]]:
        named = {
            "service.name": self._options.service or actor,
            "service.namespace": self._topology,
            "service.instance.id": self._instance,
            "service.version": self._version,
            **self._options.resource,
        }
        return [_attribute(name, value) for name, value in named.items()]

    def _drop(self, count: int, why: str) -> None:
        self._dropped += count
        self._why = self._why or why

    def _tell(self, *, last: bool = False) -> None:
        """Tell of what was dropped, or cannot be sent, once in a while."""
        now = time.monotonic()
        if self._why and (last or not self._told or now - self._told >= TELL_S):
            waiting, lost = len(self._waiting), self._dropped
            log.warning("traces: %s: %s; %d spans are dropped, %d wait", self._options.url, self._why, lost, waiting)
            self._told, self._why, self._dropped = now, "", 0
