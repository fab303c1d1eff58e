"""Who may have ended a lost peer, at its sender. No sockets, no clock.

Three things can be known. The peer said which event ends it, or that none of ours does (`End`). It had begun on a
suspect (`Begin`): then that one did it, and nothing else when it consumes one event at a time. Or nothing: then each
event that it had not acknowledged may have done it, and becomes a suspect.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from actorkit.edge import wire
from actorkit.edge.send_session import Item, SendSession
from actorkit.event.parcel import Parcel, Suspicion

#: How an instance ended that did not say it.
LOST = "lost without a word"

#: An event that may have ended a peer, the life of that peer, and the mark that the event had before.
Suspect = tuple[Item, int, bool | Suspicion]


def is_suspect(parcel: Parcel) -> bool:
    """Whether an event may have ended an instance."""
    return type(parcel.redelivered) is Suspicion


def blame(session: SendSession, died: bool) -> list[bool | Suspicion]:
    """Mark what a lost session has not acknowledged; returns the marks that stood there before, in order.

    Only the event that is known to have ended the peer is counted once more. `died` is false where it is known to live.
    """
    fate = session.fate
    culprit = session.find(fate.number if fate is not None else session.begun) if died else None
    known = not died or fate is not None or (culprit is not None and session.alone)
    way = fate.way if fate is not None else LOST
    before = []
    for parcel, _ in session.ledger:
        mark = parcel.redelivered
        before.append(mark)
        if parcel is culprit:
            count, ways = (mark.count, mark.ways) if isinstance(mark, Suspicion) else (0, [])
            parcel.redelivered = Suspicion(count + 1, [*ways, way][-wire.MAX_WAYS :])
        elif not isinstance(mark, Suspicion):
            parcel.redelivered = True if known else Suspicion(1, [way])
    return before


def _count(suspect: Suspect) -> int:
    """How many instances an event may have ended."""
    mark = suspect[0][0].redelivered
    return mark.count if isinstance(mark, Suspicion) else 0


class SuspectQueue:
    """The suspects of one connection that wait to be sent again, the likeliest one last.

    Whichever ends its peer again has others before it that get through, so that what is held up is held up for one
    restart, and not for all those of one event together.
    """

    def __init__(self) -> None:
        self._waiting: deque[Suspect] = deque()
        #: Whether others were let through before the first one, which is likely to end its peer.
        self._has_given_way = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def items(self) -> list[Item]:
        """The events with their entries, in order."""
        return [item for item, _, _ in self._waiting]

    def put(self, suspects: Sequence[Suspect]) -> None:
        """Take suspects of one peer, in the order in which they were sent to it.

        Those that may have ended fewer instances come first. Of the new ones the first comes last, for a peer that
        consumes in order was at it.
        """
        in_order = sorted([*suspects[1:], *suspects[:1], *self._waiting], key=_count)
        self._waiting.clear()
        self._waiting.extend(in_order)

    def gives_way(self) -> bool:
        """Whether events that are no suspects go before the next suspect, which is the last one here. Once for each."""
        if len(self._waiting) > 1 or self._has_given_way:
            return False
        self._has_given_way = True
        return True

    def take(self) -> Item:
        """The first one."""
        self._has_given_way = False
        return self._waiting.popleft()[0]

    def drop(self, out: Callable[[Parcel], bool]) -> list[Item]:
        """Take out the suspects for which `out` is true."""
        goes = [one[0] for one in self._waiting if out(one[0][0])]
        if goes:
            remaining = [one for one in self._waiting if not out(one[0][0])]
            self._waiting.clear()
            self._waiting.extend(remaining)
        return goes

    def clear_life(self, life: int) -> list[Item]:
        """A peer that was taken for dead is there again: what it was sent has not ended it. Returns what is no suspect
        any more, in order."""
        cleared: list[Item] = []
        remaining: list[Suspect] = []
        for one in self._waiting:
            item, lost, before = one
            if life and lost == life:
                item[0].redelivered = before or True
            if is_suspect(item[0]):
                remaining.append(one)
            else:
                cleared.append(item)
        self._waiting.clear()
        self._waiting.extend(remaining)
        return cleared
