"""What is known of an event beside its data: service, attributes, the HTTP side, and why it failed."""

from __future__ import annotations

from typing import Any

import msgspec

from actorkit.errors import ActorkitError


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


encode_context = msgspec.msgpack.Encoder().encode
decode_context = msgspec.msgpack.Decoder(Context).decode
