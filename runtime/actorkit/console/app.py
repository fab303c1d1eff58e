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
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import asdict

from actorkit.console.plan import GraphPlan
from actorkit.console.queries import queries
from actorkit.console.relay import MAX_BODY_BYTES, READING, Relay, Unknown
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
Query: TypeAlias = dict[str, str]
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
        self._relay = Relay(watch)
        self._lookers = 0
        self._answers: dict[str, Callable[[Environ, Query], tuple[str, Iterable[bytes]]]] = {
            "/plan": lambda _environ, _query: _json(_plan(watch.plan)),
            "/state": lambda _environ, _query: (JSON, [self._state()]),
            "/events": self._show_events,
            "/told": lambda _environ, query: _json(self._relay.told(query.get("actor", ""), query.get("page", ""))),
            "/way": lambda _environ, query: _json(self._relay.way(query.get("trace", ""))),
            "/act": self._act,
        }

    def __call__(self, environ: Environ, begin: Begin) -> Iterable[bytes]:
        """Answer a request."""
        status = HTTPStatus.OK
        try:
            _check_host(environ.get("HTTP_HOST", ""))
            kind, content = self._answer(environ)
        except Refusal as exc:
            status, kind, content = exc.status, PLAIN, [f"{exc}\n".encode()]
        except Unknown as exc:
            status, kind, content = HTTPStatus.NOT_FOUND, PLAIN, [f"{exc}\n".encode()]
        begin(f"{status.value} {status.phrase}", [("Content-Type", kind), *FIELDS])
        return content

    def _answer(self, environ: Environ) -> tuple[str, Iterable[bytes]]:
        """Media type and content.

        Raises:
            Refusal: there is no answer, or another one than was hoped for.
            Unknown: it is about nobody that is there.
        """
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if method != ("POST" if path == "/act" else "GET"):
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes {'POST' if path == '/act' else 'GET'}")
        if path in self._files:
            content, kind = self._files[path]
            return kind, [content]
        answer = self._answers.get(path)
        if answer is None:
            raise Refusal(HTTPStatus.NOT_FOUND, f"there are /, {', '.join(self._answers)}")
        return answer(environ, dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)))

    def _show_events(self, _environ: Environ, _query: Query) -> tuple[str, Iterable[bytes]]:
        if self._lookers >= MOST_LOOKERS:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_LOOKERS} browsers look already; close one")
        return STREAM, self._events()

    def _act(self, environ: Environ, query: Query) -> tuple[str, Iterable[bytes]]:
        """Have an instance do something, with the token that the request brings along."""
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            text = f"the body may have {MAX_BODY_BYTES} bytes at most"
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        actor, address, page = (query.pop(name, "") for name in ("on", "address", "page"))
        token, body = environ.get("HTTP_AUTHORIZATION", ""), environ["wsgi.input"].read(int(length))
        answer = self._relay.act(actor, address, page, query, token, body)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Refusal(HTTPStatus(answer.status), answer.text)
        self._watch.look_again()
        return (PLAIN if page in READING else JSON), [answer.body]

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


def _json(value: object) -> tuple[str, Iterable[bytes]]:
    return JSON, [msgspec.json.encode(value)]


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
