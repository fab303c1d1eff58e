"""What is known of an event beside its data: service, attributes, the HTTP side, and why it failed."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from actorkit.errors import UNREADABLE, UNWRITABLE, ActorkitError, ConversionError, RequestFailed
from actorkit.event.body import as_utf8

#: Longest context of one event, in bytes; with the longest body it still fits into a message.
MAX_CONTEXT_BYTES: Final = 15 << 20

_encode = msgspec.msgpack.Encoder().encode


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """Why an event is on an error path: `kind` is the exception's class, `status` an HTTP status."""

    kind: str
    message: str
    status: int = 500
    actor: str = ""
    details: dict[str, Any] = {}

    @classmethod
    def of(cls, error: BaseException, actor: str = "") -> Failure:
        """Describe an exception; anything but an `ActorkitError` counts as status 500. The description can always be
        sent: details that cannot are left out."""
        kind = type(error).__name__
        if isinstance(error, RequestFailed) and isinstance(error.failure, Failure):
            return error.failure  # As it was told, with the actor where it happened.
        if isinstance(error, ActorkitError):
            details = {key: value for key, value in error.details.items() if _can_be_written(value)}
            return cls(kind, _message(error) or kind, error.status, actor, details)
        return cls(kind, _message(error) or kind, 500, actor)


def _message(error: BaseException) -> str:
    try:
        text = str(error.message if isinstance(error, ActorkitError) else error)
    except Exception as exc:  # noqa: BLE001  # whatever a user's __str__ raises
        text = f"its message cannot be had: {type(exc).__name__}"
    return as_utf8(text)


def _can_be_written(value: object) -> bool:
    """Whether both msgpack, on the wire, and JSON, in dead letters and answers, have words for a value."""
    try:
        _encode(value)
        json.dumps(value)
    except UNWRITABLE:
        return False
    return True


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

    `trace` is filled in only where a context travels without its parcel.
    """

    service: str = ""
    attributes: dict[str, Any] = {}
    http: Http | None = None
    failure: Failure | None = None
    trace: int = 0


_decode = msgspec.msgpack.Decoder(Context).decode


def encode_context(context: Context) -> bytes:
    """Write a context for the wire.

    Raises:
        ConversionError: it holds something that cannot travel, or too much.
    """
    try:
        written = _encode(context)
    except UNWRITABLE as exc:
        raise ConversionError(f"the event's attributes cannot be sent: {exc}; use JSON-like values") from exc
    if len(written) > MAX_CONTEXT_BYTES:
        raise ConversionError(
            f"the event's attributes and headers have {len(written)} bytes; it carries at most {MAX_CONTEXT_BYTES}"
        )
    return written


def decode_context(written: bytes) -> Context:
    """Read a context; b"" is an empty one.

    Raises:
        ConversionError: it is none.
    """
    try:
        return _decode(written) if written else Context()
    except UNREADABLE as exc:
        raise ConversionError(f"the event's context cannot be read: {exc}") from exc
