"""Events one after the other: the next is made when the last is finished."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Final

from gevent.event import Event as Flag
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.event.position import Position, Settlement
from actorkit.params import Problem
from actorkit_actors.flow.fixed import Fixed, FixedParams, problems

#: How often it is looked whether the instance is about to stop, in seconds.
LOOK_S: Final = 0.25


class CallbackGenerator(Actor):
    """Makes an event, and the next one when all that the last became is finished, or has failed.

    Between two beginnings are at least `interval_s`. Each event has its number (0, 1, …) as the attribute `number`, and
    whether the one before failed as `failed`.
    """

    NAME: ClassVar[str] = "callback-generator"
    EXTRA: ClassVar[str] = "xml"
    SETTLES: ClassVar[str] = "never: there is nobody to tell; the next event is made then"
    REPEATS: ClassVar[str] = "no"

    class Params(FixedParams, frozen=True, kw_only=True):
        interval_s: Annotated[float, Meta(ge=0, description="least time between two events")] = 0.0
        count: Annotated[int, Meta(ge=0, description="how many events; 0: no end")] = 0
        service: Annotated[str, Meta(description="service that each event names")] = ""

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        return problems(params)

    def setup(self) -> None:
        """Read the value."""
        self._fixed = Fixed(self.params)
        #: The events of each start have names of their own.
        self._stream = uuid.uuid4().hex
        self._finished = Flag()
        self._failed = False

    def produce(self) -> Iterator[Event]:
        """Make the events; ends early when the instance is about to stop."""
        number = 0
        while number < (self.params.count or number + 1):
            if self.runtime.draining:
                return
            begun = time.monotonic()
            self._finished.clear()
            attributes = {**self.params.attributes, "number": number, "failed": self._failed}
            position = Position(self._stream, number)
            yield Event(self._fixed.data(), service=self.params.service, attributes=attributes, position=position)
            number += 1
            while not self._finished.wait(LOOK_S):
                if self.runtime.draining:
                    return
            self._pause(begun)

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:  # noqa: ARG002  # given
        """The event is finished."""
        for settlement in settlements:
            self._failed = settlement.failure is not None
        self._finished.set()

    def _pause(self, begun: float) -> None:
        never = Flag()
        while (left_s := begun + self.params.interval_s - time.monotonic()) > 0 and not self.runtime.draining:
            never.wait(min(left_s, LOOK_S))
