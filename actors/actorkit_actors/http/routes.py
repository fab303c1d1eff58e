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

#: Longer targets are not remembered, in bytes: strangers choose them.
CACHED_LENGTH: Final = 200

#: How many (method, target) pairs are remembered with their route; beyond it all are forgotten.
CACHE_SIZE: Final = 1024


#: The variable of a path that names the outbox, with or without a converter of werkzeug's.
_QUEUE: Final = re.compile(r"<(?:[^<>]*:)?queue>")


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A path that the server answers for."""

    path: Annotated[
        str,
        Meta(pattern="^/", description="werkzeug rule; <queue> names the outbox, other variables become path_params"),
    ]
    methods: Annotated[tuple[str, ...], Meta(min_length=1, description="methods that are let in")] = ("POST",)
    ctypes: Annotated[tuple[str, ...], Meta(description="content types that are let in, as text/*; none: all")] = ()
    outbox: Annotated[str, Meta(description="outbox when the path has no <queue>; none: all default ones")] = ""
    outboxes: Annotated[
        dict[str, str],
        Meta(description="outbox by what <queue> is in the path; what is not here names its outbox itself"),
    ] = {}

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

    def __init__(self, routes: Sequence[Route]) -> None:
        """Compile the routes.

        Raises:
            SettingsError: a path is not a werkzeug rule.
        """
        self._routes = [
            msgspec.structs.replace(route, methods=tuple(method.upper() for method in route.methods))
            for route in routes
        ]
        try:
            rules = [
                routing.Rule(route.path.rstrip("/") or "/", endpoint=str(index), methods=route.methods)
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
