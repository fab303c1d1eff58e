"""Which request goes into which outbox."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Final
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Meta
from werkzeug import exceptions, routing

from actorkit.errors import MalformedEvent, SettingsError
from actorkit_actors.http import message

#: Longer targets are not remembered, in bytes: strangers choose them.
CACHED_LENGTH: Final = 200

#: How many (method, target) pairs are remembered with their route; beyond it all are forgotten.
CACHE_SIZE: Final = 1024


#: The variable of a path that names the outbox, with or without a converter of werkzeug's.
_QUEUE: Final = re.compile(r"<(?:[^<>]*:)?queue>")


class Fixed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer that is always the same."""

    status: Annotated[int, Meta(ge=200, le=599, description="its status")] = 200
    text: Annotated[str, Meta(description="its body")] = ""
    content_type: Annotated[str, Meta(description="content type of its body")] = "text/plain; charset=utf-8"
    headers: Annotated[dict[str, str], Meta(description="more header fields")] = {}


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A path that the server answers for."""

    path: Annotated[
        str,
        Meta(pattern="^/", description="werkzeug rule; <queue> names the outbox, other variables become path_params"),
    ]
    methods: Annotated[tuple[str, ...], Meta(min_length=1, description="methods that are let in")] = ("POST",)
    ctypes: Annotated[
        tuple[str, ...],
        Meta(description="content types that are let in, as text/*; none: those that the server knows; */*: all"),
    ] = ()
    outbox: Annotated[str, Meta(description="outbox when the path has no <queue>; none: all default ones")] = ""
    outboxes: Annotated[
        dict[str, str],
        Meta(description="outbox by what <queue> is in the path; what is not here names its outbox itself"),
    ] = {}

    id: Annotated[str, Meta(description="a name, which events get as their attribute `route`; none: no")] = ""
    redirect: Annotated[str, Meta(description="where the client is sent to, with 308; no event is made")] = ""
    answer: Annotated[Fixed | None, Meta(description="what the client is answered; no event is made")] = None

    @property
    def fixed(self) -> Fixed | None:
        """The answer that the route has itself."""
        return Fixed(status=308, headers={"Location": self.redirect}) if self.redirect else self.answer

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by the key."""
        if self.outbox and self.chooses:
            yield "outbox", "this is never used: the path has <queue>, which names the outbox. Remove one of the two"
        if self.outboxes and not self.chooses:
            yield (
                "outboxes",
                "this is never used: the path has no <queue> that could stand in it. Remove one of the two",
            )
        if self.redirect and self.answer is not None:
            yield "answer", "this is never used: the route redirects. Remove one of the two"
        fixed = self.fixed
        if fixed is None:
            return
        key = "redirect" if self.redirect else "answer"
        fields = {"Content-Type": fixed.content_type, **fixed.headers}
        if bad := next((name for name, value in fields.items() if not message.is_header(name, value)), ""):
            yield (
                key,
                f'the header field "{bad}" cannot be sent: a name or a value has a character that may not be there',
            )
        if self.outbox or self.chooses:
            yield key, "no event is made here, so it goes into no outbox. Remove outbox, or <queue> in the path"

    @property
    def chooses(self) -> bool:
        """Whether the path of a request names the outbox."""
        return _QUEUE.search(self.path) is not None

    def outbox_names(self, path: str) -> Iterator[tuple[str, str]]:
        """The outboxes that it names, by where it does: the route itself stands at `path`."""
        if self.chooses:
            yield from ((f"{path}.outboxes.{queue}", outbox) for queue, outbox in self.outboxes.items())
        elif self.outbox:
            yield f"{path}.outbox", self.outbox


class Match(msgspec.Struct, frozen=True):
    """Where a request goes: `queue` is the outbox, None for the default ones."""

    route: Route
    queue: str | None
    path_params: dict[str, str]


class NoRoute(msgspec.Struct, frozen=True):
    """No route takes the request; `allowed` are the methods that the path does take, none: there is no such path."""

    allowed: tuple[str, ...]


class Router:
    """The routes of one server."""

    def __init__(self, routes: Sequence[Route], base_path: str = "") -> None:
        """Compile the routes; their paths stand below a common one.

        Raises:
            SettingsError: a path is not a werkzeug rule.
        """
        self._routes = [
            msgspec.structs.replace(route, methods=tuple(method.upper() for method in route.methods))
            for route in routes
        ]
        # A common path is text, and no rule with variables.
        base = base_path.rstrip("/")
        if "<" in base or (base and not base.startswith("/")):
            raise SettingsError(f'routes: the base_path "{base_path}" does not begin with a slash, or has a variable')
        try:
            rules = [
                routing.Rule((base + route.path).rstrip("/") or "/", endpoint=str(index), methods=route.methods)
                for index, route in enumerate(self._routes)
            ]
            table = routing.Map(rules, strict_slashes=False, merge_slashes=False)
            self._adapter = table.bind("")
            table.update()
        except (ValueError, LookupError, TypeError) as exc:
            raise SettingsError(f"routes: a path cannot be used: {exc}") from exc
        self._cache: dict[tuple[str, bytes], tuple[Match | NoRoute, str, str]] = {}

    def find(self, method: str, target: bytes) -> tuple[Match | NoRoute, str, str]:
        """(route, decoded path, query) of a request. A slash at the end of the path does not count.

        Raises:
            MalformedEvent: the target is not UTF-8.
        """
        found = self._cache.get((method, target))
        if found is None:
            path, query = split_target(target)
            found = self._find(method, path.rstrip("/") or "/"), path, query
            if len(target) > CACHED_LENGTH or query:
                return found
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[method, target] = found
        return found

    def _find(self, method: str, path: str) -> Match | NoRoute:
        try:
            index, found = self._adapter.match(path, method)
        except exceptions.MethodNotAllowed as exc:
            return NoRoute(tuple(sorted(exc.valid_methods or ())))
        except (exceptions.NotFound, routing.RequestRedirect):
            return NoRoute(())
        route = self._routes[int(index)]
        values = {name: str(value) for name, value in found.items()}
        queue = values.pop("queue", route.outbox) or None
        queue = route.outboxes.get(queue, queue) if queue else None
        return Match(route, queue, values)


def split_target(target: bytes) -> tuple[str, str]:
    """(decoded path, query) of a request target (RFC 9112 §3.2): origin form, absolute form or `*`.

    Raises:
        MalformedEvent: it is not UTF-8.
    """
    if not target.startswith((b"/", b"*")):
        _, _, rest = target.partition(b"://")
        target = rest[slash:] if (slash := rest.find(b"/")) >= 0 else b"/"
    path, _, query = target.partition(b"#")[0].partition(b"?")
    if b"%" in path:
        path = unquote_to_bytes(path)
    try:
        return path.decode(), query.decode("latin-1")
    except UnicodeDecodeError as exc:
        raise MalformedEvent("the address is not UTF-8") from exc
