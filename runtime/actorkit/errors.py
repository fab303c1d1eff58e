"""What can go wrong, as one tree of exceptions.

`status` is the HTTP status (RFC 9110 §15) that a waiting HTTP client is answered with; a subclass inherits it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

#: What msgspec raises about bytes that it cannot read. Text that is not UTF-8 and nesting without end have errors of
#: their own, which are none of its own.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)

#: What msgspec and json raise about values that they cannot write.
UNWRITABLE: Final = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)


class ActorkitError(Exception):
    """Raised as the root of every error that actorkit itself raises."""

    status: ClassVar[int] = 500

    def __init__(self, message: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class SettingsError(ActorkitError):
    """Raised when the environment of a process does not describe an actor that can run."""


class EventError(ActorkitError):
    """Raised by an actor about one event; the event goes to the `error` outbox with it."""


class MalformedEvent(EventError):
    """Raised when the data of an event cannot be used."""

    status = 400


class ConversionError(MalformedEvent):
    """Raised when the data of an event cannot be had in the format that an actor wants."""


class Unauthorized(EventError):
    """Raised when credentials are missing or wrong."""

    status = 401


class Forbidden(EventError):
    """Raised when the caller is known and may not do this."""

    status = 403


class NotFound(EventError):
    """Raised when what the event names does not exist."""

    status = 404


class MethodNotAllowed(EventError):
    """Raised when the resource does not know the method."""

    status = 405


class NotAcceptable(EventError):
    """Raised when the answer cannot be had in any format that the caller accepts."""

    status = 406


class Conflict(EventError):
    """Raised when the change contradicts the present state."""

    status = 409


class Gone(EventError):
    """Raised when the resource existed and does no more."""

    status = 410


class UnsupportedMediaType(EventError):
    """Raised when the data comes in a format that is not accepted here."""

    status = 415


class UnprocessableEvent(EventError):
    """Raised when the data is well formed and makes no sense."""

    status = 422


class TooManyEvents(EventError):
    """Raised when the caller sends more than it may."""

    status = 429


class ServiceUnavailable(EventError):
    """Raised when what the event needs is not there now; sending it again later may work."""

    status = 503


class AnswerTimeout(EventError):
    """Raised when an answer did not come in time."""

    status = 504


class ConsumeTimeout(EventError):
    """Raised when an actor's consume took longer than its `consume_timeout_s`."""

    status = 504


class DeliveryLimit(EventError):
    """Raised when an event was given to instances that were lost over it as often as `max_deliveries` allows."""

    status = 500


class NotAnswered(EventError):
    """Raised when an event was dealt with completely and nothing came back for the one who waits."""

    status = 202


class Draining(ServiceUnavailable):
    """Raised when an instance takes nothing new because it is about to stop."""
