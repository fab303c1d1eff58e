"""What actors receive and send.

An event is a body in one of a few formats and what is known about it. The class of an event says in which format its
`data` is seen: `Event` takes it as it comes, `XMLEvent` as an lxml element, `JSONEvent` as JSON values, `HttpEvent` as
bytes that came over HTTP. `convert` changes the view; the body is parsed when `data` is first read, so an actor that
only passes events on never pays for parsing.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Self, TypeVar

import msgspec

from actorkit import body
from actorkit.errors import ActorkitError, ConversionError
from actorkit.wire import Homes, Parcel

#: Ids are numbers below 2**64.
MASK: Final = (1 << 64) - 1
#: Odd, so that different parents give different children (the map is one-to-one modulo 2**64).
MULTIPLIER: Final = 0x9E3779B97F4A7C15

E = TypeVar("E", bound="Event")


def ids() -> Callable[[], int]:
    """Makes ids for events that follow from no other: 64-bit numbers, counted up from a random one, so that no other
    process and no other maker makes the same."""
    return itertools.count(int.from_bytes(os.urandom(8), "big") >> 1).__next__


class _Ids:
    """The ids of events that are asked for one before they are sent; made anew after a fork."""

    def __init__(self) -> None:
        self._renew()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._next = ids()

    def make(self) -> int:
        return self._next()


#: An id for an event that follows from no other.
new_id: Final = _Ids().make


def derive_id(parent: int, salt: int, ordinal: int) -> int:
    """The id of the `ordinal`-th event that an actor made of `parent`.

    The same parent, salt and ordinal give the same id in every instance, so that a repeat is recognised downstream.
    `salt` stands for the actor, the outbox and the connection.
    """
    return (parent * MULTIPLIER + salt + ordinal) & MASK


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """Why an event is on an error path: `kind` is the exception's class, `status` an HTTP status."""

    kind: str
    message: str
    status: int = 500
    actor: str = ""
    details: dict[str, Any] = {}

    @classmethod
    def of(cls, error: BaseException, actor: str = "") -> Failure:
        """Describe an exception; anything but an `ActorkitError` counts as status 500."""
        if isinstance(error, ActorkitError):
            details = {key: value for key, value in error.details.items() if _plain(value)}
            return cls(type(error).__name__, error.message or type(error).__name__, error.status, actor, details)
        return cls(type(error).__name__, str(error) or type(error).__name__, 500, actor)


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool | None | list | dict)


class Http(msgspec.Struct, array_like=True):
    """The HTTP side of an event: the request, and what the answer shall say.

    Header names are lower case. `status` 0 means that nobody has chosen one: 200, or that of the event's failure.
    """

    method: str = "POST"
    path: str = "/"
    query: dict[str, list[str]] = {}
    headers: dict[str, str] = {}
    path_params: dict[str, str] = {}
    remote: str = ""
    user: str = ""
    status: int = 0
    reply_headers: list[tuple[str, str]] = []


class Context(msgspec.Struct, array_like=True):
    """All of an event but its name, its body and its homes; travels with every event that descends from it.

    `trace` is filled in only where a context travels without its parcel.
    """

    service: str = ""
    attributes: dict[str, Any] = {}
    http: Http | None = None
    failure: Failure | None = None
    trace: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode_context = msgspec.msgpack.Decoder(Context).decode


class Event:
    """An event whose `data` is whatever its sender gave: None, bytes, text, JSON-like values or an lxml element."""

    # Events are made by the million, so a slot that most never need is left unset; `__getattr__` fills it in.
    __slots__ = ("_context", "_data", "_format", "_homes", "_id", "_trace", "origin")
    _id: int
    _trace: int
    _homes: Homes | None
    _format: str

    #: The body format in which this class sees its data; None: as it comes.
    FORMAT: ClassVar[str | None] = None

    def __init__(
        self,
        data: Any = None,
        *,
        service: str = "",
        attributes: Mapping[str, Any] | None = None,
        http: Http | None = None,
    ) -> None:
        #: The parcel that this event came as, or was made from; None when it was made from nothing. For the runtime.
        self.origin: Parcel | None = None
        #: The data; UNREAD where it still is the origin's body, a Raw where it is another body that nobody has read.
        self._data = data if self.FORMAT is None else body.checked(data, self.FORMAT)
        self._context: Context | None = (
            Context(service, dict(attributes or {}), http) if service or attributes or http else None
        )

    @classmethod
    def received(cls, parcel: Parcel) -> Self:
        """The event that came over an edge as this parcel; nothing is parsed yet."""
        self = cls.__new__(cls)
        self.origin = parcel
        self._data = body.UNREAD
        self._context = None
        return self

    @classmethod
    def unread(
        cls,
        format_: str,
        content: bytes,
        *,
        service: str = "",
        http: Http | None = None,
        context: Context | None = None,
    ) -> Self:
        """Make a new event of a body that is known as bytes of a format; nothing is parsed yet. A context that came
        without its parcel brings its trace with it."""
        self = cls(service=service, http=http)
        self._data = body.Raw((format_, content))
        if context is not None:
            self._context = Context(service or context.service, context.attributes, http or context.http)
            self._trace = context.trace or self.number
        return self

    def __getattr__(self, name: str) -> Any:
        """Fill in a slot that is not set."""
        origin = self.origin
        value: Any
        if name == "_id":
            value = origin.id if origin is not None else new_id()
        elif name == "_trace":
            value = origin.trace if origin is not None else self._id
        elif name == "_homes":
            value = origin.homes if origin is not None else None
        elif name == "_format":
            value = ""
        else:
            raise AttributeError(f"an {type(self).__name__} has no attribute {name!r}")
        setattr(self, name, value)
        return value

    @property
    def number(self) -> int:
        """The event's id as a number."""
        number: int = self._id
        return number

    @property
    def id(self) -> str:
        """The event's id, 16 hexadecimal digits."""
        return f"{self.number:016x}"

    @property
    def trace(self) -> str:
        """Id of the event that all of this began with, 16 hexadecimal digits; the one to search logs for."""
        return f"{self._trace:016x}"

    @property
    def redelivered(self) -> bool:
        """Whether the event may have been sent before."""
        return self.origin is not None and self.origin.redelivered

    @property
    def homes(self) -> Homes | None:
        """Who waits for an answer to it: actor → (instance, key of the one who waits there)."""
        return self._homes

    @homes.setter
    def homes(self, value: Homes | None) -> None:
        self._homes = value

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
        self._data = body.checked(value, self.FORMAT)
        self._format = ""

    def ensure(self) -> None:
        """Read the data now where its format is another than that of this class.

        Raises:
            ConversionError: it is not what this class wants.
        """
        if (self._data is body.UNREAD or type(self._data) is body.Raw) and self.encoded()[0] != self.FORMAT:
            _ = self.data
        if isinstance(self, HttpEvent) and self.http is None:
            raise ConversionError("the event did not come over HTTP; connect this actor behind an HTTP server")

    def adopt(self, parent: Event) -> None:
        """Make this event, which an actor made from nothing, part of its parent's trace."""
        self.origin = parent.origin
        self._id, self._trace, self._homes = parent.number, parent._trace, parent._homes
        mine, theirs = self._context, parent.context
        if mine is None:
            self._context = Context(theirs.service, {}, theirs.http)
        else:
            mine.service = mine.service or theirs.service
            mine.http = mine.http or theirs.http

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
        """Everything but name, body and homes; decoded when first read."""
        if self._context is None:
            origin = self.origin
            self._context = _decode_context(origin.context) if origin is not None and origin.context else Context()
        return self._context

    def encoded_context(self) -> bytes:
        """The context for the wire."""
        if self._context is None:
            return self.origin.context if self.origin is not None else b""
        return _encode(self._context)

    def portable_context(self) -> bytes:
        """The context for a journey without a parcel: it names the trace itself."""
        context = self.context
        return _encode(Context(context.service, context.attributes, context.http, context.failure, self._trace))

    def parcel(self) -> Parcel:
        """The event as it would stand on the wire."""
        return Parcel(
            self.number,
            self._trace,
            *self.encoded(),
            self.encoded_context(),
            self._homes,
            self.redelivered,
        )

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
        steps = path.split("/") if isinstance(path, str) else list(path)
        value: Any = self
        for step in steps:
            if isinstance(value, Mapping):
                value = value.get(step)
            elif isinstance(value, list | tuple):
                value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
            elif step.startswith("_"):
                return None
            else:
                value = getattr(value, step, None)
            if value is None:
                return None
        return value

    def replace(self, data: Any = body.UNREAD, **attributes: Any) -> Self:
        """A copy of this event with other data and more attributes; it stays part of the same trace."""
        # What is replaced is not written first: it may be large, and may not even be writable.
        twin = self._copy(type(self), None if data is body.UNREAD else ("", b""))
        if data is not body.UNREAD:
            twin.data = data
        if attributes:
            twin.attributes.update(attributes)
        return twin

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
        twin = self._copy(target)
        if target.FORMAT is not None:
            twin.ensure()
        return twin

    def _copy(self, target: type[E], raw: tuple[str, bytes] | None = None) -> E:
        twin = target.__new__(target)
        twin.origin = self.origin
        twin._id, twin._trace, twin._homes = self.number, self._trace, self._homes
        twin._data = body.Raw(self.encoded() if raw is None else raw)
        # Decoded anew, so that a change of the one is not a change of the other.
        context = self.encoded_context()
        twin._context = _decode_context(context) if context else Context()
        return twin

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


class XMLEvent(Event):
    """An event whose `data` is an lxml element."""

    __slots__ = ()
    FORMAT = body.XML


class JSONEvent(Event):
    """An event whose `data` is made of dict, list, str, int, float, bool and None."""

    __slots__ = ()
    FORMAT = body.JSON


class HttpEvent(Event):
    """An event that came over HTTP: `data` is the body as bytes, `http` is there."""

    __slots__ = ()
    FORMAT = body.BYTES
