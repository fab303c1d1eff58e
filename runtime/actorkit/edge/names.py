"""Names of many events in little memory, and where each of them arrived. No sockets, no clock."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from actorkit.edge.wire import Delivery, Session

#: What one event takes, in bytes: its id and its trace, and its share of the index once somebody has asked for one.
EVENT_BYTES: Final = 28

#: What one run takes in addition: events of one session with consecutive numbers.
RUN_BYTES: Final = 24

#: The fewest chains that an index has.
MIN_CHAINS: Final = 1024

#: Makes the number of chains that nobody outside can know, so that nobody can send ids that all end in one chain.
_secret: Final = random.SystemRandom()


class NameTable:
    """Names of events in the order in which they came.

    To note one costs next to nothing. The first question makes an index, a hash table with chains in three arrays,
    which takes a quarter of a microsecond an event; later ones bring it up to date.
    """

    __slots__ = (
        "_chains",
        "_firsts",
        "_following",
        "_heads",
        "_ids",
        "_links",
        "_session",
        "_sessions",
        "_starts",
        "_traces",
        "count",
    )

    def __init__(self) -> None:
        self.count = 0
        self._ids = array("Q")
        self._traces = array("Q")
        #: The runs: the index of a run's first event here, its session, and the number of that event in the session.
        self._starts = array("I")
        self._sessions: list[Session] = []
        self._firsts = array("Q")
        #: What would continue the last run.
        self._session: Session | None = None
        self._following = 0
        #: The chains: the index of each chain's last event, and for each event the index of the one before it in its
        #: chain; both plus 1, so that 0 ends a chain.
        self._heads = array("I")
        self._links = array("I")
        self._chains = 0

    @property
    def bytes(self) -> int:
        """About how much memory it takes, with its index."""
        return self.count * EVENT_BYTES + len(self._starts) * RUN_BYTES

    def add(self, session: Session, first: int, parcels: Sequence[Delivery]) -> None:
        """Note events with consecutive numbers."""
        if session is not self._session or first != self._following:
            self._starts.append(self.count)
            self._sessions.append(session)
            self._firsts.append(first)
            self._session = session
        count = len(parcels)
        self._following = first + count
        self.count += count
        self._ids.fromlist([parcel.id for parcel in parcels])
        self._traces.fromlist([parcel.trace for parcel in parcels])

    def find(self, id_: int, trace: int) -> tuple[Session, int] | None:
        """Where the last event of that name arrived: its session, and its number there."""
        if len(self._links) != self.count:
            self._index()
        ids, links = self._ids, self._links
        place = self._heads[id_ % self._chains] if self._chains else 0
        while place:
            place -= 1
            if ids[place] == id_ and self._traces[place] == trace:
                run = bisect_right(self._starts, place) - 1
                return self._sessions[run], self._firsts[run] + place - self._starts[run]
            place = links[place]
        return None

    def _index(self) -> None:
        """Bring the index up to date; made anew, with chains for twice as many, when the chains have become long."""
        if self.count > 2 * self._chains:
            least = max(MIN_CHAINS, self.count)
            self._chains = _secret.randrange(least, 2 * least) | 1
            self._heads = array("I", bytes(4 * self._chains))
            self._links = array("I")
        heads, chains, append = self._heads, self._chains, self._links.append
        known = len(self._links)
        for place, id_ in enumerate(self._ids[known:] if known else self._ids, known + 1):
            chain = id_ % chains
            append(heads[chain])
            heads[chain] = place
