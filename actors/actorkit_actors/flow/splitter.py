"""An event for each part of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from actorkit import Actor, Event, JSONEvent, XMLEvent
from actorkit.errors import MalformedEvent, SettingsError, UnprocessableEvent
from actorkit.event import body
from actorkit.event.selector import Selector, View
from actorkit.params import Problem


class Splitter(Actor):
    """Takes an event apart: each part that a place in it has becomes an event of its own.

    The place is an XPath (each node that it finds; an element becomes a document, with its namespaces), a JSONPath
    (each value), or a path from the event (`at: data/items`: each item of the list there). Without one, a text is taken
    apart into its lines, which end in LF or CR LF, and of which empty ones are left out.

    Each part keeps the trace and the attributes of the whole, and has three more: `part`, its number (0, 1, …),
    `parts`, how many there are, and `whole`, which is the same for all parts of one event and for no others.
    [event-join](event-join.md) puts them together again with `key: {at: attributes/whole}` and
    `count_at: attributes/parts`. The id of a part follows from that of the whole and its number, so that it is known
    again when the whole comes a second time.

    Failures:
        MalformedEvent (400): the data cannot be read as the place wants it; there are more than `max_parts`.
        UnprocessableEvent (422): there is no part, and `empty` is `error`.
    """

    NAME: ClassVar[str] = "splitter"
    EXTRA: ClassVar[str] = "flow"

    class Params(Actor.Params, frozen=True, kw_only=True):
        each: Annotated[Selector | None, Meta(description="place of the parts; none: the lines of a text")] = None
        empty: Annotated[
            Literal["drop", "send", "error"], Meta(description="whether what has no parts ends here, goes on, or fails")
        ] = "drop"
        max_parts: Annotated[int, Meta(ge=1, description="most parts of one event")] = 100_000

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            if params.each is not None:
                params.each.compile()
        except SettingsError as exc:
            yield Problem("each", str(exc))

    def setup(self) -> None:
        """Compile the place.

        Raises:
            SettingsError: it cannot be.
        """
        each = self.params.each
        self._find = each.compile() if each is not None else None
        self._wanted: type[Event] | None = None
        if each is not None and not each.at:
            self._wanted = XMLEvent if each.xpath else JSONEvent

    def consume(self, event: Event) -> Iterator[Event] | Event | None:
        """Take the event apart.

        Raises:
            MalformedEvent: it cannot be, or has too many parts.
            UnprocessableEvent: it has none, and that is an error.
        """
        values = self._values(event)
        if len(values) > self.params.max_parts:
            raise MalformedEvent(f"there are {len(values)} parts, more than {self.params.max_parts} (max_parts)")
        if values:
            return self._parts(event, values)
        if self.params.empty == "error":
            raise UnprocessableEvent("the event has no parts")
        return event if self.params.empty == "send" else None

    def _parts(self, event: Event, values: list[Any]) -> Iterator[Event]:
        whole, count = event.key, len(values)
        for number, value in enumerate(values):
            made = event.become(_class_of(value), value)
            made.attributes.update(part=number, parts=count, whole=whole)
            yield made

    def _values(self, event: Event) -> list[Any]:
        if self._find is None:
            return _lines(event)
        view = View(event)
        if self._wanted is not None and view.of(self._wanted) is None:
            event.convert(self._wanted)  # It raises why it cannot be read so.
        found = self._find(view)
        if self._wanted is None:
            if found and not isinstance(found[0], list):
                raise MalformedEvent(f"at {self.params.each.at if self.params.each else ''} is no list")
            return found[0] if found else []
        return found


def _class_of(value: Any) -> type[Event]:
    if isinstance(value, str):
        return Event
    return XMLEvent if hasattr(value, "itertext") else JSONEvent


def _lines(event: Event) -> list[str]:
    format_, content = event.encoded()
    if format_ not in (body.TEXT, body.BYTES, body.NOTHING):
        raise MalformedEvent("the data is no text, so it has no lines; say where its parts are (each)")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise MalformedEvent(f"the text is not UTF-8: {exc.reason} at byte {exc.start}") from exc
    return [line for line in (line.removesuffix("\r") for line in text.split("\n")) if line]
