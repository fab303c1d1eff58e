"""Attributes out of JSON, by JSONPath."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any, ClassVar

import jsonpath
from jsonpath.function_extensions import ExpressionType, FilterFunction
from msgspec import Meta

from actorkit import Actor, Event, JSONEvent
from actorkit.errors import MalformedEvent
from actorkit.params import Problem
from actorkit_actors.json.patterns import Search


class JSONPathAttributes(Actor):
    """Sets attributes of the event to what JSONPath (RFC 9535) finds in its data, which goes on as it came.

    Nothing found is null, one value is that, several are a list. `match()` and `search()` give up on a text after
    `pattern_timeout_s`, and the event fails: a pattern may take ages for a text that was made for it.

    Failures:
        MalformedEvent (400): with `required`, nothing was found; there are too many values; a pattern took too long;
            the data is nested too deep for the path.
        ConversionError (400): the data is not JSON.
    """

    NAME: ClassVar[str] = "jsonpath-attributes"
    EXTRA: ClassVar[str] = "json"

    class Params(Actor.Params, frozen=True, kw_only=True):
        attributes: Annotated[dict[str, str], Meta(min_length=1, description="attribute → JSONPath, as $.total")]
        required: Annotated[bool, Meta(description="fail events in which a path finds nothing")] = False
        max_values: Annotated[int, Meta(ge=1, description="values that one path may find")] = 10_000
        pattern_timeout_s: Annotated[
            float, Meta(gt=0, description="time that match() and search() have for one event")
        ] = 1.0

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Paths that are none."""
        for name, path in params.attributes.items():
            if not path:  # The library's own error about it cannot be shown.
                yield Problem(f"attributes.{name}", '"" is no JSONPath; the whole data is $')
                continue
            try:
                _environment(Search(params.pattern_timeout_s)).compile(path)
            except (jsonpath.JSONPathError, RecursionError) as exc:
                yield Problem(f"attributes.{name}", f'"{path}" is no JSONPath: {" ".join(str(exc).split())}')

    def setup(self) -> None:
        """Compile the paths."""
        self._search = Search(self.params.pattern_timeout_s)
        environment = _environment(self._search)
        self._paths = {name: environment.compile(path) for name, path in self.params.attributes.items()}

    def consume(self, event: JSONEvent) -> Event:
        """Set the attributes."""
        data = event.data
        self._search.begin()
        found = {name: self._find(name, path, data) for name, path in self._paths.items()}
        return event.as_it_came().replace(**found)

    def _find(self, name: str, path: Any, data: Any) -> Any:
        most = self.params.max_values
        if not isinstance(data, dict | list):
            # The library reads a text as JSON, and takes no other value: only the path to the root finds one of these.
            values = [data] if str(path) == "$" else []
        else:
            try:
                values = [match.obj for match in islice(path.finditer(data), most + 1)]
            except TimeoutError as exc:
                raise MalformedEvent(f'the path for the attribute "{name}": {exc}') from exc
            except (jsonpath.JSONPathError, RecursionError) as exc:
                raise MalformedEvent(f'the path for the attribute "{name}" fails: {exc}') from exc
        if len(values) > most:
            raise MalformedEvent(f'the path for the attribute "{name}" finds more than {most} values (max_values)')
        if not values and self.params.required:
            raise MalformedEvent(f'the path for the attribute "{name}" finds nothing: {path}')
        return values if len(values) > 1 else values[0] if values else None


def _environment(search: Search) -> jsonpath.JSONPathEnvironment:
    environment = jsonpath.JSONPathEnvironment(strict=True)
    environment.function_extensions["match"] = Function(search, whole=True)
    environment.function_extensions["search"] = Function(search, whole=False)
    return environment


class Function(FilterFunction):
    """`match()`, and `search()`, of RFC 9535 §2.4.6 and §2.4.7."""

    arg_types = [ExpressionType.VALUE] * 2
    return_type = ExpressionType.LOGICAL

    def __init__(self, search: Search, whole: bool) -> None:
        self._search, self._whole = search, whole

    def __call__(self, value: object, pattern: object) -> bool:
        """Whether the text matches; what is no text, and no pattern, does not."""
        if not (isinstance(value, str) and isinstance(pattern, str)):
            return False
        return self._search(pattern, value, self._whole)
