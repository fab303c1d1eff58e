"""The end of an instance: waits until all is finished, and tells the actor when no more will come."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

import gevent

from actorkit.actor import Actor

if TYPE_CHECKING:
    from actorkit.host.host import Host

#: An idle instance that drains waits this long for a sender that may still need it, in seconds.
QUIET_S: Final = 2.0

#: How often a draining instance asks its senders whether they still need it, in seconds.
POLL_S: Final = 0.25

#: How often it is looked whether all is finished, in seconds.
LOOK_S: Final = 0.02

#: So long nothing may come before an actor is told that no more will: a sender that is told to end a moment later than
#: this instance still has the time to say that it goes on sending.
SETTLE_S: Final = 0.1


class EndOfInput:
    """Whether no more will come to an instance. No sockets; the clock is an argument.

    Where the senders never say so, as in a loop of the graph, it is taken for granted from the time `patience` on: then
    what is held still has time to be finished.
    """

    def __init__(self, patience: float = math.inf) -> None:
        self.patience = patience
        self._since: float | None = None
        self._seen = -1
        #: The number of events after which the actor was told.
        self._told = -1

    def is_due(self, now: float, at_end: bool, resting: bool, count: int) -> bool:
        """Whether the actor has to be told now: all senders are `at_end`, and of the `count` events that came all are
        consumed (`resting`). Once, and again when more came after all."""
        if not resting or (not at_end and now < self.patience):
            self._since = None
            return False
        if self._since is None or count != self._seen:
            self._since, self._seen = now, count
        if now - self._since < SETTLE_S or self._told == count:
            return False
        self._told = count
        return True

    @property
    def has_come(self) -> bool:
        """Whether the actor knows, and nothing came since."""
        return self._since is not None and self._told == self._seen


class Drain:
    """Tells one instance's actor when no more will come, and waits until the instance is finished."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._end = EndOfInput()
        self._is_looking = False
        host.receiver.told = self._begin

    def _begin(self) -> None:
        """A sender has said whether it sends more: an instance that does not drain itself looks at it from now on."""
        if not self._is_looking and not self._host.draining and self._host.receiver.at_end:
            self._is_looking = True
            gevent.spawn(self._follow)

    def _follow(self) -> None:
        """Look as long as the senders are at their end, and once more then."""
        while self._host.receiver.at_end and not self._host.draining:
            self._look(time.monotonic())
            gevent.sleep(LOOK_S)
        self._is_looking = False
        if not self._host.draining:
            self._look(time.monotonic())

    def wait(self, timeout_s: float) -> None:
        """Wait until nothing is unfinished and no sender needs the instance; at most `timeout_s` seconds."""
        host = self._host
        begun = polled = quiet_since = time.monotonic()
        self._end.patience = begun + timeout_s / 2
        seen = (-1, -1)
        while True:
            now = time.monotonic()
            signs = (sum(host.receiver.inboxes.values()), host.receiver.stays)
            if signs != seen or not host.idle:
                quiet_since, seen = now, signs
            elif not host.receiver.sessions or now - quiet_since >= QUIET_S:
                return
            if now >= begun + timeout_s or (host.consumer is not None and host.consumer.crashed):
                return
            if now - polled >= POLL_S:
                polled = now
                host.receiver.drain()  # Told again: a sender that is gone is noticed, a busy one says Stay.
                host.schedule()
            self._look(now)
            gevent.sleep(LOOK_S)

    def _look(self, now: float) -> None:
        """Tell the actor when no more will come; then, when it makes nothing more itself, those it sends to."""
        host, cls, end = self._host, type(self._host.actor), self._end
        resting = (host.consumer is None or host.consumer.resting) and host.timers.idle
        count = sum(host.receiver.inboxes.values())
        if end.is_due(now, host.receiver.at_end, resting, count) and cls.end_input is not Actor.end_input:
            try:
                host.methods.of("end_input")()
            except Exception:
                host.actor.log.exception("end_input failed; what is held comes again")
        # What comes to an actor that only asks are answers: they make it send nothing.
        fed = cls.consumes_itself() and not end.has_come
        # Timers of an actor that has an `end_input` let go of what it holds, as that does; others may make events.
        timers = cls.timers() and cls.end_input is Actor.end_input
        sources = (cls.produces() or timers or not cls.consumes_itself()) and not host.draining
        at_end = resting and not fed and not sources and not host.outboxes.holds
        for connector in host.all_connectors:
            connector.sender.end(at_end)
        if any(connector.sender.frames for connector in host.all_connectors):
            host.schedule()


def remainder(host: Host) -> str:
    """Why an instance ends that is not finished, and what is left, in words."""
    senders = [connector.sender for connector in host.all_connectors]
    crashed = host.consumer is not None and host.consumer.crashed
    why = (
        "ends with an event that ended the process; sent again by who sent it"
        if crashed
        else "the time to drain is over"
    )
    return (
        f"{why}: {len(host.receiver.deliveries)} deliveries, {host.receiver.in_work} events in work, "
        f"{sum(s.backlog for s in senders)} waiting for a peer, "
        f"{sum(s.in_flight for s in senders)} unacknowledged"
    )
