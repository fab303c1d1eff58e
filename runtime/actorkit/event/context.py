"""What is known of an event beside its data: service, attributes, the HTTP side, and why it failed."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from actorkit.errors import (
    UNREADABLE,
    UNWRITABLE,
    ActorkitError,
    ConversionError,
    ErrorMessage,
    RequestFailed,
    UnsendableData,
)
from actorkit.event import plain
from actorkit.event.body import as_utf8
from actorkit.observe import redact

#: Longest context of one event, in bytes; with the longest body it still fits into a message.
MAX_CONTEXT_BYTES: Final = 15 << 20

#: What msgspec reads that holds other values.
_NESTING: Final = frozenset((dict, list))

_TOO_DEEP: Final = f"they are nested more than {plain.MAX_DEPTH} deep"

_encode = msgspec.msgpack.Encoder().encode
_decode_any = msgspec.msgpack.Decoder().decode


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """Why an event is on an error path: `kind` is the exception's class, `status` an HTTP status.

    `messages` holds the messages one by one where there are several; `errors` always does. `headers` are the header
    fields that an HTTP answer with this failure has to have.
    """

    kind: str
    message: str
    status: int = 500
    actor: str = ""
    details: dict[str, Any] = {}
    code: str = ""
    messages: list[ErrorMessage] = []
    headers: list[tuple[str, str]] = []

    @property
    def errors(self) -> list[ErrorMessage]:
        """Each thing that is wrong, with its code and its details."""
        return self.messages or [ErrorMessage(self.message, self.code, self.details)]

    @classmethod
    def of(cls, error: BaseException, actor: str = "") -> Failure:
        """Describe an exception; anything but an `ActorkitError` counts as status 500. The description can always be
        sent: details that cannot are left out. It says nothing that is secret."""
        kind = type(error).__name__
        if isinstance(error, RequestFailed) and isinstance(error.failure, Failure):
            return error.failure  # As it was told, with the actor where it happened.
        message = redact.text(_message_of(error)) or kind
        if not isinstance(error, ActorkitError):
            return cls(kind, message, 500, actor)
        if isinstance(error, UnsendableData) and actor:
            message = f"{actor} made what cannot be sent: {message}"
        messages = [_sendable(one) for one in error.errors] if len(error.errors) > 1 else []
        return cls(
            kind,
            message,
            error.status,
            actor,
            _sendable_details(error.details),
            as_utf8(str(error.code)),
            messages,
            [(as_utf8(name), redact.text(as_utf8(value))) for name, value in error.reply_headers()],
        )


def _sendable(error: ErrorMessage) -> ErrorMessage:
    return ErrorMessage(
        redact.text(as_utf8(str(error.message))), as_utf8(str(error.code)), _sendable_details(error.details)
    )


def _sendable_details(details: dict[str, Any]) -> dict[str, Any]:
    """The details that can travel, without what is secret."""
    return {key: redact.value(value) for key, value in details.items() if _can_be_written(value)}


def _message_of(error: BaseException) -> str:
    try:
        text = str(error.message if isinstance(error, ActorkitError) else error)
    except Exception as exc:  # noqa: BLE001  # whatever a user's __str__ raises
        text = f"its message cannot be had: {type(exc).__name__}"
    return as_utf8(text)


def _can_be_written(value: object) -> bool:
    """Whether both msgpack, on the wire, and JSON, in dead letters and answers, have words for a value, and who gets it
    can write it again."""
    try:
        _encode(value)
        json.dumps(value)
    except UNWRITABLE:
        return False
    return not plain.is_too_deep(value)


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
    """All of an event but its name, its body and its reply_to; travels with every event that descends from it.

    `trace` is filled in only where a context travels without its parcel (`PortableContext`).
    """

    service: str = ""
    attributes: dict[str, Any] = {}
    http: Http | None = None
    failure: Failure | None = None
    trace: int = 0


class PortableContext(Context):
    """A context that travels without its parcel. `left_ms` says for how long somebody waits; None: without end."""

    left_ms: int | None = None


_decode = msgspec.msgpack.Decoder(Context).decode
_decode_portable = msgspec.msgpack.Decoder(PortableContext).decode


def encode_context(context: Context) -> bytes:
    """Write a context for the wire.

    Raises:
        UnsendableData: it holds something that cannot travel, that would arrive as something else, or too much.
    """
    try:
        written = _encode(context)
    except UNWRITABLE as exc:
        where = plain.attribute_refusal(context.attributes) or f"{exc}; use JSON-like values"
        raise UnsendableData(f"the event's attributes cannot be sent: {where}") from exc
    if len(written) > MAX_CONTEXT_BYTES:
        raise UnsendableData(
            f"the event's attributes and headers have {len(written)} bytes; it carries at most {MAX_CONTEXT_BYTES}"
        )
    # What is written without complaint may still be read as something else: a set becomes a list.
    attributes = context.attributes
    if attributes:
        read = _decode_any(_encode(attributes))
        if _is_too_deep(read):
            raise UnsendableData(f"the event's attributes cannot be sent: {_TOO_DEEP}")
        if read != attributes and (where := plain.attribute_refusal(attributes)):
            raise UnsendableData(f"the event's attributes cannot be sent: {where}")
    return written


def decode_context(written: bytes) -> Context:
    """Read a context; b"" is an empty one.

    Raises:
        ConversionError: it is none.
    """
    try:
        context = _decode(written) if written else Context()
    except UNREADABLE as exc:
        raise ConversionError(f"the event's context cannot be read: {exc}") from exc
    _check_depth(context)
    return context


def decode_portable_context(written: bytes) -> PortableContext:
    """Read a context that came without its parcel.

    Raises:
        ConversionError: it is none.
    """
    try:
        context = _decode_portable(written) if written else PortableContext()
    except UNREADABLE as exc:
        raise ConversionError(f"the event's context cannot be read: {exc}") from exc
    _check_depth(context)
    return context


def _is_too_deep(attributes: dict[str, Any]) -> bool:
    """Whether attributes that were read are nested too deep. Most are flat, which costs next to nothing to see."""
    return not _NESTING.isdisjoint(map(type, attributes.values())) and plain.is_too_deep(attributes)


def _check_depth(context: Context) -> None:
    if _is_too_deep(context.attributes):
        raise ConversionError(f"the event's attributes cannot be read: {_TOO_DEEP}")
    failure = context.failure
    details = [failure.details, *(one.details for one in failure.messages)] if failure is not None else ()
    if any(map(plain.is_too_deep, details)):
        raise ConversionError(f"the event's failure cannot be read: {_TOO_DEEP}")
