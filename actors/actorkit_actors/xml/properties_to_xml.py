"""What is known about an event, as XML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from actorkit import Actor, Event, XMLEvent
from actorkit.errors import ConversionError
from actorkit.event import hints, xml
from actorkit.observe import redact
from actorkit.params import Problem


class PropertiesToXML(Actor):
    """Makes XML of what is known about an event beside its data, which it replaces.

    `<event><id>…</id><trace>…</trace><service>…</service><attributes>…</attributes></event>`, and `http` and `failure`
    where they are there. Credentials in header fields are left out. Whatever the data is, it is not looked at.

    Failures:
        ConversionError (400): the name of an attribute cannot be a name in XML, or its text has characters that XML has
            none for.
    """

    NAME: ClassVar[str] = "properties-to-xml"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        root: Annotated[str, Meta(description="name of the element around all")] = "event"
        attributes_only: Annotated[bool, Meta(description="the event's attributes alone, right in the root")] = False
        typed: Annotated[bool, Meta(description="write the attributes json_type and force_list")] = False

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Whether the root can be a name in XML."""
        try:
            if params.root.startswith(("@", "#")):
                raise ConversionError(f'"{params.root}" cannot be a name in XML')
            xml.from_json({params.root: None})
        except ConversionError as exc:
            yield Problem("root", exc.message)

    def consume(self, event: Event) -> XMLEvent:
        """Make XML of what is known about the event."""
        known = _plain(event.context.attributes) if self.params.attributes_only else _known(event)
        value = {self.params.root: known}
        return event.become(XMLEvent, xml.from_json(hints.write(value) if self.params.typed else value))


def _known(event: Event) -> dict[str, Any]:
    http, failure = event.http, event.failure
    known: dict[str, Any] = {
        "id": event.id,
        "trace": event.trace,
        "service": event.service,
        "attributes": _plain(event.context.attributes),
    }
    if http is not None:
        known["http"] = {
            "method": http.method,
            "path": http.path,
            "remote": http.remote,
            "user": http.user,
            "status": http.status,
            # Names of header fields and of a query need not be names in XML.
            "header": [{"@name": name, "#text": value} for name, value in redact.headers(http.headers).items()],
            "query": [{"@name": name, "#text": value} for name, values in http.query.items() for value in values],
        }
    if failure is not None:
        known["failure"] = {
            "kind": failure.kind,
            "message": failure.message,
            "status": failure.status,
            "actor": failure.actor,
            "code": failure.code,
        }
    return known


def _plain(value: Any) -> Any:
    """Attributes as JSON-like values: keys become texts, and bytes and the like what they look like."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)
