"""The actors that a test puts around and into a topology: stand-ins and recorders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from actorkit import Actor, Event, Position, Settlement
from actorkit.errors import EventError
from actorkit.event.context import Failure
from actorkit_kit.http_side import http_side
from actorkit_kit.testing.messages import Answer, Failed, Send, Sighting


class StandIn(Actor):
    """Stands in for another actor: answers each event with the next of its answers, the last one again and again; and
    sends what a test puts in its place."""

    SETTLES: ClassVar[str] = "at once"
    REPEATS: ClassVar[str] = "no"

    #: What it answers; nothing where there is none.
    answers: Sequence[Answer] = ()
    #: Told of each event that was put: why it failed, None where it did not.
    told: Callable[[Failure | None], None] = staticmethod(lambda _failure: None)

    def setup(self) -> None:
        """Begin with the first answer."""
        self._given = 0

    def play(self, answers: Sequence[Answer]) -> None:
        """Answer so from now on."""
        self.answers, self._given = answers, 0

    def consume(self, event: Event) -> Event | None:
        """Answer it.

        Raises:
            EventError: the answer is a failure.
        """
        if not self.answers:
            return None
        answer = self.answers[min(self._given, len(self.answers) - 1)]
        self._given += 1
        if answer.fails:
            error = EventError(answer.message or f"{self.name} fails here")
            error.status = answer.fails  # type: ignore[misc]  # of this one
            raise error
        if not answer.format:
            return None
        made = event.with_body(answer.format, answer.content)
        made.attributes.update(answer.attributes)
        if not answer.outbox:
            return made
        self.send(made, answer.outbox)
        return None

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:  # noqa: ARG002  # each by itself
        """Tell the test what became of what it put."""
        for settlement in settlements:
            self.told(settlement.failure)


def stand_in(declared: Sequence[str]) -> type[StandIn]:
    """The class for an actor whose own class declares these outboxes."""
    return type("StandIn", (StandIn,), {"OUTBOXES": tuple(declared)})


class Recorder(Actor):
    """Records what comes."""

    #: Gets each event.
    told: Callable[[Event], None] = staticmethod(lambda _event: None)

    def consume(self, event: Event) -> None:
        """Record it."""
        self.told(event)


def event_of(send: Send, number: int) -> Event:
    """The event of that number that is to be sent; its name follows from its position, so it is the same each time."""
    http = http_side(*send.http, send.headers) if send.http is not None else None
    position = Position(send.key, number)
    event = Event.unread(send.format, send.content, service=send.service, http=http, position=position)
    event.attributes.update(send.attributes)
    return event


def sighting_of(box: str, event: Event) -> Sighting:
    """What is told of an event that was recorded at a box."""
    format_, content = event.encoded()
    status = event.http.status if event.http is not None else 0
    attributes: dict[str, Any] = dict(event.attributes)
    failure = failed_of(event.failure) if event.failure is not None else None
    return Sighting(box, format_, content, attributes, status or (failure.status if failure else 0), failure)


def failed_of(failure: Failure) -> Failed:
    """What is told of a failure."""
    return Failed(failure.actor, failure.kind, failure.message, failure.status)
