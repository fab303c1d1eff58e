"""What is on its way over one connection, as its sender counts it. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from math import inf

from actorkit.edge.ages import oldest
from actorkit.edge.finish_times import FinishTimes
from actorkit.edge.pending import PendingQueue
from actorkit.edge.replies import ReplyQueue
from actorkit.edge.send_session import SendSession
from actorkit.edge.suspects import SuspectQueue
from actorkit.event.parcel import Parcel


class Traffic(PendingQueue):
    """The events of one connection: those that no peer has been given, and those that peers have and have not finished.

    An event *waits* from its entering the outbox until its consume has ended at the destination. An instance that is no
    more has consumed nothing of what it had not finished: that waits again.

    Attributes:
        sent: events sent; one that is sent again counts once.
        bytes: bytes of batches sent; what is sent again counts again.
        finish_times: how long events took that began here; one of each batch is looked at.
    """

    def __init__(self, actor: str) -> None:
        super().__init__(actor)
        self.sessions: dict[str, SendSession] = {}
        #: What may have ended a peer. While there is any, the others wait.
        self.suspects = SuspectQueue()
        #: What must go to one certain instance.
        self.replies = ReplyQueue()
        self.sent = 0
        self.bytes = 0
        self.reconnects = 0
        self.refusals = 0
        self.finish_times = FinishTimes()
        #: When those were made that have been finished since the last dispatch.
        self._finished: list[float] = []

    @property
    def in_flight(self) -> int:
        """Events sent and not acknowledged."""
        return sum(session.unacked for session in self.sessions.values())

    @property
    def backlog(self) -> int:
        """Events that wait for a peer with credit."""
        return len(self.pending) + len(self.suspects) + len(self.replies)

    @property
    def waiting(self) -> int:
        """Events that the destination has before it: the backlog, and what its peers have and have not consumed."""
        return self.backlog + sum(session.waiting for session in self.sessions.values())

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self.pending and not self.suspects and not self.replies and not self.in_flight

    @property
    def connected(self) -> int:
        """How many peers can be given events."""
        return sum(1 for session in self.sessions.values() if session.instance and not session.bye)

    def oldest_waiting_s(self, now: float) -> float:
        """The age of the event that has waited for longest, in seconds; 0 when none waits."""
        given = [session.oldest_waiting() for session in self.sessions.values()]
        return _age_s(min([self._oldest_not_given(lambda _: True), *given]), now)

    def oldest_begun_s(self, now: float) -> float:
        """The age of the oldest event that began in this instance's actor and is not finished; 0 when there is none."""
        given = [session.oldest(self._began_here) for session in self.sessions.values()]
        return _age_s(min([self._oldest_not_given(self._began_here), *given]), now)

    def _began_here(self, parcel: Parcel) -> bool:
        return parcel.trail == self._actor

    def _oldest_not_given(self, counts: Callable[[Parcel], bool]) -> float:
        """When the oldest event entered that no peer has been given and for which `counts` is true."""
        best = oldest(self.pending, self._runs, counts)
        dated = self.dates.get
        for parcel in chain((item[0] for item in self.suspects.items), self.replies.parcels) if self.dates else ():
            since = dated(parcel.id, inf)
            if since < best and counts(parcel):
                best = since
        return best


def _age_s(oldest_at: float, now: float) -> float:
    return max(0.0, now - oldest_at) if oldest_at != inf else 0.0
