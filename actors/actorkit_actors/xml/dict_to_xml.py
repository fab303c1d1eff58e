"""JSON as XML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from actorkit import Actor, JSONEvent, XMLEvent
from actorkit.errors import ConversionError
from actorkit.event import hints, xml
from actorkit.params import Problem


class DictToXML(Actor):
    """Makes XML of JSON, by the rules of docs/events.md: text never becomes markup.

    An object with one key is that element. Anything else has no single root: `envelope` names the element around the
    keys of an object, around the `item`s of a list, and around a bare value. Without it that is an element of the
    namespace `urn:actorkit:json`, which comes off again on the way back. With `always` the envelope is there for every
    value. With `typed` the attributes `json_type` and `force_list` tell what XML has no words for.

    Failures:
        ConversionError (400): a key cannot be a name in XML, a text has characters that XML has none for, or the data
            is nested too deep.
    """

    NAME: ClassVar[str] = "dict-to-xml"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        envelope: Annotated[str, Meta(description="name of the element around what has no single root")] = ""
        item: Annotated[str, Meta(description="name of the elements of a list in the envelope")] = "item"
        always: Annotated[bool, Meta(description="put the envelope around an object with one key, too")] = False
        typed: Annotated[bool, Meta(description="write the attributes json_type and force_list")] = False

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Names that no element can have."""
        for path, name in (("envelope", params.envelope), ("item", params.item)):
            if not name and path == "envelope":
                continue
            try:
                xml.from_json({name: None})
                if name.startswith(("@", "#")):
                    raise ConversionError(f'"{name}" cannot be a name in XML')
            except ConversionError as exc:
                yield Problem(path, exc.message)
        if params.always and not params.envelope:
            yield Problem("always", "name the envelope")

    def consume(self, event: JSONEvent) -> XMLEvent:
        """Make XML of the event's data."""
        return event.become(XMLEvent, xml.from_json(self._wrap(event.data)))

    def _wrap(self, value: Any) -> Any:
        single = isinstance(value, dict) and len(value) == 1 and not isinstance(next(iter(value.values())), list)
        if isinstance(value, list) and self.params.envelope:
            value = {self.params.item: value}
        if self.params.typed:
            value = hints.write(value)
        return {self.params.envelope: value} if self.params.envelope and (self.params.always or not single) else value
