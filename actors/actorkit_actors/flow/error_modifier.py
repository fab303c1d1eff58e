"""Failures of events: given, changed, and taken away."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
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


#: Parameters that say what a failure is.
_GIVEN: Final = ("status", "message", "message_from", "code", "code_from")

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
    place of the event, `message_from`, where something is there; so are `code` and `code_from`.

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
        code_from: Annotated[str | Selector, Meta(description="where the code is, as message_from")] = ""
        data: Annotated[Literal["keep", "failure"], Meta(description="what the data is after clear")] = "keep"

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What does not fit together."""
        if params.status and not 400 <= params.status <= 599:
            yield Problem("status", f"{params.status} is no status of an error; they are 400 to 599")
        given = [name for name in _GIVEN if getattr(params, name)]
        if params.action == "clear" and given:
            yield Problem(given[0], "clear takes the failure away; there is nothing to change in it")
        if params.action == "change" and not given:
            yield Problem("action", f"change what? Give one of {', '.join(_GIVEN)}.")
        if params.action == "fail" and not (params.message or params.message_from):
            yield Problem("message", "give a message; people will ask why the event has failed")
        if params.action != "clear" and params.data != "keep":
            yield Problem("data", "data belongs to clear")
        for name, place in (("message_from", params.message_from), ("code_from", params.code_from)):
            try:
                _finder(place)
            except SettingsError as exc:
                yield Problem(name, exc.message)

    def setup(self) -> None:
        """Compile the places of the message and of the code.

        Raises:
            SettingsError: the parameters do not fit together.
        """
        for problem in self.check(self.params):
            raise SettingsError(f"{problem.path}: {problem.message}")
        self._message = _finder(self.params.message_from)
        self._code = _finder(self.params.code_from)

    def consume(self, event: Event) -> Event:
        """Do it.

        Raises:
            EventError: the event is to fail.
        """
        if self.params.action == "fail":
            raise self._error(*self._said(event))
        if event.failure is None:
            return event
        if self.params.action == "change":
            changed = event.replace()
            changed.failure = self._change(event.failure, *self._said(event))
            return changed
        return self._clear(event, event.failure)

    def _said(self, event: Event) -> tuple[str, str]:
        """The message and the code."""
        view = View(event)
        return self._message(view) or self.params.message, self._code(view) or self.params.code

    def _error(self, message: str, code: str) -> EventError:
        status = self.params.status or 400
        known = _BY_STATUS.get(status)
        message = message or "the event is to fail here"
        if known is not None:
            return known(message, code=code)
        error = GivenError(message, code=code)
        error.status = status  # type: ignore[misc]  # each topology has its own
        return error

    def _change(self, failure: Failure, message: str, code: str) -> Failure:
        changes: dict[str, Any] = {
            name: value
            for name, value in (("status", self.params.status), ("message", message), ("code", code))
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


def _finder(place: str | Selector) -> Callable[[View], str]:
    """What finds the text at a place; "" where nothing is there, or no place is given.

    Raises:
        SettingsError: it is no place.
    """
    if not place:
        return lambda view: ""  # noqa: ARG005
    find = (Selector(at=place) if isinstance(place, str) else place).compile()
    return lambda view: next((text_of(value)[:MAX_MESSAGE_CHARS] for value in find(view)), "")


def _told(error: ErrorMessage) -> dict[str, Any]:
    told: dict[str, Any] = {"message": error.message}
    if error.code:
        told["code"] = error.code
    if error.details:
        told["details"] = copy.deepcopy(error.details)
    return told
