"""The events of one connection that wait for a peer, and the ledger's entries that wait for them. No sockets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice, repeat
from typing import TYPE_CHECKING, Final, TypeVar

from actorkit.edge.ledger import Entry, settle
from actorkit.edge.outcome import Outcome
from actorkit.edge.send_session import Item, SendSession
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
        dropped: events that went nowhere, by reason.
        destination: the actor at the other end; "" until it is known.
        has_replies: whether any event here ever had a reply_to; most connections never see one.
        has_answers: whether any of the pending events may be the answer to somebody who waits at the destination.
        redelivered: whether any event here was ever redelivered; most connections never see one.
        dates: when events entered that are in no line now, as suspects and answers are; by id.
    """

    def __init__(self, actor: str) -> None:
        #: The actor whose outbox it is.
        self._actor = actor
        self.dropped: dict[str, int] = {}
        self.pending: deque[Parcel] = deque()
        self.entries: deque[Entry] = deque()
        self.shared_entry: Entry | None = None
        self.destination = ""
        self.has_replies = False
        self.has_answers = False
        self.redelivered = False
        #: When the pending events entered, as (how many, time). The last ones may have no date yet: they came after the
        #: time `_now`, that of the last dispatch, and get that of the next one. So no event is dated by itself.
        self._runs: deque[tuple[int, float]] = deque()
        self._dated = 0
        self._now = 0.0
        self.dates: dict[int, float] = {}

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
        if self._runs:
            self.dates.update((parcel.id, since) for parcel, since in self.dated_pending())
        self.pending.clear()
        self.pending.extend(parcel for parcel, _ in pairs)
        if self.shared_entry is None:
            self.entries.clear()
            self.entries.extend(entry for _, entry in pairs)
        self._runs.clear()
        self._dated = 0
        if self.dates:
            self._date_again()

    def _date_rest(self) -> None:
        """Date the events that have come since the last dispatch and still wait."""
        fresh = len(self.pending) - self._dated
        if fresh > 0:
            self._runs.append((fresh, self._now))
            self._dated += fresh

    def _date_again(self) -> None:
        """Find the dates of the pending events in `dates`."""
        found = [self.dates.pop(parcel.id, None) for parcel in self.pending]
        while found and found[-1] is None:
            found.pop()
        self._dated = len(found)
        self._runs.extend((len(list(run)), self._now if since is None else since) for since, run in groupby(found))

    def _take_dates(self, count: int) -> list[tuple[int, float]]:
        """The dates of the first `count` events, which have just been taken out of the queue, as (how many, time)."""
        taken = []
        while count and self._runs:
            length, since = self._runs[0]
            if length > count:
                self._runs[0] = (length - count, since)
                length = count
            else:
                self._runs.popleft()
            taken.append((length, since))
            self._dated -= length
            count -= length
        if count:
            taken.append((count, self._now))
        return taken

    def _date_given(self, session: SendSession, last: Parcel, count: int) -> None:
        """Date events that a peer has been given, `count` from the front of the queue; the last one is a sample of
        those that begin here."""
        if self._runs:
            session.date(self._take_dates(count))
        else:
            session.dates[session.sent] = self._now
        if last.trail == self._actor:
            session.samples.add(session.sent)

    def _date_items(self, session: SendSession, parcels: list[Parcel]) -> None:
        """Date events that a peer has been given, and that were in no line."""
        dates, now = self.dates, self._now
        session.date([(1, dates.pop(parcel.id, now)) for parcel in parcels] if dates else [(len(parcels), now)])
        if parcels[-1].trail == self._actor:
            session.samples.add(session.sent)

    def dated_pending(self) -> Iterator[tuple[Parcel, float]]:
        """The pending events that are dated, each with the time at which it entered."""
        return zip(self.pending, chain.from_iterable(repeat(since, count) for count, since in self._runs), strict=False)

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
