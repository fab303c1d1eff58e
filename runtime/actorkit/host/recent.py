"""What happened in an instance of late: failures, and the events of traces that every instance records."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, Final

import gevent

from actorkit.edge import wire
from actorkit.edge.receive_session import ReceiveSession
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.host.heads import head_of, head_of_event
from actorkit.host.intake import Admit, Intake

#: How many failures, and how many events of traces that are recorded, are kept.
MOST_FAILURES: Final = 100
MOST_SAMPLED: Final = 256

#: How often a trace would be recorded of which only an operator's are: those begin with 32 zeros.
OPERATORS_EVERY: Final = 1 << 32

#: How long after the last look an operator's events are recorded, in seconds.
ATTENTION_S: Final = 60.0


class Recent:
    """The last failures and the last sampled events of an instance, their heads only.

    Which traces are recorded follows from the trace itself: one of `every` (a power of two) begins with zeros where a
    mask has ones. So nobody has to agree with anybody, and the whole way of such an event is recorded. Where none is
    (0), those that an operator makes are, as long as somebody looks (`attend`).
    """

    def __init__(self, every: int = 0) -> None:
        self._every = every
        self._failures: deque[dict[str, Any]] = deque(maxlen=MOST_FAILURES)
        self._sampled: deque[dict[str, Any]] = deque(maxlen=MOST_SAMPLED)
        #: The last event that failed, and why.
        self._failed: tuple[object, str] = (None, "")
        #: Is told of each event of a trace that is recorded, when it has been consumed: the session, the event, when
        #: its consume began, how long it took, and why it failed, "" where it did not.
        self.tell: Callable[[ReceiveSession, wire.Delivery, float, float, str], None] | None = None
        self._intake: Intake | None = None
        self._timed = False
        #: What ends the recording for those who look, and when it is due.
        self._end: Callable[[], None] | None = None
        self._until = 0.0

    def open(self, intake: Intake, *, timed: bool) -> None:
        """Record from now on what comes in. `timed`: a run has been consumed when the next one is taken, so that it is
        known how long that took. Without sampling nothing stands in anybody's way."""
        self._intake, self._timed = intake, timed
        if self._every:
            intake.look(lambda admit: self._sampling(admit, self._every))

    def attend(self, seconds: float = ATTENTION_S) -> None:
        """Record for so long what an operator puts in, where nothing is recorded."""
        if self._every or self._intake is None:
            return
        self._until = time.monotonic() + seconds
        if self._end is None:
            self._end = self._intake.look(lambda admit: self._sampling(admit, OPERATORS_EVERY))
            gevent.spawn_later(seconds, self._look_away)

    def _look_away(self) -> None:
        """End the recording, unless somebody has looked meanwhile."""
        left_s = self._until - time.monotonic()
        if left_s > 0:
            gevent.spawn_later(left_s, self._look_away)
        elif self._end is not None:
            self._end()
            self._end = None

    def as_json(self) -> dict[str, Any]:
        """All of it, the oldest first."""
        return {"sampled_every": self._every, "failures": list(self._failures), "sampled": list(self._sampled)}

    def note_failure(self, session: ReceiveSession | None, event: Event, failure: Failure, attempts: int) -> None:
        """Note an event that failed, after so many attempts."""
        told = {"kind": failure.kind, "message": failure.message, "status": failure.status}
        entry = {**_arrival(session), "attempts": attempts, **head_of_event(event)}
        self._failures.append({"time": _now(), **entry, "failure": told})
        self._failed = event.origin, f"{failure.kind}: {failure.message}"

    def note_retry(self, session: ReceiveSession | None, event: Event, attempts: int) -> None:
        """Note an event that was consumed at the last of several attempts."""
        self._sampled.append({"time": _now(), **_arrival(session), "attempts": attempts, **head_of_event(event)})

    def _sampling(self, admit: Admit, every: int) -> Admit:
        """`admit` with a look at the traces of what it admits; an event that is recorded is a run by itself."""
        # Traces that begin with zeros are the small ones. To compare costs a hot path half of what a mask costs.
        end = (1 << 64) // every

        def sample(
            worker: int, session: ReceiveSession, first: int, parcels: list[wire.Delivery], redelivered: bool
        ) -> Iterator[tuple[int, list[wire.Delivery]]]:
            for number, run in admit(worker, session, first, parcels, redelivered):
                found = [parcel for parcel in run if (parcel.trace or parcel.id) < end]
                if not found:
                    yield number, run
                    continue
                start = 0
                for parcel in found:
                    index = run.index(parcel, start)
                    if index > start:
                        yield number + start, run[start:index]
                    entry = {"time": _now(), **_arrival(session), **head_of(parcel)}
                    self._sampled.append(entry)
                    begun = perf_counter()
                    yield number + index, [parcel]
                    took = perf_counter() - begun
                    if self._timed:
                        entry["seconds"] = round(took, 6)
                    if self.tell is not None:
                        failure = self._failed[1] if self._failed[0] is parcel else ""
                        self.tell(session, parcel, entry["time"], took, failure)
                    start = index + 1
                if start < len(run):
                    yield number + start, run[start:]

        return sample


def _now() -> float:
    return round(time.time(), 6)


def _arrival(session: ReceiveSession | None) -> dict[str, Any]:
    """Where an event came in, and whence."""
    if session is None:
        return {"inbox": "", "from": ""}
    return {"inbox": session.inbox, "from": session.instance}
