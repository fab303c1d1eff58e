"""The sending half of the edge protocol, without sockets: one connection, all peers behind it.

Events wait in `pending` until a peer has credit; what was sent stays in the link's ledger until it is acknowledged. A
lost link gives its unacknowledged events back, marked as redelivered, to go to another peer.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice, repeat
from typing import TYPE_CHECKING, Final, TypeVar

from actorkit import wire
from actorkit.errors import UNREADABLE
from actorkit.homing import Homing
from actorkit.ledger import Entry, settle
from actorkit.link import Item, Link
from actorkit.settings import Peers

if TYPE_CHECKING:
    from actorkit.event import Event

T = TypeVar("T")

#: Bodies that may be under way to one peer before it has consumed them, in bytes: with longer ones the window is
#: narrower than what the peer has granted.
WINDOW_BYTES: Final = 8 << 20
#: The narrowest that it gets, in events.
MIN_WINDOW: Final = 16

#: So many frames are kept to be written over.
MAX_SPARE: Final = 8

#: So many waiting events are looked at to tell how long they are.
SAMPLE: Final = 16


class Sender:
    """The state of one connection as its sender sees it.

    `ordinal` is the connection's place among those of its outbox; `busy` tells whether the instance has something
    unfinished.

    Attributes:
        pending: events that no peer has been given yet; their entries are in `entries`.
        sole: the one entry that waits for all events here, where there is only one. `entries` is empty then.
        frames: (link, frame) to send.
        destination: the actor at the other end, known from the first Welcome.
    """

    def __init__(
        self,
        topology: str,
        actor: str,
        instance: str,
        outbox: str,
        peers: Peers,
        ordinal: int = 0,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self.outbox = outbox
        self.peers = peers
        self.pending: deque[wire.Parcel] = deque()
        self.entries: deque[Entry] = deque()
        self.sole: Entry | None = None
        #: What must go to one certain instance.
        self.homing = Homing()
        #: Whether any event here was ever to go to one certain instance; most connections never see one.
        self.homeward = False
        #: Whether any event here was ever marked as redelivered; most connections never see one.
        self.marked = False
        self.links: dict[str, Link] = {}
        self.frames: list[tuple[Link, bytes | bytearray]] = []
        #: Frames that were sent, to be written over.
        self._spare: list[bytearray] = []
        self.destination = ""
        #: Whether this instance is about to stop. Then it may use peers that are about to stop as well.
        self.draining = False
        self._busy = busy
        #: Events sent; one that is sent again counts once.
        self.sent = 0
        #: Length of the events of the last batch, on average.
        self.mean_bytes = 0
        #: The largest batch at present: small at first, and where bodies are long.
        self._batch = 8
        self.dropped: dict[str, int] = {}
        self.reconnects = 0
        self.refusals = 0
        self._hello = wire.encode(
            wire.Hello(wire.VERSION, topology, actor, instance, outbox, peers.inbox, peers.options.window)
        )
        place = f"{topology}\0{actor}\0{outbox}\0{ordinal}\0{peers.inbox}"
        #: Goes into the ids of events sent here, so that they are the same in every instance and run.
        self.salt = int.from_bytes(hashlib.blake2b(place.encode(), digest_size=7).digest(), "big")

    def open(self, address: str) -> Link:
        """Begin a session with the peer at that address."""
        link = self.links[address] = Link(address, self.sole)
        self.frames.append((link, self._hello))
        return link

    def put(self, parcel: wire.Parcel, entry: Entry, event: Event) -> None:  # noqa: ARG002  # for the keyed kind
        """Take an event; `entry` waits for it from now on. `event` is what the parcel was made of."""
        entry.pending += 1
        if self.sole is not entry:
            if self.sole is not None:
                self._share()
            self.entries.append(entry)
        self.pending.append(parcel)
        if parcel.homes:
            self.homeward = True
        if parcel.redelivered:
            self.marked = True

    def put_all(self, parcels: Sequence[wire.Parcel], entries: Sequence[Entry], special: bool) -> None:
        """Take events, each with the entry that waits for it already. `special`: some have homes, or are marked."""
        if self.sole is not None:
            self._share()
        self.entries.extend(entries)
        self.pending.extend(parcels)
        if special:
            self.homeward = self.homeward or any(parcel.homes for parcel in parcels)
            self.marked = self.marked or any(parcel.redelivered for parcel in parcels)

    def claim(self, entry: Entry) -> None:
        """Let one entry wait for all events here, if there are none yet, until another one does as well."""
        if self.idle:
            self.sole = entry
            for link in self.links.values():
                link.sole = entry

    def _share(self) -> None:
        """Another entry than the only one so far waits for events: from now on each has its own."""
        if self.sole is not None:
            self.entries.extend(repeat(self.sole, len(self.pending)))
            self.sole = None
            for link in self.links.values():
                link.share()

    def on_frame(self, link: Link, frame: bytes) -> str:
        """Take one message of a peer. Returns why the link must be given up, or "" when all is well."""
        try:
            message = wire.decode_from_receiver(frame)
        except UNREADABLE:
            return "the peer does not speak this protocol"
        if type(message) is wire.Ack:
            link.acknowledge(message)
        elif type(message) is wire.Welcome:
            if message.version != wire.VERSION or message.window < 1:
                return f"the peer speaks version {message.version}, not {wire.VERSION}"
            link.instance = message.instance
            link.window = link.granted = message.window
            self.destination = message.actor
        elif type(message) is wire.Drain:
            link.draining = True
            if self.draining and self._busy():
                self.frames.append((link, wire.encode(wire.Stay())))
        else:
            self.refusals += 1
            return f"the peer refuses: {message.reason}"
        return ""

    def lost(self, link: Link) -> None:
        """A link is no more: what it had not acknowledged goes back to the front, in order, as redelivered."""
        if self.links.get(link.address) is link:
            del self.links[link.address]
        self.reconnects += 1
        items = link.take_back()
        self.sent -= len(items)
        for parcel, _ in items:
            parcel.redelivered = self.marked = True
        self._replace([*items, *self._items()])

    def _items(self) -> list[Item]:
        """What is pending, each with its entry."""
        return list(zip(self.pending, self.entries if self.sole is None else repeat(self.sole), strict=False))

    def _replace(self, items: Iterable[Item]) -> None:
        """Have these pending instead."""
        pairs = list(items)
        self.pending.clear()
        self.pending.extend(parcel for parcel, _ in pairs)
        if self.sole is None:
            self.entries.clear()
            self.entries.extend(entry for _, entry in pairs)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count events that go nowhere."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count

    def follow(self, addresses: Iterable[str]) -> set[str]:
        """Note which addresses stand behind the connection now; returns those that have no link yet."""
        listed = set(addresses)
        for address, link in self.links.items():
            link.listed = address in listed
        return listed - self.links.keys()

    def dispatch(self, now: float) -> None:
        """Give pending events to the peers that have credit, and write them into `frames`."""
        if self.homeward and self.pending:
            self._replace(self.homing.sort_out(self._items(), self.destination))
        if self.homing:
            self._send_home(now)
        if self.pending:
            self._deal()
        for link in self.links.values():
            if link.draining and not link.bye:
                self._part(link)

    def _deal(self) -> None:
        pending = self.pending
        while pending:
            link = self._choose()
            if link is None:
                break
            count = min(link.room, self._batch, len(pending))
            self._write(link, _take(pending, count), _take(self.entries, count) if self.sole is None else [])
            if len(self.links) > 1:
                # Among equals it is the next one's turn.
                self.links[link.address] = self.links.pop(link.address)

    def _write(self, link: Link, parcels: list[wire.Parcel], entries: list[Entry]) -> None:
        """Make one frame of events; two when it gets too long, and smaller batches from then on. `entries` is empty
        where one entry waits for all."""
        marked = self.marked and any(parcel.redelivered for parcel in parcels)
        frame = self._spare.pop() if self._spare else bytearray()
        wire.encode_into(wire.Outgoing(link.sent + 1, parcels, marked), frame)
        if len(frame) > wire.MAX_BATCH_BYTES and len(parcels) > 1:
            half = len(parcels) // 2
            self._batch = half
            self._write(link, parcels[:half], entries[:half])
            self._write(link, parcels[half:], entries[half:])
            return
        if self._batch < wire.MAX_BATCH and len(frame) * 4 < wire.MAX_BATCH_BYTES:
            self._batch *= 2
        link.enter(parcels, entries)
        self.sent += len(parcels)
        self.mean_bytes = len(frame) // len(parcels)
        link.window = min(link.granted, max(MIN_WINDOW, WINDOW_BYTES // self.mean_bytes))
        self.frames.append((link, frame))

    def reuse(self, frame: bytes | bytearray) -> None:
        """A frame has been sent, and nobody reads it any more."""
        if type(frame) is bytearray and len(self._spare) < MAX_SPARE and len(frame) <= wire.MAX_BATCH_BYTES:
            self._spare.append(frame)

    def _write_items(self, link: Link, items: list[Item]) -> None:
        """As `_write`, for events with their entries."""
        entries = [entry for _, entry in items] if self.sole is None else []
        self._write(link, [parcel for parcel, _ in items], entries)

    def _choose(self) -> Link | None:
        """The link with most room, if that is any."""
        best: Link | None = None
        for link in self._candidates():
            if best is None or link.room > best.room:
                best = link
        return best if best is not None and best.room > 0 else None

    def _candidates(self) -> list[Link]:
        """The links that new events may go to: one that is not listed, and at the end one that drains, only where
        there is no other at all."""
        best: list[Link] = []
        rank = 0
        for link in self.links.values():
            if link.bye or not link.instance or (link.draining and not self.draining):
                continue
            worth = 1 if link.draining else 2 if not link.listed else 3
            if worth > rank:
                best, rank = [link], worth
            elif worth == rank:
                best.append(link)
        return best

    def _send_home(self, now: float) -> None:
        """Answers go to the very instance that waits for them; one that is gone has nobody waiting any more."""
        links = {link.instance: link for link in self.links.values() if link.instance and not link.bye}
        ready, gone = self.homing.take({name: link.room for name, link in links.items()}, now)
        for item in gone:
            self.drop("home-gone")
            settle(item[1])
        for instance, items in ready.items():
            for start in range(0, len(items), wire.MAX_BATCH):
                self._write_items(links[instance], items[start : start + wire.MAX_BATCH])

    def _part(self, link: Link) -> None:
        """Say Bye to a draining peer that owes us nothing, when there is another one to send to."""
        elsewhere = any(
            other.instance and other.listed and not other.draining and not other.bye for other in self.links.values()
        )
        if elsewhere and not link.unacked:
            link.bye = True
            self.frames.append((link, wire.encode(wire.Bye())))

    def say_bye(self) -> None:
        """The end of this instance: tell every peer that owes nothing."""
        for link in self.links.values():
            if not link.bye and not link.unacked:
                link.bye = True
                self.frames.append((link, wire.encode(wire.Bye())))

    def typical_bytes(self) -> int:
        """About how long an event is: those of the last batch, or the last ones that wait, if those are longer."""
        waiting = min(len(self.pending), SAMPLE)
        if not waiting:
            return self.mean_bytes
        latest = islice(reversed(self.pending), waiting)
        return max(self.mean_bytes, sum(len(parcel.body) for parcel in latest) // waiting)

    @property
    def in_flight(self) -> int:
        """Events sent and not acknowledged."""
        return sum(link.unacked for link in self.links.values())

    @property
    def backlog(self) -> int:
        """Events that wait for a peer with credit."""
        return len(self.pending) + len(self.homing)

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self.pending and not self.homing and not self.in_flight

    @property
    def connected(self) -> int:
        """How many peers can be given events."""
        return sum(1 for link in self.links.values() if link.instance and not link.bye)


def _take(queue: deque[T], count: int) -> list[T]:
    """The first `count`; all at once where that is all there are."""
    if count == len(queue):
        taken = list(queue)
        queue.clear()
        return taken
    take = queue.popleft
    return [take() for _ in repeat(None, count)]
