"""The status of the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from actorkit import Actor, Event, Http
from actorkit.errors import SettingsError, UnprocessableEvent
from actorkit.params import Problem

#: A status, and what people read after it: `404`, `404 Not Found`, `404-Not Found`.
_STATUS: Final = re.compile(r"\s*([2-5][0-9][0-9])(?:[ -].*)?\Z", re.DOTALL)


class HTTPStatus(Actor):
    """Sets the status with which the event will be answered: always the same one, or one that stands in the event.

    Failures:
        UnprocessableEvent (422): what stands in the event is no status from 200 to 599.
    """

    NAME: ClassVar[str] = "http-status"

    class Params(Actor.Params, frozen=True, kw_only=True):
        status: Annotated[int, Meta(description="the status, 200 to 599; 0: that at `path`")] = 0
        path: Annotated[str, Meta(description="where the status stands in the event, as data/result/status")] = ""

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        if bool(params.status) == bool(params.path):
            yield Problem("status", "either the status or its path has to be given, and not both")
        elif params.status and not 200 <= params.status <= 599:
            yield Problem("status", "an answer has a status from 200 to 599")

    def setup(self) -> None:
        """Look at the parameters.

        Raises:
            SettingsError: they say nothing, or two things.
        """
        for problem in self.check(self.params):
            raise SettingsError(f"{problem.path}: {problem.message}")

    def consume(self, event: Event) -> Event:
        """Set the status.

        Raises:
            UnprocessableEvent: there is none.
        """
        status = self.params.status
        if not status:
            value = event.lookup(self.params.path)
            found = _STATUS.match(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
            if found is None:
                raise UnprocessableEvent(f'"{self.params.path}" of the event is no status from 200 to 599')
            status = int(found[1])
        event.http = event.http or Http()
        event.http.status = status
        return event
