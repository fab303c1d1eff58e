"""Failures of events: given, changed, and taken away."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from actorkit import Actor, Event, errors
from actorkit.errors import ErrorMessage, EventError, SettingsError
from actorkit.event.context import Failure
from actorkit.event.selector import Selector, View, text_of
from actorkit.params import Problem

#: Longest message that is taken from an event, in characters.
MAX_MESSAGE_CHARS: Final = 10_000


class GivenError(EventError):
    """Raised when an event is to fail with a status for which there is no error of its own."""


#: Status → the error that says it.
_BY_STATUS: Final = {
    cls.status: cls
    for cls in (
        errors.MalformedEvent,
        errors.Unauthorized,
        errors.PaymentRequired,
        errors.Forbidden,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.NotAcceptable,
        errors.Conflict,
        errors.Gone,
        errors.UnsupportedMediaType,
        errors.UnprocessableEvent,
        errors.RateExceeded,
        errors.ServiceUnavailable,
    )
}


class ErrorModifier(Actor):
    """Has events fail, changes why they have failed, or makes an event out of a failure.

    * `fail`: the event fails, with `status`, `message` and `code`, and so goes to `error`.
    * `change`: on an error path; the failure gets those of `status`, `message` and `code` that are given, and the event
      goes on with it. Actor and details stay.
    * `clear`: on an error path; the event goes on as one that has not failed. With `data: failure` its data is the
      failure as JSON (`{"errors": [{"message": …, "code": …}], "status": …}`), and an HTTP client gets its status.

    What has no failure is not changed or cleared, and goes on as it is. The message is `message`, or what is at one
    place of the event, `message_from`, where something is there.

    Failures:
        the one that is given, for `fail`: the class that has this status, `GivenError` for any other.
    """

    NAME: ClassVar[str] = "error-modifier"
    EXTRA: ClassVar[str] = "flow"

    class Params(Actor.Params, frozen=True, kw_only=True):
        action: Annotated[Literal["fail", "change", "clear"], Meta(description="what is done")]
        status: Annotated[int, Meta(description="HTTP status, 400 to 599; 0: as it is, and 400 for fail")] = 0
        message: Annotated[str, Meta(description="what people read")] = ""
        message_from: Annotated[
            str | Selector, Meta(description="where the message is: a path (data/error), an xpath or a jsonpath")
        ] = ""
        code: Annotated[str, Meta(description="name of the error, for programs")] = ""
        data: Annotated[Literal["keep", "failure"], Meta(description="what the data is after clear")] = "keep"

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What does not fit together."""
        if params.status and not 400 <= params.status <= 599:
            yield Problem("status", f"{params.status} is no status of an error; they are 400 to 599")
        given = [name for name in ("status", "message", "message_from", "code") if getattr(params, name)]
        if params.action == "clear" and given:
            yield Problem(given[0], "clear takes the failure away; there is nothing to change in it")
        if params.action == "change" and not given:
            yield Problem("action", "change what? Give status, message, message_from or code.")
        if params.action == "fail" and not (params.message or params.message_from):
            yield Problem("message", "give a message; people will ask why the event has failed")
        if params.action != "clear" and params.data != "keep":
            yield Problem("data", "data belongs to clear")
        if params.message_from:
            try:
                _selector(params.message_from).compile()
            except SettingsError as exc:
                yield Problem("message_from", exc.message)

    def setup(self) -> None:
        """Compile the place of the message.

        Raises:
            SettingsError: the parameters do not fit together.
        """
        for problem in self.check(self.params):
            raise SettingsError(f"{problem.path}: {problem.message}")
        self._find = _selector(self.params.message_from).compile() if self.params.message_from else None

    def consume(self, event: Event) -> Event:
        """Do it.

        Raises:
            EventError: the event is to fail.
        """
        if self.params.action == "fail":
            raise self._error(self._message(event))
        if event.failure is None:
            return event
        if self.params.action == "change":
            changed = event.replace()
            changed.failure = self._change(event.failure, self._message(event))
            return changed
        return self._clear(event, event.failure)

    def _message(self, event: Event) -> str:
        if self._find is not None:
            for value in self._find(View(event)):
                return text_of(value)[:MAX_MESSAGE_CHARS]
        return self.params.message

    def _error(self, message: str) -> EventError:
        status = self.params.status or 400
        known = _BY_STATUS.get(status)
        message = message or "the event is to fail here"
        if known is not None:
            return known(message, code=self.params.code)
        error = GivenError(message, code=self.params.code)
        error.status = status  # type: ignore[misc]  # each topology has its own
        return error

    def _change(self, failure: Failure, message: str) -> Failure:
        changes: dict[str, Any] = {
            name: value
            for name, value in (("status", self.params.status), ("message", message), ("code", self.params.code))
            if value
        }
        # Several messages one by one would still say what the one has replaced.
        return msgspec.structs.replace(failure, **changes, **({"messages": []} if message else {}))

    def _clear(self, event: Event, failure: Failure) -> Event:
        cleared = event.replace()
        if self.params.data == "failure":
            told = [_told(one) for one in failure.errors]
            cleared = event.become(Event, {"errors": told, "status": failure.status})
            if cleared.http is not None and not cleared.http.status:
                cleared.http.status = failure.status
        cleared.failure = None
        return cleared


def _selector(place: str | Selector) -> Selector:
    return Selector(at=place) if isinstance(place, str) else place


def _told(error: ErrorMessage) -> dict[str, Any]:
    told: dict[str, Any] = {"message": error.message}
    if error.code:
        told["code"] = error.code
    if error.details:
        told["details"] = copy.deepcopy(error.details)
    return told
