"""One session of a sender with one peer, without sockets: numbers, credit, and what is not acknowledged."""

from __future__ import annotations

from collections import deque
from itertools import islice, repeat
from typing import Final

from actorkit import wire
from actorkit.ledger import Entry, Root, settle

#: An event on its way, and the ledger's entry that waits for it.
Item = tuple[wire.Parcel, Entry]

#: An entry that waits for nothing: that of events for which nobody does.
NOBODY: Final = Root(lambda: None)
NOBODY.pending = 1 << 62
#: So many events may be acknowledged behind one that is not; then that one is set aside, so that they can be let go.
MAX_HOLES: Final = 1024

#: Stands in a link's ledger where an event was acknowledged before those in front of it.
_DONE: Final = wire.Parcel(0, 0, "n", b"", b"")


class Link:
    """One session with one peer: numbers, credit, and what is not acknowledged.

    `sole` is the one entry that waits for all events here, where there is only one; each has its own where it is None.
    """

    __slots__ = (
        "_entries",
        "_holes",
        "_parcels",
        "_upto",
        "address",
        "aside",
        "bye",
        "consumed",
        "draining",
        "granted",
        "instance",
        "listed",
        "sent",
        "sole",
        "window",
    )

    def __init__(self, address: str, sole: Entry | None = None) -> None:
        self.address = address
        self.sole = sole
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
        #: The ledger: the events numbered `_upto + 1` to `sent`, and their entries.
        self._parcels: deque[wire.Parcel] = deque()
        self._entries: deque[Entry] = deque()
        #: Those that were left behind: what has a lower number, and is not acknowledged.
        self.aside: dict[int, Item] = {}
        #: How many of the ledger are acknowledged already.
        self._holes = 0
        self._upto = 0

    @property
    def room(self) -> int:
        """How many events may be sent now."""
        return self.window - self.sent + self.consumed

    def enter(self, parcels: list[wire.Parcel], entries: list[Entry]) -> None:
        """Enter events in the ledger, under the next numbers."""
        self.sent += len(parcels)
        self._parcels.extend(parcels)
        self._entries.extend(entries)

    def share(self) -> None:
        """From now on events have entries of their own."""
        if self.sole is not None:
            self._entries.extend([self.sole if parcel is not _DONE else NOBODY for parcel in self._parcels])
            self.sole = None

    def acknowledge(self, ack: wire.Ack) -> None:
        """Strike out what is finished. Numbers that were never sent are ignored."""
        if ack.consumed > self.consumed:
            self.consumed = min(ack.consumed, self.sent)
        count = min(ack.upto, self.sent) - self._upto
        if count > 0:
            self._upto += count
            self._strike(count)
        if self.aside:
            for number in [number for number in self.aside if number <= ack.upto]:
                settle(self.aside.pop(number)[1])
        for number in ack.done:
            self._punch(number)
        while self._holes > MAX_HOLES:
            self._set_aside()

    def _punch(self, number: int) -> None:
        """One event is finished, and others before it are not."""
        index = number - self._upto - 1
        if index < 0:
            if number in self.aside:
                settle(self.aside.pop(number)[1])
        elif index < len(self._parcels) and self._parcels[index] is not _DONE:
            self._parcels[index] = _DONE
            self._holes += 1
            if self.sole is not None:
                settle(self.sole)
            else:
                entry, self._entries[index] = self._entries[index], NOBODY
                settle(entry)

    def _set_aside(self) -> None:
        """Take the first event out of the ledger, and those that are acknowledged behind it."""
        self._upto += 1
        parcel, entry = self._parcels.popleft(), self.sole or self._entries.popleft()
        if parcel is _DONE:
            self._holes -= 1
        else:
            self.aside[self._upto] = (parcel, entry)

    def _strike(self, count: int) -> None:
        """The first `count` events in the ledger are finished."""
        take, drop = self._entries.popleft, self._parcels.popleft
        holes = self._holes
        if holes:
            self._holes -= sum(parcel is _DONE for parcel in islice(self._parcels, count))
        for _ in repeat(None, count):
            drop()
        if self.sole is not None:
            self.sole.pending -= count - holes + self._holes
            if not self.sole.pending:
                self.sole.done()
            return
        session: wire.Session | None = None
        closed: list[wire.Arrived] = []
        for _ in repeat(None, count):
            entry = take()
            pending = entry.pending = entry.pending - 1
            if pending:
                continue
            if type(entry) is not wire.Arrived:
                entry.done()
            elif entry.session is session:
                closed.append(entry)
            else:  # `done` of all those before, in one go
                if session is not None:
                    session.close(closed)
                session, closed = entry.session, [entry]
        if session is not None:
            session.close(closed)

    @property
    def unacked(self) -> int:
        """How many events are not acknowledged."""
        return len(self._parcels) - self._holes + len(self.aside)

    @property
    def ledger(self) -> list[Item]:
        """What is not acknowledged, in order."""
        entries = self._entries if self.sole is None else repeat(self.sole)
        rest = [item for item in zip(self._parcels, entries, strict=False) if item[0] is not _DONE]
        return [*self.aside.values(), *rest]

    def take_back(self) -> list[Item]:
        """What is not acknowledged, in order; the ledger is empty then."""
        items = self.ledger
        self._parcels.clear()
        self._entries.clear()
        self.aside.clear()
        self._upto, self._holes = self.sent, 0
        return items

    def __repr__(self) -> str:
        flags = "".join(f" {name}" for name in ("draining", "bye") if getattr(self, name))
        return (
            f"<Link {self.address} {self.instance or 'not welcome yet'} sent={self.sent} consumed={self.consumed} "
            f"unacknowledged={self.unacked}{'' if self.listed else ' unlisted'}{flags}>"
        )
