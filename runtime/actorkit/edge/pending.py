"""The events of one connection that wait for a peer, and the ledger's entries that wait for them. No sockets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice, repeat
from typing import TYPE_CHECKING, Final, TypeVar

from actorkit.edge.ledger import Entry, settle
from actorkit.edge.outcome import Outcome
from actorkit.edge.send_session import Item
from actorkit.event.parcel import Parcel

if TYPE_CHECKING:
    from actorkit.event import Event

T = TypeVar("T")

#: How many waiting events are looked at to tell how long events are.
SAMPLE: Final = 16


class PendingQueue:
    """Events that no peer has been given yet.

    Attributes:
        dropped: events that went nowhere, by reason.
        pending: the events; their entries are in `entries`.
        shared_entry: the one ledger entry of all events of this connection, as a source has it; `entries` is empty
            then. None where events have entries of their own.
        destination: the actor at the other end; "" until it is known.
        has_replies: whether any event here ever had a reply_to; most connections never see one.
        has_answers: whether any of the pending events may be the answer to somebody who waits at the destination.
        redelivered: whether any event here was ever redelivered; most connections never see one.
    """

    def __init__(self) -> None:
        self.dropped: dict[str, int] = {}
        self.pending: deque[Parcel] = deque()
        self.entries: deque[Entry] = deque()
        self.shared_entry: Entry | None = None
        self.destination = ""
        self.has_replies = False
        self.has_answers = False
        self.redelivered = False
        #: Events that went nowhere, by reason.
        self.dropped: dict[str, int] = {}

    def put(self, parcel: Parcel, entry: Entry, event: Event) -> None:  # noqa: ARG002  # for the keyed kind
        """Take an event; `entry` waits for it from now on. `event` is what the parcel was made of."""
        entry.pending += 1
        if self.shared_entry is not entry:
            if self.shared_entry is not None:
                self._unshare(self.shared_entry)
            self.entries.append(entry)
        self.pending.append(parcel)
        if parcel.reply_to:
            self.has_replies = True
            self.has_answers = self.has_answers or not self.destination or self.destination in parcel.reply_to
        if parcel.redelivered:
            self.redelivered = True

    def put_all(self, parcels: Sequence[Parcel], entries: Sequence[Entry], special: bool) -> None:
        """Take events, each with the entry that waits for it already. `special` tells
        that some have a reply_to or are redelivered."""
        if self.shared_entry is not None:
            self._unshare(self.shared_entry)
        self.entries.extend(entries)
        self.pending.extend(parcels)
        if special:
            waiting = [parcel.reply_to for parcel in parcels if parcel.reply_to]
            if waiting:
                self.has_replies = True
                to = self.destination
                self.has_answers = self.has_answers or not to or any(to in reply_to for reply_to in waiting)
            self.redelivered = self.redelivered or any(parcel.redelivered for parcel in parcels)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count events that go nowhere."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count

    def _unshare(self, shared: Entry) -> None:
        """Another entry than the only one so far waits for events: from now on each has its own."""
        self.entries.extend(repeat(shared, len(self.pending)))
        self.shared_entry = None

    def _take(self, count: int) -> tuple[list[Parcel], list[Entry]]:
        """The first `count` events, taken out of the queue, and their entries where each has its own."""
        return take(self.pending, count), take(self.entries, count) if self.shared_entry is None else []

    def _items(self) -> list[Item]:
        """The pending events, each with its entry."""
        return list(
            zip(self.pending, self.entries if self.shared_entry is None else repeat(self.shared_entry), strict=False)
        )

    def _replace(self, items: Iterable[Item]) -> None:
        """Replace the pending events by these."""
        pairs = list(items)
        self.pending.clear()
        self.pending.extend(parcel for parcel, _ in pairs)
        if self.shared_entry is None:
            self.entries.clear()
            self.entries.extend(entry for _, entry in pairs)

    def mean_body_bytes(self) -> int:
        """How many bytes the bodies of the last waiting events have, on average."""
        waiting = min(len(self.pending), SAMPLE)
        return sum(len(parcel.body) for parcel in islice(reversed(self.pending), waiting)) // waiting if waiting else 0

    def drop(self, reason: str, count: int = 1) -> None:
        """Count events that go nowhere."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count

    def abandon(self, item: Item, outcome: Outcome | None) -> None:
        """An event is not sent; whoever waits for it is told why, or what it answers."""
        entry = item[1]
        if outcome is not None:
            entry.tell(outcome)
        settle(entry)


def take(queue: deque[T], count: int) -> list[T]:
    """The first `count` elements, taken out of the queue; all at once where it has no more."""
    if count == len(queue):
        taken = list(queue)
        queue.clear()
        return taken
    take = queue.popleft
    return [take() for _ in repeat(None, count)]
