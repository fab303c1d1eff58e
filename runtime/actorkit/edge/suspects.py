"""Who may have ended a lost peer, at its sender. No sockets, no clock.

Three things can be known. The peer said which event ends it, or that none of ours does (`End`). It had begun on a
suspect (`Begin`): then that one did it, and nothing else when it consumes one event at a time. Or nothing: then each
event that it had not acknowledged may have done it, and becomes a suspect.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

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


class SuspectQueue:
    """The suspects of one connection that wait to be sent again, in order."""

    def __init__(self) -> None:
        self._waiting: deque[Suspect] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def items(self) -> list[Item]:
        """The events with their entries, in order."""
        return [item for item, _, _ in self._waiting]

    def put_first(self, suspects: Iterable[Suspect]) -> None:
        """Take suspects that were sent before those that are here."""
        self._waiting.extendleft(reversed(list(suspects)))

    def take(self) -> Item:
        """The first one."""
        return self._waiting.popleft()[0]

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
