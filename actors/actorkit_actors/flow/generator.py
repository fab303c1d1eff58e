"""Events out of nothing, by the clock."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar

import gevent
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.params import Problem
from actorkit_actors.flow.fixed import Fixed, FixedParams, problems


class Generator(Actor):
    """Makes an event every `interval_s`, each with its number (0, 1, …) as the attribute `number`.

    The times are counted from the first event, so that they do not drift; what was not sent in time is made up for.
    """

    NAME: ClassVar[str] = "generator"
    EXTRA: ClassVar[str] = "xml"

    class Params(FixedParams, frozen=True, kw_only=True):
        interval_s: Annotated[
            float, Meta(ge=0, description="time between two events; 0: as fast as they are taken")
        ] = 1.0
        count: Annotated[int, Meta(ge=0, description="how many events; 0: no end")] = 0
        delay_s: Annotated[float, Meta(ge=0, description="time before the first event")] = 0.0
        service: Annotated[str, Meta(description="service that each event names")] = ""

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        return problems(params)

    def setup(self) -> None:
        """Read the value."""
        self._fixed = Fixed(self.params)

    def produce(self) -> Iterator[Event]:
        """Make the events; ends early when the instance is about to stop."""
        start = time.monotonic() + self.params.delay_s
        number = 0
        while not self.runtime.draining and number < (self.params.count or number + 1):
            gevent.sleep(wait_s(number, self.params.interval_s, time.monotonic() - start))
            attributes = {**self.params.attributes, "number": number}
            yield Event(self._fixed.data(), service=self.params.service, attributes=attributes)
            number += 1


def wait_s(number: int, interval_s: float, since_s: float) -> float:
    """How long the event of that number waits when the first one was due `since_s` ago; 0: its time is over."""
    return max(0.0, number * interval_s - since_s)
