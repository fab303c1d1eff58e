"""What actors receive and send.

An event is a body in one of a few formats and what is known about it. The class of an event says in which format its
`data` is seen: `Event` takes it as it comes, those of views.py in one format. `convert` changes the view; the body is
parsed when `data` is first read, so an actor that only passes events on never pays for parsing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from actorkit.errors import ConversionError, UnsendableData
from actorkit.event import body
from actorkit.event.context import Context, Failure, Http, PortableContext, decode_context, encode_context
from actorkit.event.fields import EventFields, Fields, FirstField
from actorkit.event.ids import new_id
from actorkit.event.parcel import MAX_BODY_BYTES, Parcel, ReplyTo, latest_deadline_ms
from actorkit.event.position import Position, is_marked, mark, position_of, trace_of
from actorkit.event.walk import walk

E = TypeVar("E", bound="Event")


class Event(EventFields, eq=False, gc=False):
    """An event whose `data` is whatever its sender gave: None, bytes, text, JSON-like values or an lxml element."""

    #: The body format in which this class sees its data; None: as it comes.
    FORMAT: ClassVar[str | None] = None

    # The fields under the properties.
    #: The data; UNREAD where it still is the origin's body, a Raw where it is another body that nobody has read.
    _data = FirstField.data
    _service = Fields.service
    _attributes = Fields.attributes
    _http = Fields.http
    _trace = Fields.position

    @classmethod
    def received(cls, parcel: Parcel) -> Self:
        """The event that came over an edge as this parcel; nothing is parsed yet."""
        return cls(body.UNREAD, origin=parcel)

    @classmethod
    def unread(
        cls,
        format_: str,
        content: bytes,
        *,
        service: str = "",
        http: Http | None = None,
        context: Context | None = None,
        position: Position | None = None,
    ) -> Self:
        """Make a new event of a body that is known as bytes of a format; nothing is parsed yet. A context that came
        without its parcel brings its trace with it."""
        self = cls(body.Raw((format_, content)), service=service, http=http, position=position)
        if context is not None:
            self._context = Context(service or context.service, context.attributes, http or context.http)
            self._trace = context.trace or self.number
        return self

    @property
    def number(self) -> int:
        """The event's id as a number."""
        if not self._id:
            origin = self.origin
            # An event that was asked for its id keeps it, also when it is sent.
            self._id = origin.id if origin is not None else self._name()
        return self._id

    def _name(self) -> int:
        name = new_id()
        self._trace = self._trace or name
        return name

    @property
    def id(self) -> str:
        """The event's id, 16 hexadecimal digits."""
        return f"{self.number:016x}"

    @property
    def trace_number(self) -> int:
        """The trace as a number."""
        trace = self._trace if type(self._trace) is int else trace_of(self._trace)
        return trace or (self.origin.trace or self.origin.id if self.origin is not None else self.number)

    @property
    def trace(self) -> str:
        """Id of the event that all of this began with, 16 hexadecimal digits; the one to search logs for."""
        return f"{self.trace_number:016x}"

    @property
    def key(self) -> str:
        """The event's name, 32 hexadecimal digits: the same each time that it comes. The outside's idempotency key."""
        return f"{self.trace_number:016x}{self.number:016x}"

    @property
    def redelivered(self) -> bool:
        """Whether the event may have been sent before."""
        return bool(self.origin.redelivered) if self.origin is not None else is_marked(self._trace)

    @redelivered.setter
    def redelivered(self, value: bool) -> None:
        self._trace = mark(self._trace, value)

    @property
    def position(self) -> Position | None:
        """Where the outside has it, where it began here with a position."""
        return position_of(self._trace)

    @property
    def trail(self) -> tuple[str, ...]:
        """The actors that it came through, the last one last; the oldest are left out of a very long trail."""
        return tuple(self.origin.trail.split("/")) if self.origin is not None and self.origin.trail else ()

    @property
    def reply_to(self) -> ReplyTo | None:
        """Who waits for an answer to it, by actor."""
        if self._reply_to is not msgspec.UNSET:
            return self._reply_to
        return self.origin.reply_to if self.origin is not None else None

    @reply_to.setter
    def reply_to(self, value: ReplyTo | None) -> None:
        self._reply_to = value

    @property
    def deadline(self) -> float | None:
        """Seconds until nobody waits for the answer any more, 0.0 when it is too late. None where nobody waits, where
        somebody waits without end, and where the event is to be finished anyway."""
        latest = latest_deadline_ms(self.reply_to)
        return None if latest is None else max(0.0, latest / 1000 - time.monotonic())

    @property
    def data(self) -> Any:
        """The data, parsed when first read.

        Raises:
            ConversionError: the body is not what its format says.
        """
        data = self._data
        if data is body.UNREAD or type(data) is body.Raw:
            self._format, content = self.encoded()
            self._data = data = body.load(self._format, content, self.FORMAT)
        return data

    @data.setter
    def data(self, value: Any) -> None:
        """Give it other data.

        Raises:
            UnsendableData: the value is not of this class's format: the mistake is the actor's, not the sender's.
        """
        try:
            self._data = body.to_data(value, self.FORMAT)
        except UnsendableData:
            raise
        except ConversionError as exc:
            raise UnsendableData(exc.message) from exc
        self._format = ""

    def failed(self, failure: Failure) -> Self:
        """A copy of this event that tells why it failed; as it came, where what was made of it cannot be sent."""
        try:
            failed = self.replace()
            _ = failed.context
            if len(failed.encoded()[1]) > MAX_BODY_BYTES:
                failed = self.as_it_came()
        except ConversionError:
            failed = self.as_it_came()
        failed.failure = failure
        return failed

    def as_it_came(self) -> Self:
        """This event with nothing done to it; where its context cannot be read, with an empty one."""
        came = self.received(self.origin) if self.origin is not None else self
        try:
            _ = came.context
        except ConversionError:
            came._context = Context()
        return came

    def ensure(self) -> None:
        """Read the data now if its format is not the one of this class.

        Raises:
            ConversionError: it is not what this class wants.
        """
        if (self._data is body.UNREAD or type(self._data) is body.Raw) and self.encoded()[0] != self.FORMAT:
            _ = self.data

    def adopt(self, parent: Event) -> None:
        """Make this event, which came from elsewhere or from nothing, part of its parent's trace."""
        mine, theirs = self.context, parent.context
        if self._data is body.UNREAD:
            self._data = body.Raw(self.encoded())
        self.origin = parent.origin
        self._id, self._trace, self._reply_to = parent.number, parent.trace_number, parent.reply_to
        self._context = Context(
            mine.service or theirs.service, mine.attributes, mine.http or theirs.http, mine.failure or theirs.failure
        )

    def encoded(self) -> tuple[str, bytes]:
        """The body for the wire: (format, bytes). Data that has been read may have been changed, so it is written anew
        unless it cannot be."""
        data = self._data
        if data is body.UNREAD:
            origin = self.origin
            return (origin.format, origin.body) if origin is not None else (body.NOTHING, b"")
        if type(data) is body.Raw:
            return data
        return body.dump(data, self.FORMAT or self._format)

    @property
    def context(self) -> Context:
        """Everything but name, body and reply_to; decoded when first read."""
        if self._context is None:
            origin = self.origin
            if origin is None:
                self._context = Context(self._service, dict(self._attributes or {}), self._http)
            else:
                self._context = decode_context(origin.context)
        return self._context

    def encoded_context(self) -> bytes:
        """The context for the wire."""
        if self._context is None:
            if self.origin is not None:
                return self.origin.context
            if not (self._service or self._attributes or self._http):
                return b""
        return encode_context(self.context)

    def portable_context(self, left_s: float | None = None) -> bytes:
        """The context for a journey without a parcel: it names the trace itself, and for how long somebody waits."""
        known, left_ms = self.context, None if left_s is None else int(left_s * 1000)
        told = known.service, known.attributes, known.http, known.failure, self.trace_number, left_ms
        return encode_context(PortableContext(*told))

    def parcel(self) -> Parcel:
        """The event as it would stand on the wire."""
        (format_, content), trail = self.encoded(), "/".join(self.trail)
        context, again = self.encoded_context(), self.redelivered
        return Parcel(self.number, self.trace_number, format_, content, context, self.reply_to, again, trail)

    @property
    def service(self) -> str:
        return self.context.service

    @service.setter
    def service(self, value: str) -> None:
        self.context.service = value

    @property
    def attributes(self) -> dict[str, Any]:
        """Values beside the data that travel with the event; JSON-like."""
        if not self.context.attributes:
            self.context.attributes = {}
        return self.context.attributes

    @property
    def http(self) -> Http | None:
        return self.context.http

    @http.setter
    def http(self, value: Http | None) -> None:
        self.context.http = value

    @property
    def failure(self) -> Failure | None:
        """Why this event is on an error path; None on the good path."""
        return self.context.failure

    @failure.setter
    def failure(self, value: Failure | None) -> None:
        self.context.failure = value

    def get(self, key: str, default: Any = None) -> Any:
        """The attribute of that name, or the default."""
        return self.context.attributes.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Set an attribute."""
        self.attributes[key] = value

    def lookup(self, path: str | Sequence[str]) -> Any:
        """Walk from the event: `data/customer/0/name`, `http/headers/host`. None where a step is missing."""
        return walk(self, path.split("/") if isinstance(path, str) else list(path))

    def replace(self, data: Any = body.UNREAD, **attributes: Any) -> Self:
        """A copy of this event with other data and more attributes; it stays part of the same trace."""
        # What is replaced is not written first: it may be large, and may not even be writable.
        copy = self._copy(type(self), None if data is body.UNREAD else ("", b""))
        if data is not body.UNREAD:
            copy.data = data
        if attributes:
            copy.attributes.update(attributes)
        return copy

    def become(self, target: type[E], data: Any) -> E:
        """A copy of this event as another class, with other data; it stays part of the same trace."""
        copy = self._copy(target, ("", b""))
        copy.data = data
        return copy

    def with_body(self, format_: str, content: bytes) -> Self:
        """A copy of this event with a body that is known as bytes of a format; nothing is parsed yet."""
        return self._copy(type(self), (format_, content))

    def convert(self, target: type[E]) -> E:
        """This event seen as another class; itself if it is one already.

        Raises:
            ConversionError: the data does not fit the format of `target`.
        """
        if isinstance(self, target) and self.FORMAT == target.FORMAT:
            return self
        copy = self._copy(target)
        if target.FORMAT is not None:
            copy.ensure()
        return copy

    def _copy(self, target: type[E], raw: tuple[str, bytes] | None = None) -> E:
        # The context is decoded again, so that a change of the copy's context does not change the original's. One that
        # nobody has looked at stays with the origin: most events are passed on with the context with which they came.
        context = self._context
        return target(
            body.Raw(self.encoded() if raw is None else raw),
            origin=self.origin,
            _id=self.number,
            position=self.trace_number if type(self._trace) is int else self._trace,
            _reply_to=self.reply_to,
            _context=None if context is None and self.origin is not None else decode_context(self.encoded_context()),
        )

    def text(self) -> str:
        """The body as text, for logs and for people."""
        return self.encoded()[1].decode("utf-8", "replace")

    def __repr__(self) -> str:
        parts = [self.id, f"format={self.encoded()[0]}"]
        if self.redelivered:
            parts.append("redelivered")
        if self.failure is not None:
            parts.append(f"failure={self.failure.kind}")
        return f"<{type(self).__name__} {' '.join(parts)}>"
