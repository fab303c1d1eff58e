"""An event when nothing has come for a while."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated, ClassVar

from msgspec import Meta

from actorkit import Actor, Event
from actorkit.actor import every
from actorkit.params import Problem
from actorkit_actors.flow.fixed import Fixed, FixedParams, problems


class Silence:
    """When nothing has come for too long. The clock is an argument."""

    def __init__(self, timeout_s: float, repeat_s: float, now: float) -> None:
        self._timeout_s = timeout_s
        self._repeat_s = repeat_s
        self.since = now
        self._due: float | None = now + timeout_s

    def came(self, now: float) -> None:
        """Something came."""
        self.since = now
        self._due = now + self._timeout_s

    def is_due(self, now: float) -> bool:
        """Whether it has to be told now that nothing has come."""
        if self._due is None or now < self._due:
            return False
        self._due = now + self._repeat_s if self._repeat_s else None
        return True


class DeadMansSwitch(Actor):
    """Passes events on, and makes one of its own in `silent` when none has come for `timeout_s`.

    The first time is counted from the start. It is told once, and again after `repeat_s` as long as nothing comes; the
    log tells it too. The event has the data and the attributes that are given, and how long it is silent, in seconds,
    as the attribute `silent_s`. Each instance looks at what comes to itself.

    Boxes: `silent`, for the events that tell it.
    """

    NAME: ClassVar[str] = "dead-mans-switch"
    EXTRA: ClassVar[str] = "xml"
    OUTBOXES: ClassVar[tuple[str, ...]] = ("silent",)

    class Params(FixedParams, frozen=True, kw_only=True):
        timeout_s: Annotated[float, Meta(gt=0, description="how long nothing may come; seen to a tenth of a second")]
        repeat_s: Annotated[float, Meta(ge=0, description="time after which it is told again; 0: once")] = 0.0

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        return problems(params)

    def setup(self) -> None:
        """Read the value, and begin to count."""
        self._fixed = Fixed(self.params)
        self.silence = Silence(self.params.timeout_s, self.params.repeat_s, time.monotonic())

    def consume(self, event: Event) -> Event:
        """Note that something came."""
        self.silence.came(time.monotonic())
        return event

    @every(0.1)
    def look(self) -> None:
        """Tell it when it is due."""
        now = time.monotonic()
        if self.silence.is_due(now):
            silent_s = round(now - self.silence.since, 1)
            self.log.warning("nothing has come for %g s", silent_s)
            attributes = {**self.params.attributes, "silent_s": silent_s}
            self.send(Event(self._fixed.data(), attributes=attributes), "silent")
