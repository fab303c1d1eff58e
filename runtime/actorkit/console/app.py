"""What the console answers over HTTP: the page, the plan, and what it finds, again and again.

Nothing here is HTML but the page itself, which is the same for all graphs: what comes from data is JSON, and a script
of the page shows it as text. A browser is told to run and to load nothing else.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from msgspec.structs import asdict

from actorkit.console.plan import GraphPlan
from actorkit.console.queries import queries
from actorkit.console.watch import Watch

#: Browsers that look at a time.
MOST_LOOKERS: Final = 64
#: What a browser may do with the page (Content Security Policy Level 3, Trusted Types).
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
FIELDS: Final = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
#: Path → file of the page, and its media type.
_PAGE: Final = {
    "/": ("console.html", "text/html; charset=utf-8"),
    "/console.css": ("console.css", "text/css; charset=utf-8"),
    "/console.js": ("console.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
JSON: Final = "application/json"
PLAIN: Final = "text/plain; charset=utf-8"
#: HTML Living Standard §9.2, server-sent events.
STREAM: Final = "text/event-stream"

Environ: TypeAlias = Mapping[str, Any]
Begin: TypeAlias = Callable[[str, list[tuple[str, str]]], object]


class Refusal(Exception):
    """Raised where a request is not answered as it wants; the text says what to do."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class App:
    """The console as a WSGI application (PEP 3333)."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._files = {path: (_asset(name), kind) for path, (name, kind) in _PAGE.items()}
        self._lookers = 0

    def __call__(self, environ: Environ, begin: Begin) -> Iterable[bytes]:
        """Answer a request."""
        try:
            kind, content = self._answer(environ)
        except Refusal as exc:
            begin(_status(exc.status), [("Content-Type", PLAIN), *FIELDS])
            return [f"{exc}\n".encode()]
        begin(_status(HTTPStatus.OK), [("Content-Type", kind), *FIELDS])
        return content

    def _answer(self, environ: Environ) -> tuple[str, Iterable[bytes]]:
        """Media type and content.

        Raises:
            Refusal: there is no answer.
        """
        _check_host(environ.get("HTTP_HOST", ""))
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "GET":
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes GET")
        if path in self._files:
            content, kind = self._files[path]
            return kind, [content]
        if path == "/plan":
            return JSON, [msgspec.json.encode(_plan(self._watch.plan))]
        if path == "/state":
            return JSON, [self._state()]
        if path == "/events":
            if self._lookers >= MOST_LOOKERS:
                raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_LOOKERS} browsers look already; close one")
            return STREAM, self._events()
        raise Refusal(HTTPStatus.NOT_FOUND, "there are /, /plan, /state and /events")

    def _state(self) -> bytes:
        """What the next round finds."""
        with self._watch.look() as await_round:
            await_round()
            return msgspec.json.encode(self._watch.state)

    def _events(self) -> Iterator[bytes]:
        """The plan, at first and where it is another one, and what each round finds."""
        self._lookers += 1
        shown: GraphPlan | None = None
        try:
            with self._watch.look() as await_round:
                yield b"retry: 1000\n\n"
                while True:
                    if self._watch.plan is not shown:
                        shown = self._watch.plan
                        yield _event("plan", _plan(shown))
                    await_round()
                    if self._watch.plan is shown:
                        yield _event("state", self._watch.state)
        finally:
            self._lookers -= 1


def _plan(plan: GraphPlan) -> dict[str, Any]:
    """The plan in full, defaults as well."""
    inner = {"actors": list(map(asdict, plan.actors)), "lines": list(map(asdict, plan.lines))}
    return {**asdict(plan), **inner, "queries": queries(plan)}


def _event(name: str, value: object) -> bytes:
    """An event of a stream. JSON of msgspec has no line ends."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(value))


def _status(status: HTTPStatus) -> str:
    return f"{status.value} {status.phrase}"


def _asset(name: str) -> bytes:
    return (Path(__file__).parent / "page" / name).read_bytes()


def _check_host(host: str) -> None:
    """See that a browser was told an address, not a name: somebody else's name may lead here as well (DNS rebinding),
    and a page from there would read what is shown here.

    Raises:
        Refusal: it is a name.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name == "localhost":
        return
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        text = "ask by address or as localhost, not by a name: http://127.0.0.1:PORT"
        raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, text) from None
