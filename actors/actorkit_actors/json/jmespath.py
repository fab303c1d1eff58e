"""JMESPath."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

import jmespath
from jmespath.exceptions import JMESPathError
from msgspec import Meta

from actorkit import Actor, JSONEvent
from actorkit.errors import MalformedEvent, SettingsError
from actorkit.params import Problem


class JMESPath(Actor):
    """Makes of JSON what a JMESPath expression makes of it.

    The expression stands in the topology; nothing in the data ever becomes one. It knows no loops, no patterns and no
    files, so that it ends; it is plain Python, and `stuck_after_s` bounds what a large document takes.

    Failures:
        MalformedEvent (400): the data does not fit the expression (`length()` of a number), or is nested too deep.
        ConversionError (400): the data is not JSON.
    """

    NAME: ClassVar[str] = "jmespath"
    EXTRA: ClassVar[str] = "json"

    class Params(Actor.Params, frozen=True, kw_only=True):
        expression: Annotated[str, Meta(description="the JMESPath expression", extra={"file": True})]
        required: Annotated[bool, Meta(description="fail events of which the expression makes null")] = False

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            _compile(params.expression)
        except SettingsError as exc:
            yield Problem("expression", exc.message.removeprefix("expression: "))

    def setup(self) -> None:
        """Compile the expression.

        Raises:
            SettingsError: it is none.
        """
        self._expression = _compile(self.params.expression)

    def consume(self, event: JSONEvent) -> JSONEvent:
        """Transform the event's data."""
        try:
            found = self._expression.search(event.data)
        except (JMESPathError, RecursionError, TypeError, ValueError, OverflowError) as exc:
            raise MalformedEvent(f"the data does not fit the expression: {' '.join(str(exc).split())[:1000]}") from exc
        if found is None and self.params.required:
            raise MalformedEvent("the expression finds nothing in the data")
        return event.replace(found)


def _compile(expression: str) -> jmespath.parser.ParsedResult:
    try:
        return jmespath.compile(expression.strip())
    except (JMESPathError, RecursionError, ValueError) as exc:
        raise SettingsError(f"expression: it is no JMESPath: {' '.join(str(exc).split())[:500]}") from exc
