"""What a caller of a MajorDomo service may have to catch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actorkit.errors import ActorkitError, AnswerTimeout, EventError, Messages, ServiceUnavailable


class FrameError(ActorkitError):
    """Raised when frames from a peer are not a message of the protocol; the message names what was expected."""


class NoAnswer(AnswerTimeout):
    """Raised when a service did not answer in time, or the broker died with the request; it may have been done."""


class ServiceRefused(ServiceUnavailable):
    """Raised when the broker did not take a request, or gave it up; `status` and the message say why."""

    def __init__(self, message: str, status: int = 503) -> None:
        super().__init__(message)
        self.status = status  # type: ignore[misc]  # each refusal carries the broker's own status


class NoBroker(ServiceUnavailable):
    """Raised when no broker could be reached in time; the request was not sent."""


class ServiceFailed(EventError):
    """Raised when the worker took the request and its handler failed; `status`, messages and header fields are what the
    worker said."""

    status = 502

    def __init__(
        self,
        message: Messages,
        status: int = 502,
        headers: Sequence[tuple[str, str]] = (),
        code: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.status = status  # type: ignore[misc]  # each failure carries the worker's own status
        self.details = dict(details or {})
        self._headers = list(headers)

    def reply_headers(self) -> list[tuple[str, str]]:
        return self._headers


class ClientClosed(ActorkitError):
    """Raised when a call is made, or still open, on a client that was closed."""
