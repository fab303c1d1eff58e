"""What can go wrong, as one tree of exceptions.

`status` is the HTTP status (RFC 9110 §15) that a waiting HTTP client is answered with; a subclass inherits it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, TypeAlias, cast

import msgspec

#: What msgspec raises about bytes that it cannot read. Text that is not UTF-8 and nesting without end have errors of
#: their own, which are none of its own.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)

#: What msgspec and json raise about values that they cannot write.
UNWRITABLE: Final = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)


class ErrorMessage(msgspec.Struct, frozen=True):
    """One of the things that are wrong: what people read, a code for programs, and whatever else belongs to it."""

    message: str
    code: str = ""
    details: dict[str, Any] = {}


#: What an error may be made with: one message, or several.
Messages: TypeAlias = str | ErrorMessage | Sequence[str | ErrorMessage]


#: Exit status of a process whose settings are wrong: EX_CONFIG of sysexits.h. It does not get better by a new start.
EX_CONFIG: Final = 78


class ActorkitError(Exception):
    """Raised as the root of every error that actorkit itself raises.

    Attributes:
        message: what happened, in one text; several messages stand there with "; " between them.
        code: a name of the error for programs, "" for none.
        details: the other keyword arguments.
        errors: the messages one by one. One that was given as a text has the code and the details of the whole.
    """

    status: ClassVar[int] = 500

    def __init__(self, message: Messages = "", *, code: str = "", **details: Any) -> None:
        given = list(message) if isinstance(message, list | tuple) else [message]
        self.errors = [
            one if isinstance(one, ErrorMessage) else ErrorMessage(cast(str, one), code, details) for one in given
        ]
        self.message = self.errors[0].message if len(given) == 1 else "; ".join(one.message for one in self.errors)
        self.code = code or next((one.code for one in self.errors), "")
        self.details = details
        super().__init__(self.message)

    def reply_headers(self) -> list[tuple[str, str]]:
        """The header fields that an HTTP answer with this error has to have, or may have."""
        return []


class SettingsError(ActorkitError):
    """Raised when the environment of a process does not describe an actor that can run."""


class EventError(ActorkitError):
    """Raised by an actor about one event; the event goes to the `error` outbox with it."""


class MalformedEvent(EventError):
    """Raised when the data of an event cannot be used."""

    status = 400


class ConversionError(MalformedEvent):
    """Raised when the data of an event cannot be had in the format that an actor wants."""


class UnsendableData(ConversionError):
    """Raised when what an actor made cannot travel: a mistake in the actor, never of the one who sent the event."""

    status = 500


class NotModified(EventError):
    """Raised when the caller has the present state already; the answer has no body."""

    status = 304


#: How a caller may log in where an `Unauthorized` names no way of its own (RFC 9110 §11.6.1).
CHALLENGE: Final = 'Basic realm="actorkit", charset="UTF-8"'


class Unauthorized(EventError):
    """Raised when credentials are missing or wrong. The challenge says how to log in: `Basic realm="orders"`."""

    status = 401

    def __init__(
        self,
        message: Messages = "",
        *,
        challenge: str = CHALLENGE,
        code: str = "",
        **details: Any,
    ) -> None:
        super().__init__(message, code=code, **details)
        self.challenge = challenge

    def reply_headers(self) -> list[tuple[str, str]]:
        return [("WWW-Authenticate", self.challenge)]


class PaymentRequired(EventError):
    """Raised when the caller has to pay first."""

    status = 402


class Forbidden(EventError):
    """Raised when the caller is known and may not do this."""

    status = 403


class NotFound(EventError):
    """Raised when what the event names does not exist."""

    status = 404


class MethodNotAllowed(EventError):
    """Raised when the resource does not know the method. `allow` names those that it knows: "GET, PUT"."""

    status = 405

    def __init__(self, message: Messages = "", *, allow: str = "", code: str = "", **details: Any) -> None:
        super().__init__(message, code=code, **details)
        self.allow = allow

    def reply_headers(self) -> list[tuple[str, str]]:
        return [("Allow", self.allow)]


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


class _TryLater(EventError):
    """Raised as one of its subclasses: the same event may be taken later, after `retry_after_s` seconds."""

    def __init__(
        self,
        message: Messages = "",
        *,
        retry_after_s: float | None = None,
        code: str = "",
        **details: Any,
    ) -> None:
        super().__init__(message, code=code, **details)
        self.retry_after_s = retry_after_s

    def reply_headers(self) -> list[tuple[str, str]]:
        # RFC 9110 §10.2.3: whole seconds.
        return [] if self.retry_after_s is None else [("Retry-After", str(max(0, math.ceil(self.retry_after_s))))]


class RateExceeded(_TryLater):
    """Raised when the caller sends more than it may."""

    status = 429


class ServiceUnavailable(_TryLater):
    """Raised when what the event needs is not there now; sending it again later may work."""

    status = 503


class AnswerTimeout(EventError):
    """Raised when an answer did not come in time."""

    status = 504


class ConsumeTimeout(EventError):
    """Raised when an actor's consume took longer than its `consume_timeout_s`."""

    status = 504


class BatchFailed(ActorkitError):
    """Raised by `consume_batch` when some of its events fail and the others are done: `BatchFailed({event: error})`."""

    def __init__(self, failures: Mapping[Any, BaseException]) -> None:
        self.failures = dict(failures)
        super().__init__(f"{len(self.failures)} events of the batch failed")


class DeliveryLimit(EventError):
    """Raised when an event was given to instances that were lost over it as often as `max_deliveries` allows."""

    status = 500


class NotAnswered(EventError):
    """Raised when an event was dealt with completely and nothing came back for the one who waits."""

    status = 202


class RequestFailed(EventError):
    """Raised when what was asked for failed and no error connection brought it back.

    Status, messages and details are those of the failure; `failure` tells its kind and its actor too. `http_headers`
    are those that the event had for an HTTP answer when it failed.
    """

    def __init__(self, failure: Any, status: int, http_headers: list[tuple[str, str]]) -> None:
        super().__init__(failure.errors, code=failure.code)
        self.details = failure.details
        self.failure = failure
        self.status = status  # type: ignore[misc]  # each failure carries its own status
        self.http_headers = http_headers

    def reply_headers(self) -> list[tuple[str, str]]:
        return [*self.http_headers, *self.failure.headers]


class Draining(ServiceUnavailable):
    """Raised when an instance takes nothing new because it is about to stop."""
