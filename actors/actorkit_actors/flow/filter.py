"""Which events go on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import SettingsError, UnprocessableEvent
from actorkit.event.selector import View
from actorkit.params import Problem
from actorkit_actors.flow.condition import Condition


class Filter(Actor):
    """Lets the events by that meet a condition.

    The condition is one of the [router](router.md)'s. The others go to the outbox `rejected` where that is connected;
    else they end here, or fail.

    Boxes: `rejected`, for what does not meet the condition.

    Failures:
        UnprocessableEvent (422): the event does not meet the condition, and `otherwise` is `error`.
    """

    NAME: ClassVar[str] = "filter"
    EXTRA: ClassVar[str] = "flow"
    OUTBOXES: ClassVar[tuple[str, ...]] = ("rejected",)

    class Params(Actor.Params, frozen=True, kw_only=True):
        when: Annotated[Condition, Meta(description="what the event has to be like")]
        otherwise: Annotated[
            Literal["drop", "error"], Meta(description="what becomes of the others where rejected is not connected")
        ] = "drop"

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            params.when.compile_condition()
        except SettingsError as exc:
            yield Problem("when", str(exc))

    def setup(self) -> None:
        """Compile the condition.

        Raises:
            SettingsError: it cannot be.
        """
        self._holds = self.params.when.compile_condition()

    def consume(self, event: Event) -> Event | None:
        """Let the event by, or not.

        Raises:
            UnprocessableEvent: it is not let by, and that is an error.
        """
        if self._holds(View(event)):
            return event
        if "rejected" in self.runtime.outboxes:
            self.send(event, "rejected")
        elif self.params.otherwise == "error":
            raise UnprocessableEvent("the event does not meet the condition")
        return None
