"""What the answer of another server means, as an error."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from actorkit import errors
from actorkit.errors import EventError

#: How much of a refusal's body is told, in characters.
TOLD: Final = 500

#: Statuses that have an error of their own.
_ERRORS: Final[Mapping[int, type[EventError]]] = {
    304: errors.NotModified,
    400: errors.MalformedEvent,
    402: errors.PaymentRequired,
    403: errors.Forbidden,
    404: errors.NotFound,
    406: errors.NotAcceptable,
    409: errors.Conflict,
    410: errors.Gone,
    415: errors.UnsupportedMediaType,
    422: errors.UnprocessableEvent,
    504: errors.AnswerTimeout,
}


class BadGateway(EventError):
    """Raised when another server does not do what it should: it fails, breaks off, or sends what cannot be used."""

    status = 502


class Refused(EventError):
    """Raised when another server refuses a request with a status that has no error of its own."""

    def __init__(self, message: str, status: int, **details: Any) -> None:
        super().__init__(message, **details)
        self.status = status  # type: ignore[misc]  # each refusal carries its own status


def error_of(status: int, headers: Mapping[str, str], text: str, asked: str, forwarded: bool) -> EventError:
    """The error that an answer stands for. `asked` says what was asked for; `forwarded`: with the credentials of whom
    the event is from, so that they hear about them."""
    said = " ".join(text[:TOLD].split())
    message = f"{asked} was answered with {status}"
    details: dict[str, Any] = {"upstream_status": status, **({"answer": said} if said else {})}
    if status == 401 and forwarded:
        challenge = headers.get("www-authenticate", "")
        return errors.Unauthorized(message, challenge=challenge or errors.CHALLENGE, **details)
    if status == 405:
        return errors.MethodNotAllowed(message, allow=headers.get("allow", ""), **details)
    if status in (429, 503):
        cls = errors.RateExceeded if status == 429 else errors.ServiceUnavailable
        return cls(message, retry_after_s=retry_after_s(headers.get("retry-after", ""), time.time()), **details)
    if known := _ERRORS.get(status):
        return known(message, **details)
    # A login that fails here is ours: nobody who waits for an answer can do anything about it.
    if 400 <= status < 500 and status not in (401, 407):
        return Refused(message, status, **details)
    return BadGateway(message, **details)


def retry_after_s(header: str, now: float) -> float | None:
    """The seconds of a `Retry-After` (RFC 9110 §10.2.3), a day at most; None where it says nothing."""
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), 86400.0)
    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - now), 86400.0)
    except (ValueError, TypeError, OverflowError):
        return None
