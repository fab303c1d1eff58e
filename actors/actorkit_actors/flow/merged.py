"""One event made of several."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from actorkit import Event, JSONEvent, XMLEvent
from actorkit.errors import MalformedEvent, SettingsError
from actorkit.event import body

#: What is made of the data of several events.
To = Literal["list", "object", "xml"]

#: Bodies whose data stands in a list as it is; others are converted to JSON.
_PLAIN: Final = (body.NOTHING, body.TEXT)


#: The parameters `to` and `root` of actors that make one event of several.
ToParam = Annotated[
    To, Meta(description="a list of the data, one object of their fields (the later wins), or XML with them inside")
]
RootParam = Annotated[str, Meta(description="name of the element around them, for to: xml")]


class Merge:
    """Reads the data of single events, and makes the event of them.

    Raises:
        SettingsError: XML is wanted and cannot be had, or the name of its element is none.
    """

    def __init__(self, to: To, root: str) -> None:
        self._to, self._root = to, root
        if self._to == "xml":
            _element(self._root)

    def read(self, event: Event) -> Any:
        """The event's data as it will stand in the whole. What cannot be put together is found here, so that a whole
        can always be made of what was read.

        Raises:
            ConversionError: it cannot be read as JSON, or as XML.
            MalformedEvent: it is no object, and an object is wanted.
        """
        if self._to == "xml":
            return event.convert(XMLEvent).data
        if self._to == "list" and event.encoded()[0] in _PLAIN:
            return event.data
        data = event.convert(JSONEvent).data
        if self._to == "object" and not isinstance(data, dict):
            raise MalformedEvent("the data is no object, so its fields cannot be merged")
        return data

    def whole(self, base: Event, events: Sequence[Event], values: Sequence[Any]) -> Event:
        """The event with the data of all, in their order. It has the attributes of all, the later winning, and its name
        and trace are the base's."""
        made: Event
        if self._to == "xml":
            element = _element(self._root)
            element.extend(deepcopy(value) for value in values)
            made = base.become(XMLEvent, element)
        elif self._to == "object":
            made = base.become(JSONEvent, {name: value for part in values for name, value in part.items()})
        else:
            made = base.become(JSONEvent, list(values))
        for event in events:
            made.attributes.update(event.context.attributes)
        made.http = next((event.http for event in events if event.http is not None), None)
        return made


def _element(name: str) -> Any:
    try:
        from lxml import etree
    except ImportError as exc:
        raise SettingsError("to: xml needs lxml. Install it: actorkit[xml]") from exc
    try:
        return etree.Element(name)
    except ValueError as exc:
        raise SettingsError(f'"{name}" is no name of an element') from exc
