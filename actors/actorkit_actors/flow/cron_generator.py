"""Events at the times that a cron expression names."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, ClassVar, Final, Literal

import gevent
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import SettingsError
from actorkit.params import Problem
from actorkit_actors.flow.cron_times import CronTimes
from actorkit_actors.flow.fixed import Fixed, FixedParams, problems

#: How often the clock is looked at, in seconds: it may be set meanwhile, and the instance may be about to stop.
LOOK_S: Final = 0.5


class CronGenerator(Actor):
    """Makes an event at each time that a cron expression names, in a time zone.

    The expression has five fields (minute, hour, day, month, day of the week), or six with seconds first. A time of day
    that a clock change leaves out is right after the gap, one that comes twice comes once, as in Debian's cron. Each
    event has its time as the attribute `due` (ISO 8601, UTC), and its number (0, 1, …) as `number`.

    What could not be made in time, because the graph took nothing or the host slept, is one event, or all with
    `missed: all`. What falls into a time in which there is no instance is not made; each replica makes its own events.
    """

    NAME: ClassVar[str] = "cron-generator"
    EXTRA: ClassVar[str] = "flow"
    SETTLES: ClassVar[str] = "never: there is nobody to tell, and times without an instance are not made up for"
    REPEATS: ClassVar[str] = "no"

    class Params(FixedParams, frozen=True, kw_only=True):
        cron: Annotated[str, Meta(description='times: "30 6 * * MON-FRI"; with seconds: "*/10 * * * * *"')]
        zone: Annotated[str, Meta(description="time zone of the times: UTC, Europe/Berlin")] = "UTC"
        missed: Annotated[Literal["once", "all"], Meta(description="what becomes of times that were missed")] = "once"
        count: Annotated[int, Meta(ge=0, description="how many events; 0: no end")] = 0
        service: Annotated[str, Meta(description="service that each event names")] = ""

    params: Params
    #: The clock, in seconds since 1970, and how to wait: for tests.
    now: Callable[[], float] = staticmethod(time.time)
    sleep: Callable[[float], object] = staticmethod(gevent.sleep)

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        yield from problems(params)
        try:
            CronTimes(params.cron, params.zone)
        except SettingsError as exc:
            path, _, message = exc.message.partition(": ")
            yield Problem(path, message)

    def setup(self) -> None:
        """Read the value and the times.

        Raises:
            SettingsError: they cannot be read.
        """
        self._fixed = Fixed(self.params)
        self._times = CronTimes(self.params.cron, self.params.zone)

    def produce(self) -> Iterator[Event]:
        """Make the events; ends early when the instance is about to stop."""
        due, number = self._times.after(self.now()), 0
        while number < (self.params.count or number + 1):
            while (left_s := due - self.now()) > 0:
                if self.runtime.draining:
                    return
                self.sleep(min(left_s, LOOK_S))
            if self.runtime.draining:
                return
            when = datetime.datetime.fromtimestamp(due, datetime.UTC).isoformat().replace("+00:00", "Z")
            attributes = {**self.params.attributes, "number": number, "due": when}
            yield Event(self._fixed.data(), service=self.params.service, attributes=attributes)
            number += 1
            # A clock that is set back does not have a time come twice.
            due = self._times.after(due if self.params.missed == "all" else max(due, self.now()))
