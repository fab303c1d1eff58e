"""Events at the times that a cron expression names."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Final, Literal

import gevent
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import SettingsError
from actorkit.event.position import Position, Settlement
from actorkit.params import Problem
from actorkit_actors.flow.cron_times import CronTimes
from actorkit_actors.flow.fixed import Fixed, FixedParams, problems
from actorkit_actors.flow.lease_keeper import LeaseKeeper

#: How often the clock is looked at, in seconds: it may be set meanwhile, and the instance may be about to stop.
LOOK_S: Final = 0.5

#: The stream of the events' positions, which are their times.
STREAM: Final = "due"


class CronGenerator(Actor):
    """Makes an event at each time that a cron expression names, in a time zone.

    The expression has five fields (minute, hour, day, month, day of the week), or six with seconds first. A time of day
    that a clock change leaves out is right after the gap, one that comes twice comes once, as in Debian's cron. Each
    event has its time as the attribute `due` (ISO 8601, UTC), and its number (0, 1, …) as `number`.

    What could not be made in time, because the graph took nothing or the host slept, is one event, or all with
    `missed: all`. What falls into a time in which there is no instance is not made.

    A time is the position of its event: whichever replica makes it, and however often, it is the same event with the
    same key, and an instance that consumes it twice within what it remembers consumes it once. With `lease_s` one
    replica makes the events, the one that holds a lease at the broker, and the others stand by: when it ends, another
    goes on at once, when it is killed or cut off, after `lease_s` at most, from the first time whose event is not
    finished. Replicas that see different brokers, as when a network is parted, each make their events, the same ones;
    a replica that sees none makes none when its lease is over, and what was due then is missed.
    """

    NAME: ClassVar[str] = "cron-generator"
    EXTRA: ClassVar[str] = "flow"
    SETTLES: ClassVar[str] = "never: there is nobody to tell, and times without an instance are not made up for"
    REPEATS: ClassVar[str] = "no"
    USES_BROKER: ClassVar[bool | str] = "lease_s"

    class Params(FixedParams, frozen=True, kw_only=True):
        cron: Annotated[str, Meta(description='times: "30 6 * * MON-FRI"; with seconds: "*/10 * * * * *"')]
        zone: Annotated[str, Meta(description="time zone of the times: UTC, Europe/Berlin")] = "UTC"
        missed: Annotated[Literal["once", "all"], Meta(description="what becomes of times that were missed")] = "once"
        count: Annotated[int, Meta(ge=0, description="how many events; 0: no end")] = 0
        service: Annotated[str, Meta(description="service that each event names")] = ""
        lease_s: Annotated[
            float, Meta(ge=0, le=60, description="one replica makes the events, for so long at a time; 0: each does")
        ] = 0.0

    params: Params
    _keeper: LeaseKeeper | None = None
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
        if self.params.lease_s:
            self._keeper = LeaseKeeper(self.runtime, self.params.lease_s)

    def drain(self) -> None:
        """Leave it to the other replicas."""
        if self._keeper is not None:
            self._keeper.close()

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:  # noqa: ARG002
        """Tell the other replicas up to when all is finished."""
        if self._keeper is not None and STREAM in floors:
            self._keeper.leave(floors[STREAM])

    def produce(self) -> Iterator[Event]:
        """Make the events; ends early when the instance is about to stop."""
        due, number = self._times.after(self.now()), 0
        while number < (self.params.count or number + 1):
            due = self._wait(due)
            if self.runtime.draining:
                return
            when = datetime.datetime.fromtimestamp(due, datetime.UTC).isoformat().replace("+00:00", "Z")
            attributes = {**self.params.attributes, "number": number, "due": when}
            position = Position(STREAM, int(due))
            event = Event(self._fixed.data(), service=self.params.service, attributes=attributes, position=position)
            event.redelivered = True  # another replica, or another life of this one, may have made it
            yield event
            number += 1
            # A clock that is set back does not have a time come twice.
            due = self._times.after(due if self.params.missed == "all" else max(due, self.now()))

    def _wait(self, due: float) -> float:
        """Wait until a time has come, and this replica holds the lease. Returns the time: those that others have dealt
        with meanwhile are passed over."""
        while not self.runtime.draining:
            left_s = due - self.now()
            if self._keeper is None or self._keeper.holds:
                if left_s <= 0:
                    break
            elif self._keeper.mark is not None and self._keeper.mark >= due:
                due = self._times.after(self._keeper.mark)
                continue
            self.sleep(min(left_s, LOOK_S) if left_s > 0 else LOOK_S)
        return due
