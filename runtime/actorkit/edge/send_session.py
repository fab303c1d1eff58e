"""One session of a sender with one peer, without sockets: numbers, credit, and what is not acknowledged."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice, repeat
from math import inf
from operator import is_not
from typing import Final

from actorkit.edge import wire
from actorkit.edge.ages import oldest
from actorkit.edge.ledger import Entry, Root, settle
from actorkit.edge.outcome import Outcome
from actorkit.event.parcel import Parcel

#: An event on its way, and the ledger's entry that waits for it.
Item = tuple[Parcel, Entry]

#: The entry of events that nobody waits for: it waits for nothing itself, and is never done.
NOBODY: Final = Root(lambda: None)
NOBODY.pending = 1 << 62

#: The mark in a session's ledger in the place of an event that was acknowledged before the events in front of it.
_DONE: Final = Parcel(0, 0, "n", b"", b"")

#: Whether an event in a session's ledger is not acknowledged.
_is_unfinished: Final[Callable[[Parcel], bool]] = partial(is_not, _DONE)


class SendSession:
    """One session with one peer: numbers, credit, and what is not acknowledged.

    Every event has an entry, which waits for its acknowledgement. All events of a source have the same entry: it is
    kept once, as `shared_entry`, and `_entries` is empty. Where events have entries of their own, it is None.
    """

    __slots__ = (
        "_ack_floor",
        "_acked_above",
        "_entries",
        "_max_acked_above",
        "_parcels",
        "address",
        "alone",
        "apart",
        "begun",
        "bye",
        "consumed",
        "dates",
        "draining",
        "ended_at",
        "fate",
        "finished",
        "granted",
        "instance",
        "life",
        "listed",
        "samples",
        "sent",
        "shared_entry",
        "straggler_dates",
        "stragglers",
        "turned_away",
        "window",
    )

    def __init__(
        self,
        address: str,
        shared_entry: Entry | None = None,
        max_acked_above: int = wire.MAX_ACKED_ABOVE,
        finished: list[float] | None = None,
    ) -> None:
        self._max_acked_above = max_acked_above
        self.address = address
        self.shared_entry = shared_entry
        #: The peer's instance; empty until it has said Welcome.
        self.instance = ""
        #: How many events may be under way, and how many the peer has granted.
        self.window = 0
        self.granted = 0
        self.sent = 0
        self.consumed = 0
        self.listed = True
        self.draining = False
        self.bye = False
        #: Whether it was refused for nothing but want of room.
        self.turned_away = False
        #: How much had been sent when the peer was told that no more will come, which a Batch takes back; -1: not told.
        self.ended_at = -1
        #: What tells the process behind the peer from one of the same name that comes after it.
        self.life = 0
        #: Whether a suspect is under way, and the number of the one that is begun; 0: none is.
        self.apart = False
        self.begun = 0
        #: Whether the peer consumes nothing else while a suspect is begun.
        self.alone = False
        #: How the peer said that it ends.
        self.fate: wire.End | None = None
        #: The ledger: the events numbered `_ack_floor + 1` to `sent`, and their entries.
        self._parcels: deque[Parcel] = deque()
        self._entries: deque[Entry] = deque()
        #: Stragglers by number: events that are not acknowledged although the ack floor has passed them.
        self.stragglers: dict[int, Item] = {}
        #: How many events in the ledger are acknowledged already.
        self._acked_above = 0
        self._ack_floor = 0
        #: When events entered the outbox, by the number of the last one of those that did so together. It is one date
        #: for a batch, mostly. The first one holds for what comes next in the ledger.
        self.dates: OrderedDict[int, float] = OrderedDict()
        self.straggler_dates: dict[int, float] = {}
        #: Numbers in `dates` of events that began here. When one is finished its date goes into `finished`.
        self.samples: set[int] = set()
        self.finished = finished if finished is not None else []

    @property
    def credit(self) -> int:
        """How many events may be sent now."""
        return self.window - self.sent + self.consumed

    def begin(self, message: wire.Begin) -> bool:
        """Note on which suspect the peer begins, or that none is begun there any more. Whether it waits for leave."""
        self.begun, self.alone = message.number, message.alone
        self.apart = self.apart and bool(message.number)
        return bool(message.number) and not self.bye

    def enter(self, parcels: list[Parcel], entries: list[Entry]) -> None:
        """Enter events in the ledger, under the next numbers."""
        self.sent += len(parcels)
        self._parcels.extend(parcels)
        self._entries.extend(entries)

    def date(self, runs: list[tuple[int, float]]) -> None:
        """Date the events that were entered last, given as (how many, time)."""
        number = self.sent - sum(count for count, _ in runs)
        for count, since in runs:
            number += count
            self.dates[number] = since

    def unshare(self) -> None:
        """From now on events have entries of their own."""
        if self.shared_entry is not None:
            self._entries.extend([self.shared_entry if parcel is not _DONE else NOBODY for parcel in self._parcels])
            self.shared_entry = None

    def acknowledge(self, ack: wire.Ack) -> None:
        """Strike finished events out of the ledger. Numbers that were never sent are ignored."""
        if ack.consumed > self.consumed:
            self.consumed = min(ack.consumed, self.sent)
        count = min(ack.ack_floor, self.sent) - self._ack_floor
        if count > 0:
            self._ack_floor += count
            self._ack_prefix(count)
            self._strike_dates()
        if self.stragglers:
            for number in [number for number in self.stragglers if number <= ack.ack_floor]:
                self._ack_straggler(number)
        for number in ack.acked_above:
            self._ack_one(number)
        while self._acked_above > self._max_acked_above:
            self._skip_straggler()

    def tell(self, number: int, outcome: Outcome) -> None:
        """Tell the entry that waits for the event of that number what became of it; one that is finished needs none."""
        index = number - self._ack_floor - 1
        if index < 0:
            if number in self.stragglers:
                self.stragglers[number][1].tell(outcome)
        elif index < len(self._parcels) and self._parcels[index] is not _DONE:
            (self.shared_entry or self._entries[index]).tell(outcome)

    def _ack_one(self, number: int) -> None:
        """Acknowledge one event that has unacknowledged ones in front of it, or that is a straggler."""
        index = number - self._ack_floor - 1
        if index < 0:
            if number in self.stragglers:
                self._ack_straggler(number)
        elif index < len(self._parcels) and self._parcels[index] is not _DONE:
            self._parcels[index] = _DONE
            self._acked_above += 1
            if number in self.samples:
                self.samples.remove(number)
                self.finished.append(self.dates[number])
            if self.shared_entry is not None:
                settle(self.shared_entry)
            else:
                entry, self._entries[index] = self._entries[index], NOBODY
                settle(entry)

    def _skip_straggler(self) -> None:
        """Let the ack floor pass the first event of the ledger: it becomes a straggler, unless it is acknowledged."""
        self._ack_floor += 1
        parcel, entry = self._parcels.popleft(), self.shared_entry or self._entries.popleft()
        if parcel is _DONE:
            self._acked_above -= 1
        else:
            self.stragglers[self._ack_floor] = (parcel, entry)
            if self.dates:
                self.straggler_dates[self._ack_floor] = next(iter(self.dates.values()))
        self._strike_dates()

    def _ack_straggler(self, number: int) -> None:
        since = self.straggler_dates.pop(number, None)
        if number in self.samples:
            self.samples.remove(number)
            if since is not None:
                self.finished.append(since)
        settle(self.stragglers.pop(number)[1])

    def _strike_dates(self) -> None:
        """Forget the dates that hold for nothing in the ledger any more."""
        dates, ack_floor = self.dates, self._ack_floor
        while dates:
            number = next(iter(dates))
            if number > ack_floor:
                return
            since = dates.pop(number)
            if number in self.samples and number not in self.stragglers:
                self.samples.remove(number)
                self.finished.append(since)

    def _ack_prefix(self, count: int) -> None:
        """The first `count` events in the ledger are finished."""
        take, drop = self._entries.popleft, self._parcels.popleft
        above = self._acked_above
        if above:
            self._acked_above -= sum(parcel is _DONE for parcel in islice(self._parcels, count))
        for _ in repeat(None, count):
            drop()
        if self.shared_entry is not None:
            self.shared_entry.pending -= count - above + self._acked_above
            if not self.shared_entry.pending:
                self.shared_entry.done()
            return
        session: wire.Session | None = None
        closed: list[wire.Delivery] = []
        for _ in repeat(None, count):
            entry = take()
            pending = entry.pending = entry.pending - 1
            if pending:
                continue
            if type(entry) is not wire.Delivery:
                entry.done()
            elif entry.session is session:
                closed.append(entry)
            else:  # One call ends all the entries of one session that were found so far.
                if session is not None:
                    session.close(closed)
                session, closed = entry.session, [entry]
        if session is not None:
            session.close(closed)

    @property
    def unacked(self) -> int:
        """How many events are not acknowledged."""
        return len(self._parcels) - self._acked_above + len(self.stragglers)

    @property
    def waiting(self) -> int:
        """How many events the peer has not consumed. What is acknowledged has been consumed, also where it was told
        first."""
        return min(self.sent - self.consumed, self.unacked)

    def with_dates(self) -> Iterator[tuple[Parcel, float]]:
        """What is not acknowledged, in order, each with the time at which it entered the outbox."""
        for number, (parcel, _) in self.stragglers.items():
            yield parcel, self.straggler_dates.get(number, inf)
        dates = chain.from_iterable(repeat(since, length) for length, since in self._runs())
        for parcel, since in zip(self._parcels, dates, strict=False):
            if parcel is not _DONE:
                yield parcel, since

    def _runs(self) -> Iterator[tuple[int, float]]:
        """The dates of the ledger, in order, as (how many, time); those acknowledged within it have one, too."""
        before = self._ack_floor
        for number, since in self.dates.items():
            yield number - before, since
            before = number
        yield self.sent - before, inf

    def oldest(self, counts: Callable[[Parcel], bool]) -> float:
        """When the oldest unacknowledged event entered the outbox of those for which `counts` is true."""
        straggled = (self.straggler_dates.get(number, inf) for number, one in self.stragglers.items() if counts(one[0]))
        return min(oldest(self._parcels, self._runs(), counts), min(straggled, default=inf))

    def oldest_waiting(self) -> float:
        """When the oldest event entered the outbox that the peer has not consumed.

        The peer has told how much is consumed, not which: the first ones are taken for that.
        """
        consumed = self.unacked - self.waiting
        straggled = (self.straggler_dates.get(number, inf) for number in islice(self.stragglers, consumed, None))
        rest = oldest(self._parcels, self._runs(), _is_unfinished, consumed - len(self.stragglers))
        return min(rest, min(straggled, default=inf))

    def find(self, number: int) -> Parcel | None:
        """The event of that number, unless it is acknowledged."""
        if number in self.stragglers:
            return self.stragglers[number][0]
        index = number - self._ack_floor - 1
        found = self._parcels[index] if 0 <= index < len(self._parcels) else _DONE
        return None if found is _DONE else found

    @property
    def ledger(self) -> list[Item]:
        """What is not acknowledged, in order."""
        entries = self._entries if self.shared_entry is None else repeat(self.shared_entry)
        rest = [item for item in zip(self._parcels, entries, strict=False) if item[0] is not _DONE]
        return [*self.stragglers.values(), *rest]

    def take_back(self) -> list[Item]:
        """What is not acknowledged, in order; the ledger is empty then."""
        items = self.ledger
        self._parcels.clear()
        self._entries.clear()
        self.stragglers.clear()
        self.dates.clear()
        self.straggler_dates.clear()
        self.samples.clear()
        self._ack_floor, self._acked_above = self.sent, 0
        return items

    def __repr__(self) -> str:
        flags = "".join(f" {name}" for name in ("draining", "bye") if getattr(self, name))
        return (
            f"<SendSession {self.address} {self.instance or 'not welcome yet'} "
            f"sent={self.sent} consumed={self.consumed} "
            f"unacknowledged={self.unacked} acked above={self._acked_above}{'' if self.listed else ' unlisted'}{flags}>"
        )
