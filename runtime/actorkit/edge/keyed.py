"""`key:` on a connection: events with one value of the key stay on one instance, in order.

The instance is chosen by rendezvous hashing (Thaler, Ravishankar: "Using name-based mappings to increase hit rates",
IEEE/ACM ToN 6(1), 1998): each peer has a weight for each key, and the heaviest gets it. When a peer comes or goes, only
the keys that it gets or had move.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from actorkit.edge.ledger import Entry, settle
from actorkit.edge.outcome import Outcome
from actorkit.edge.send_session import Item, SendSession
from actorkit.edge.sender import Sender
from actorkit.edge.suspects import is_suspect
from actorkit.event.parcel import Parcel, Suspicion

if TYPE_CHECKING:
    from actorkit.event import Event

#: Keys whose peer is remembered, so that it is not computed for every event.
REMEMBERED: Final = 100_000


class _Keyed:
    """Stands before the entry of an event with a key: frees the key, then settles the entry."""

    __slots__ = ("entry", "key", "pending", "sender")

    def __init__(self, sender: KeyedSender, key: str, entry: Entry) -> None:
        self.sender = sender
        self.key = key
        self.entry = entry
        self.pending = 0

    def done(self) -> None:
        self.sender.acknowledged(self.key)
        settle(self.entry)

    def tell(self, outcome: Outcome) -> None:
        self.entry.tell(outcome)


def _own(entry: Entry) -> Entry:
    """The entry that stands behind a keyed one."""
    return entry.entry if isinstance(entry, _Keyed) else entry


class KeyedSender(Sender):
    """Sends events of one key to one instance.

    A key does not move while events of it are unacknowledged, so that two instances never work on one key at a time.
    Until it may move, its events wait; events of other keys go on.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Keys with unacknowledged events: the session that has them, and how many.
        self._owners: dict[str, tuple[SendSession, int]] = {}
        self._heaviest: dict[str, SendSession] = {}
        self._peers: list[SendSession] = []

    def put(self, parcel: Parcel, entry: Entry, event: Event) -> None:
        """Take an event; its key is what `Event.lookup` finds, as text."""
        entry.pending += 1
        super().put(parcel, _Keyed(self, str(event.lookup(self.peers.options.key)), entry), event)

    def acknowledged(self, key: str) -> None:
        """An event of the key is finished."""
        owner = self._owners.get(key)
        if owner is not None:
            if owner[1] == 1:
                del self._owners[key]
            else:
                self._owners[key] = (owner[0], owner[1] - 1)

    def abandon(self, item: Item, outcome: Outcome | None) -> None:
        """An event is not sent, and so no instance was given its key."""
        super().abandon((item[0], _own(item[1])), outcome)

    def lost(self, session: SendSession, died: bool = True) -> None:
        """A session is no more, and owns no key any more."""
        super().lost(session, died)
        self._owners = {key: owner for key, owner in self._owners.items() if owner[0] is not session}

    def _put_back(self, items: list[Item], before: list[bool | Suspicion], life: int) -> None:  # noqa: ARG002
        """Take events back; suspects stay among the others, for the order of their keys."""
        self._replace([*items, *self._items()])

    def _deal(self) -> None:
        items = self._items()
        self._remember_peers()
        waiting: deque[Item] = deque()
        blocked: set[str] = set()
        batches: dict[SendSession, list[Item]] = {}
        for item in items:
            entry = item[1]
            if not isinstance(entry, _Keyed):
                raise TypeError(f"{entry!r} has no key")
            session = None if entry.key in blocked else self._owner(entry.key)
            batch = batches.setdefault(session, []) if session is not None else []
            apart = is_suspect(item[0])
            if session is None or len(batch) >= session.credit or (apart and session.apart):
                blocked.add(entry.key)
                waiting.append(item)
                continue
            batch.append(item)
            session.apart = session.apart or apart
            owner = self._owners.get(entry.key)
            self._owners[entry.key] = (session, owner[1] + 1 if owner is not None else 1)
        self._replace(waiting)
        for session, batch in batches.items():
            rest = self._write_items(session, batch)
            if rest:
                self._keep(session, rest)

    def _keep(self, session: SendSession, items: list[Item]) -> None:
        """Have events wait again that were meant for a session: they are so long that its window has closed."""
        for parcel, entry in items:
            if isinstance(entry, _Keyed):
                self.acknowledged(entry.key)
            if is_suspect(parcel):
                session.apart = False
        self._replace([*items, *self._items()])

    def _remember_peers(self) -> None:
        peers = self._candidates()
        if peers != self._peers or len(self._heaviest) > REMEMBERED:
            self._peers = peers
            self._heaviest.clear()

    def _owner(self, key: str) -> SendSession | None:
        """The session that the key's next event goes to; None while it must wait."""
        chosen = self._heaviest.get(key)
        if chosen is None and self._peers:
            chosen = self._heaviest[key] = max(self._peers, key=lambda session: _weight(key, session.address))
        owner = self._owners.get(key)
        return chosen if owner is None or owner[0] is chosen else None


def _weight(key: str, address: str) -> bytes:
    return hashlib.blake2b(f"{key}\0{address}".encode(), digest_size=8).digest()
