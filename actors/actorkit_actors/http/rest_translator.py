"""The statuses that a REST interface answers with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import SettingsError
from actorkit.event import body
from actorkit.params import Problem
from actorkit_actors.http import message, target

_EMPTY: Final = {body.TEXT: (b"",), body.BYTES: (b"",), body.FORM: (b"",), body.JSON: (b'""', b"{}", b"[]", b"null")}


class RESTTranslator(Actor):
    """Gives an answer the status that its method asks for: 201 with `Location` after POST, 204 where there is no data.

    A status that an actor has chosen, but for 200 and 201, stays, and so does the event of a failure, and one without a
    request. Data is none where it is empty, or null, an empty text, list or object of JSON.

    Failures:
        MalformedEvent (400): the event has nothing for a place in `location`.
    """

    NAME: ClassVar[str] = "rest-translator"

    class Params(Actor.Params, frozen=True, kw_only=True):
        location: Annotated[
            str,
            Meta(
                description="where what was made is, as /orders/{attributes/id}; none: the path of the request and "
                "the event's attribute `entity_id`, or its trace"
            ),
        ] = ""

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        if params.location and (not message.is_header("location", params.location) or " " in params.location):
            yield Problem("location", "it has a blank or a character that cannot stand in a header; write it as %XX")

    def setup(self) -> None:
        """Look at the address.

        Raises:
            SettingsError: it cannot be sent.
        """
        for problem in self.check(self.params):
            raise SettingsError(f"{problem.path}: {problem.message}")

    def consume(self, event: Event) -> Event:
        """Choose the status."""
        http = event.http
        if http is None or event.failure is not None or http.status not in (0, 200, 201):
            return event
        if http.method == "POST":
            http.status = 201
            if not any(name.lower() == "location" for name, _ in http.reply_headers):
                http.reply_headers = [*http.reply_headers, ("Location", self._location(event, http.path))]
        elif http.method in ("GET", "PUT", "PATCH", "DELETE") and http.status != 201 and _is_empty(event):
            http.status = 204
            return event.replace(None)
        return event

    def _location(self, event: Event, path: str) -> str:
        if self.params.location:
            return target.fill(self.params.location, event)
        name = event.get("entity_id") or event.trace
        return target.escape(path.rstrip("/")) + "/" + target.escape(str(name), safe="")


def _is_empty(event: Event) -> bool:
    format_, content = event.encoded()
    return format_ == body.NOTHING or content.strip() in _EMPTY.get(format_, ())
