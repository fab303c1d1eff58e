"""What is on its way over one connection, as its sender counts it. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from math import inf

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
        """The age of the event that has waited for longest, in seconds; 0 when none waits.

        Of what a peer has not finished it has told how much is consumed, not which: the first ones are taken for that.
        """
        sessions = self.sessions.values()
        given = (islice(session.with_dates(), session.unacked - session.waiting, None) for session in sessions)
        return _age_s(chain(chain.from_iterable(given), self._not_given()), now)

    def oldest_begun_s(self, now: float) -> float:
        """The age of the oldest event that began in this instance's actor and is not finished; 0 when there is none."""
        given = chain.from_iterable(session.with_dates() for session in self.sessions.values())
        return _age_s((one for one in chain(given, self._not_given()) if one[0].trail == self._actor), now)

    def _not_given(self) -> Iterator[tuple[Parcel, float]]:
        """The events that no peer has been given, with the times at which they entered."""
        yield from self.dated_pending()
        for parcel in chain((item[0] for item in self.suspects.items), self.replies.parcels):
            if parcel.id in self.dates:
                yield parcel, self.dates[parcel.id]


def _age_s(dated: Iterator[tuple[Parcel, float]], now: float) -> float:
    oldest = min((since for _, since in dated), default=inf)
    return max(0.0, now - oldest) if oldest != inf else 0.0
