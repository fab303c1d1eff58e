"""XML as JSON."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from actorkit import Actor, JSONEvent, XMLEvent
from actorkit.event import hints, xml


class XMLToDict(Actor):
    """Makes JSON of XML, by the rules of docs/events.md.

    An element with one of the names in `envelopes` at the top is taken off: `<answer><a>1</a></answer>` is
    `{"a": "1"}`. `flatten` takes off whatever stands there. With `typed` the attributes `json_type` and `force_list`
    are followed, and taken off; without they are attributes as all others.

    Failures:
        ConversionError (400): the data is not XML.
    """

    NAME: ClassVar[str] = "xml-to-dict"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        envelopes: Annotated[
            tuple[str, ...], Meta(description="names of elements that are taken off at the top, with their prefix")
        ] = ()
        flatten: Annotated[bool, Meta(description="take off the root element, whatever its name is")] = False
        typed: Annotated[bool, Meta(description="follow the attributes json_type and force_list")] = False
        lists: Annotated[
            tuple[str, ...], Meta(description="names of elements that are lists also where there is one of them")
        ] = ()

    params: Params

    def consume(self, event: XMLEvent) -> JSONEvent:
        """Make JSON of the event's data."""
        value = xml.to_json(event.data)
        if self.params.typed:
            value = hints.read(value)
        if self.params.lists:
            value = _with_lists(value, frozenset(self.params.lists))
        if isinstance(value, dict) and len(value) == 1:
            ((name, inner),) = value.items()
            if self.params.flatten or name in self.params.envelopes:
                value = inner
        return event.become(JSONEvent, value)


def _with_lists(value: Any, names: frozenset[str]) -> Any:
    """The value, with a list of one wherever a single element has one of the names."""
    if isinstance(value, list):
        return [_with_lists(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: _with_lists(inner, names) for name, inner in value.items()}
    return {name: [inner] if name in names and not isinstance(inner, list) else inner for name, inner in found.items()}
