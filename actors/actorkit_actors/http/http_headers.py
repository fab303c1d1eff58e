"""The header of the answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

from msgspec import Meta

from actorkit import Actor, Event, Http
from actorkit.errors import SettingsError, UnprocessableEvent
from actorkit.params import Problem
from actorkit_actors.http import message


class HTTPHeaders(Actor):
    """Sets header fields with which the event will be answered; those of the same name that are there go.

    Failures:
        UnprocessableEvent (422): what stands in the event is no text, or has a character that cannot stand in a header,
            as a line break.
    """

    NAME: ClassVar[str] = "http-headers"

    class Params(Actor.Params, frozen=True, kw_only=True):
        fields: Annotated[dict[str, str], Meta(description="fields that are always the same")] = {}
        paths: Annotated[dict[str, str], Meta(description="fields by where they stand in the event, as data/id")] = {}
        remove: Annotated[tuple[str, ...], Meta(description="fields that go")] = ()

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        for path, given in (("fields", params.fields), ("paths", dict.fromkeys(params.paths, ""))):
            for name, value in given.items():
                if not message.is_header(name, value):
                    yield Problem(f"{path}.{name}", "this is no header field, or one that the server makes itself")

    def setup(self) -> None:
        """Look at the fields.

        Raises:
            SettingsError: one cannot be sent.
        """
        for problem in self.check(self.params):
            raise SettingsError(f"{problem.path}: {problem.message}")
        named = (*self.params.fields, *self.params.paths, *self.params.remove)
        self._gone = frozenset(name.lower() for name in named)

    def consume(self, event: Event) -> Event:
        """Set the fields.

        Raises:
            UnprocessableEvent: one cannot be sent.
        """
        event.http = http = event.http or Http()
        fields = dict(self.params.fields)
        for name, path in self.params.paths.items():
            value = event.lookup(path)
            text = str(value)
            if isinstance(value, bool) or not isinstance(value, str | int | float) or not message.is_header(name, text):
                raise UnprocessableEvent(f'"{path}" of the event cannot stand in the header field {name}')
            fields[name] = text
        kept = [pair for pair in http.reply_headers if pair[0].lower() not in self._gone]
        http.reply_headers = [*kept, *fields.items()]
        return event
