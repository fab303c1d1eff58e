"""One session of a sender with one peer, without sockets: numbers, credit, and what is not acknowledged."""

from __future__ import annotations

from collections import deque
from typing import Final

from actorkit import wire
from actorkit.ledger import Entry, Root, settle

#: An event on its way, and the ledger's entry that waits for it.
Item = tuple[wire.Parcel, Entry]

#: An entry that waits for nothing: that of events for which nobody does.
NOBODY: Final = Root(lambda: None)
NOBODY.pending = 1 << 62
#: Stands in a link's ledger where an event was acknowledged before those in front of it.
_DONE: Final[Item] = (wire.Parcel(0, 0, "n", b"", b""), NOBODY)


class Link:
    """One session with one peer: numbers, credit, and what is not acknowledged."""

    __slots__ = (
        "_holes",
        "_items",
        "_upto",
        "address",
        "bye",
        "consumed",
        "draining",
        "granted",
        "instance",
        "listed",
        "sent",
        "window",
    )

    def __init__(self, address: str) -> None:
        self.address = address
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
        #: The ledger: the events numbered `_upto + 1` to `sent`.
        self._items: deque[Item] = deque()
        #: How many of them are acknowledged already.
        self._holes = 0
        self._upto = 0

    @property
    def room(self) -> int:
        """How many events may be sent now."""
        return self.window - self.sent + self.consumed

    def enter(self, items: list[Item]) -> int:
        """Number the items and enter them in the ledger; returns the first number."""
        first = self.sent + 1
        self.sent += len(items)
        self._items.extend(items)
        return first

    def acknowledge(self, ack: wire.Ack) -> None:
        """Strike out what is finished. Numbers that were never sent are ignored."""
        if ack.consumed > self.consumed:
            self.consumed = min(ack.consumed, self.sent)
        take = self._items.popleft
        count = min(ack.upto, self.sent) - self._upto
        if count > 0:
            self._upto += count
            for _ in range(count):
                entry = take()[1]
                entry.pending -= 1
                if not entry.pending:
                    entry.done()
                elif entry is NOBODY:
                    self._holes -= 1
        items, base = self._items, self._upto + 1
        for number in ack.done:
            index = number - base
            if 0 <= index < len(items) and items[index] is not _DONE:
                settle(items[index][1])
                items[index] = _DONE
                self._holes += 1

    @property
    def unacked(self) -> int:
        """How many events are not acknowledged."""
        return len(self._items) - self._holes

    @property
    def ledger(self) -> list[Item]:
        """What is not acknowledged, in order."""
        return [item for item in self._items if item is not _DONE]

    def take_back(self) -> list[Item]:
        """What is not acknowledged, in order; the ledger is empty then."""
        items = self.ledger
        self._items.clear()
        self._upto, self._holes = self.sent, 0
        return items

    def __repr__(self) -> str:
        flags = "".join(f" {name}" for name in ("draining", "bye") if getattr(self, name))
        return (
            f"<Link {self.address} {self.instance or 'not welcome yet'} sent={self.sent} consumed={self.consumed} "
            f"unacknowledged={self.unacked}{'' if self.listed else ' unlisted'}{flags}>"
        )
