"""What actors receive and send.

An event is a body in one of a few formats and what is known about it. The class of an event says in which format its
`data` is seen: `Event` takes it as it comes, `XMLEvent` as an lxml element, `JSONEvent` as JSON values, `HttpEvent` as
bytes that came over HTTP. `convert` changes the view; the body is parsed when `data` is first read, so an actor that
only passes events on never pays for parsing.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from actorkit import body
from actorkit.errors import ActorkitError, ConversionError
from actorkit.wire import ID_BYTES, Homes, Parcel

_MASK = (1 << 128) - 1
#: Odd, so that different parents give different children (the map is one-to-one modulo 2**128).
_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645

E = TypeVar("E", bound="Event")


class _Ids:
    """Ids that no other process makes: 8 random bytes, made anew after a fork, and a count."""

    def __init__(self) -> None:
        self.renew()
        os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        self._prefix = os.urandom(8)
        self._next = itertools.count(int.from_bytes(os.urandom(4), "big")).__next__

    def make(self) -> bytes:
        return self._prefix + self._next().to_bytes(8, "big")


#: An id for an event that follows from no other.
new_id = _Ids().make


def derive_id(parent: bytes, salt: int, ordinal: int) -> bytes:
    """The id of the `ordinal`-th event that an actor made of `parent`.

    The same parent, salt and ordinal give the same id in every instance, so that a repeat is recognised downstream.
    `salt` stands for the actor and the outbox.
    """
    number = int.from_bytes(parent, "big") * _MULTIPLIER + salt + ordinal
    return (number & _MASK).to_bytes(ID_BYTES, "big")


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


class Context(msgspec.Struct, array_like=True, omit_defaults=True):
    """All of an event but its id, its body and its homes; travels with every event that descends from it."""

    trace: bytes = b""
    service: str = ""
    created: float = 0.0
    attributes: dict[str, Any] = {}
    http: Http | None = None
    failure: Failure | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode_context = msgspec.msgpack.Decoder(Context).decode


class Event:
    """An event whose `data` is whatever its sender gave: None, bytes, text, JSON-like values or an lxml element."""

    __slots__ = (
        "_body",
        "_context",
        "_data",
        "_format",
        "_raw_context",
        "delivery",
        "homes",
        "id",
        "ordinal",
        "redelivered",
    )

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
        self.id = new_id()
        self.redelivered = False
        #: Who waits for an answer to it: actor → (instance, key of the one who waits there).
        self.homes: Homes | None = None
        #: The ledger's entry for the event that the runtime handed to an actor. Not for actors.
        self.delivery: Any = None
        #: How many events have been derived from this one so far. Not for actors.
        self.ordinal = 0
        self._raw_context: bytes | None = None
        self._context: Context | None = Context(
            trace=self.id, service=service, created=time.time(), attributes=dict(attributes or {}), http=http
        )
        self._body: bytes | None = None
        self._format = ""
        self._data = body.checked(data, self.FORMAT)

    @classmethod
    def received(cls, parcel: Parcel, delivery: Any = None) -> Self:
        """The event that came over an edge as this parcel; nothing is parsed yet."""
        self = cls.__new__(cls)
        self.id = parcel.id
        self.redelivered = parcel.redelivered
        self.homes = parcel.homes
        self.delivery = delivery
        self.ordinal = 0
        self._raw_context = parcel.context
        self._context = None
        self._body = parcel.body
        self._format = parcel.format
        self._data = body.UNREAD
        return self

    @classmethod
    def unread(cls, format_: str, content: bytes, *, service: str = "", http: Http | None = None) -> Self:
        """Make a new event of a body that is known as bytes of a format; nothing is parsed yet."""
        self = cls.received(Parcel(new_id(), format_, content, b""))
        self._context = Context(trace=self.id, service=service, created=time.time(), http=http)
        return self

    @property
    def data(self) -> Any:
        """The data, parsed when first read.

        Raises:
            ConversionError: the body is not what its format says.
        """
        if self._data is body.UNREAD:
            self._data = body.load(self._format, self._body or b"", self.FORMAT)
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._data = body.checked(value, self.FORMAT)
        self._body, self._format = None, ""

    def ensure(self) -> None:
        """Read the data now, in the format of this class.

        Raises:
            ConversionError: it is not what this class wants.
        """
        if self._data is body.UNREAD and self._format != self.FORMAT:
            self._data = body.load(self._format, self._body or b"", self.FORMAT)
        if isinstance(self, HttpEvent) and self.http is None:
            raise ConversionError("the event did not come over HTTP; connect this actor behind an HTTP server")

    def adopt(self, parent: Event) -> None:
        """Make this event, which an actor made from nothing, part of its parent's trace."""
        self.homes = parent.homes
        self.redelivered = parent.redelivered
        mine, theirs = self.context, parent.context
        mine.trace, mine.created = theirs.trace or parent.id, theirs.created
        mine.service = mine.service or theirs.service
        mine.http = mine.http or theirs.http

    def encoded(self) -> tuple[str, bytes]:
        """The body for the wire: (format, bytes). Reading `data` may have changed a mutable value, so it is made anew
        unless the data was never read."""
        if self._body is not None and self._data is body.UNREAD:
            return self._format, self._body
        return body.dump(self._data, self.FORMAT or self._format)

    @property
    def context(self) -> Context:
        """Everything but id and body, decoded when first read."""
        if self._context is None:
            self._context = _decode_context(self._raw_context) if self._raw_context else Context(trace=self.id)
        return self._context

    def encoded_context(self) -> bytes:
        """The context for the wire."""
        if self._context is None:
            return self._raw_context or b""
        return _encode(self._context)

    @property
    def trace(self) -> str:
        """Hexadecimal id of the event that all of this began with; the one to search logs for."""
        return (self.context.trace or self.id).hex()

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

    @property
    def created(self) -> float:
        """When the first event of this trace was made, in seconds since the epoch."""
        return self.context.created

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
        twin = self._bare_copy(type(self))
        if data is body.UNREAD:
            twin._format, twin._body = self.encoded()
        else:
            twin.data = data
        if attributes:
            twin.attributes.update(attributes)
        return twin

    def with_body(self, format_: str, content: bytes) -> Self:
        """A copy of this event with a body that is known as bytes of a format; nothing is parsed yet."""
        twin = self._bare_copy(type(self))
        twin._format, twin._body = format_, content
        return twin

    def convert(self, target: type[E]) -> E:
        """This event seen as another class; itself if it is one already.

        Raises:
            ConversionError: the data does not fit the format of `target`.
        """
        if isinstance(self, target) and self.FORMAT == target.FORMAT:
            return self
        return self._copy(target)

    def _copy(self, target: type[E]) -> E:
        twin = self._bare_copy(target)
        format_, content = self.encoded()
        twin._body, twin._format = content, format_
        if target.FORMAT is not None:
            twin.ensure()
        return twin

    def _bare_copy(self, target: type[E]) -> E:
        """A copy without body."""
        twin = target.__new__(target)
        twin.id = self.id
        twin.redelivered = self.redelivered
        twin.homes = self.homes
        twin.delivery = self.delivery
        twin.ordinal = 0
        twin._raw_context = self.encoded_context()
        twin._context = None
        twin._body, twin._format, twin._data = b"", body.NOTHING, body.UNREAD
        return twin

    def text(self) -> str:
        """The body as text, for logs and for people."""
        return self.encoded()[1].decode("utf-8", "replace")

    def __repr__(self) -> str:
        format_ = self._format if self._data is body.UNREAD else self.encoded()[0]
        parts = [self.id.hex()[:12], format_ or "none"]
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
