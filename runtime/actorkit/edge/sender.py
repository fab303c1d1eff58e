"""The sending half of the edge protocol, without sockets: one connection, all peers behind it.

Events wait in `pending` until a peer has credit; what was sent stays in the session's ledger until it is acknowledged.
A lost session gives its unacknowledged events back, as redelivered ones, to go to another peer; those that may have
ended its peer go apart (`SuspectQueue`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Final

from actorkit.edge import choice, wire
from actorkit.edge.batch_writer import BatchWriter
from actorkit.edge.expiring import Expiring
from actorkit.edge.ledger import Entry
from actorkit.edge.outcome import answer
from actorkit.edge.peers import Peers
from actorkit.edge.send_session import Item, SendSession
from actorkit.edge.suspects import Suspect, blame, is_suspect
from actorkit.errors import UNREADABLE
from actorkit.event.parcel import Parcel, Suspicion

#: Bodies that may be under way to one peer before it has consumed them, in bytes: with longer ones the window is
#: narrower than what the peer has granted.
WINDOW_BYTES: Final = 8 << 20
#: The narrowest that it gets, in events: the inbox bounds bytes, and more of the longest ones would not fit.
MIN_WINDOW: Final = 1


class Sender(Expiring):
    """The state of one connection as its sender sees it.

    `ordinal` is the connection's place among those of its outbox; `busy` tells whether the instance has something
    unfinished.

    Attributes:
        frames: (session, frame) to send.
        writer: makes the frames with events.
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
        max_acked_above: int = wire.MAX_ACKED_ABOVE,
    ) -> None:
        super().__init__(actor)
        self.outbox = outbox
        self.peers = peers
        self.frames: list[tuple[SendSession, bytes | bytearray]] = []
        self.writer = BatchWriter()
        #: Whether a peer is about to stop, and may be told Bye as soon as it owes nothing.
        self._parting = False
        #: Whether this instance is about to stop. Then it may use peers that are about to stop as well.
        self.draining = False
        #: Whether nothing more will be sent but what is sent again.
        self.at_end = False
        self._busy = busy
        self._max_acked_above = max_acked_above
        self._hello = wire.encode(
            wire.Hello(wire.VERSION, topology, actor, instance, outbox, peers.inbox, peers.options.window)
        )
        connection = f"{topology}\0{actor}\0{outbox}\0{ordinal}\0{peers.inbox}"
        #: Goes into the ids of events sent here, so that they are the same in every instance and run.
        self.salt = int.from_bytes(hashlib.blake2b(connection.encode(), digest_size=7).digest(), "big")

    def open(self, address: str) -> SendSession:
        """Begin a session with the peer at that address."""
        session = self.sessions[address] = SendSession(
            address, self.shared_entry, self._max_acked_above, self._finished
        )
        self.frames.append((session, self._hello))
        return session

    def share_entry(self, entry: Entry) -> None:
        """Let one entry wait for all events here, if there are none yet, until another one does as well."""
        if self.idle:
            self.shared_entry = entry
            for session in self.sessions.values():
                session.shared_entry = entry

    def _unshare(self, shared: Entry) -> None:
        super()._unshare(shared)
        for session in self.sessions.values():
            session.unshare()

    def on_frame(self, session: SendSession, frame: bytes) -> str:
        """Take one message of a peer. Returns why the session must be given up, or "" when all is well."""
        try:
            message = wire.decode_from_receiver(frame)
        except UNREADABLE:
            return "the peer does not speak this protocol"
        if type(message) is wire.Ack:
            session.acknowledge(message)
        elif type(message) is wire.Outcomes:
            for number, outcome in message.numbered:
                session.tell(number, outcome)
        elif type(message) is wire.Welcome:
            if message.version != wire.VERSION or message.window < 1:
                return f"the peer speaks version {message.version}, not {wire.VERSION}"
            if session.instance:
                return "the peer welcomes a session that stands already"
            if self.destination and message.actor != self.destination:
                return f'the peer is "{message.actor:.200}", not "{self.destination}"'
            session.instance, session.life = message.instance, message.life
            if self.suspects:
                self._replace([*self.suspects.clear_life(message.life), *self._items()])
            # No more than was asked for: a peer that grants a huge window would else be given the whole stream.
            session.window = session.granted = min(message.window, self.peers.options.window)
            self.destination = message.actor
        elif type(message) is wire.Begin:
            if session.begin(message):
                self.frames.append((session, wire.encode(wire.Go(message.number))))
        elif type(message) is wire.End:
            session.fate = message
        elif type(message) is wire.Drain:
            session.draining = self._parting = True
            if not session.bye:
                stay = wire.Stay(self.draining and self._busy(), self.draining and not self.at_end)
                self.frames.append((session, wire.encode(stay)))
        else:
            self.refusals += 1
            session.turned_away = message.is_for_want_of_room
            return f"the peer refuses: {message.reason}"
        return ""

    def lost(self, session: SendSession, died: bool = True) -> None:
        """A session is no more: what it had not acknowledged goes back to the front, in order, as redelivered. Where
        its peer has died, as far as is known, some of that may be why."""
        if self.sessions.get(session.address) is session:
            del self.sessions[session.address]
        self.reconnects += 1
        before = blame(session, died)
        self.dates.update((parcel.id, since) for parcel, since in session.with_dates() if since != inf)
        items = session.take_back()
        self.sent -= len(items)
        self.redelivered = self.redelivered or bool(items)
        self.has_answers = self.has_replies
        self._put_back(items, before, session.life)

    def _put_back(self, items: list[Item], before: list[bool | Suspicion], life: int) -> None:
        """Take events back from the peer of that life; `before` has the marks that they had when they were sent."""
        others: list[Item] = []
        suspects: list[Suspect] = []
        for item, mark in zip(items, before, strict=True):
            parcel = item[0]
            if is_suspect(parcel) and not (parcel.reply_to and self.destination in parcel.reply_to):
                suspects.append((item, life, mark))
            else:
                others.append(item)
        self.suspects.put(suspects)
        self._replace([*others, *self._items()])

    @property
    def leads_to(self) -> str:
        """The actor at the other end, also where no peer has told its name yet: what the outbox is named after, if
        nothing else is said."""
        return self.destination or self.peers.actor or self.outbox

    def follow(self, addresses: Iterable[str]) -> set[str]:
        """Note which addresses stand behind the connection now. Returns the addresses that have no session yet."""
        listed = set(addresses)
        for address, session in self.sessions.items():
            session.listed = address in listed
        return listed - self.sessions.keys()

    def dispatch(self, now: float) -> None:
        """Give pending events to the peers that have credit, and write them into `frames`."""
        self._now = now
        if self._finished:
            self.finish_times.take(self._finished, now)
        if self.has_replies and (self.pending or self.suspects):
            self._sweep(now)
            if self.has_answers and self.destination:
                self._replace(self.replies.sort_out(self._items(), self.destination))
                self.has_answers = False
        if self.replies:
            self._send_replies()
        if self.suspects:
            self._deal_suspects()
        if self.pending and not self.suspects:
            self._deal()
        if self.pending:
            self._date_rest()
        if self.dates and not self.suspects and not self.replies:
            self.dates.clear()
        if self._parting:
            staying = [session for session in self.sessions.values() if session.draining and not session.bye]
            for session in staying:
                self._part(session)
            self._parting = bool(staying)

    def _deal_suspects(self) -> None:
        """Each peer has one suspect at a time."""
        while self.suspects:
            session = self._choose()
            if session is None or session.apart:
                return
            if self.pending and self.suspects.gives_way():
                self._deal_batch()
                continue
            session.apart = True
            self._write_items(session, [self.suspects.take()])

    def _deal(self) -> None:
        while self.pending and self._deal_batch():
            pass

    def _deal_batch(self) -> bool:
        """Give the first of the pending events to the peer with most credit; False where none can take them."""
        session = self._choose()
        if session is None or (session.apart and (session.alone or not session.begun)):
            # Behind a suspect nothing would be consumed: it waits here, where another peer may come.
            return False
        count = min(session.credit, self.writer.most, len(self.pending))
        parcels, entries = self._take(count)
        written = self._write(session, parcels, entries)
        if written < count:
            self.pending.extendleft(reversed(parcels[written:]))
            self.entries.extendleft(reversed(entries[written:]))
        self._date_given(session, parcels[written - 1], written)
        if len(self.sessions) > 1:
            # Sessions with equal credit are given batches one after the other: this one goes to the end.
            self.sessions[session.address] = self.sessions.pop(session.address)
        return True

    def _write(self, session: SendSession, parcels: list[Parcel], entries: list[Entry]) -> int:
        """Make one frame of events; several when it gets too long, and smaller batches from then on. Returns how many
        were written: not all where they are so long that the window closes. `entries` is empty where one entry waits
        for all."""
        redelivered = self.redelivered and any(parcel.redelivered for parcel in parcels)
        now_ms = None
        if self.has_replies and (parcels[0].reply_to or any(parcel.reply_to for parcel in parcels)):
            now_ms = int(self._now * 1000)
        frame = self.writer.write(session.sent + 1, parcels, redelivered, now_ms)
        if frame is None:
            half = len(parcels) // 2
            written = self._write(session, parcels[:half], entries[:half])
            room = session.credit if written == half else 0
            if room > 0:
                written += self._write(session, parcels[half : half + room], entries[half : half + room])
            return written
        session.enter(parcels, entries)
        self.sent += len(parcels)
        self.bytes += len(frame)
        session.window = min(session.granted, max(MIN_WINDOW, WINDOW_BYTES // self.writer.mean_bytes))
        self.frames.append((session, frame))
        return len(parcels)

    def reuse(self, frame: bytes | bytearray) -> None:
        """A frame has been sent, and nobody reads it any more."""
        self.writer.reuse(frame)

    def typical_bytes(self) -> int:
        """About how many bytes an event has: the mean of the last batch or of the last waiting ones, the larger one."""
        return max(self.writer.mean_bytes, self.mean_body_bytes())

    def _write_items(self, session: SendSession, items: list[Item]) -> list[Item]:
        """Make frames of events that come with their entries; see `_write`. Returns those that have no credit."""
        start = 0
        while start < len(items) and session.credit > 0:
            some = items[start : start + min(wire.MAX_BATCH, session.credit)]
            entries = [entry for _, entry in some] if self.shared_entry is None else []
            written = self._write(session, [parcel for parcel, _ in some], entries)
            self._date_items(session, [parcel for parcel, _ in some[:written]])
            start += written
        return items[start:]

    def _choose(self) -> SendSession | None:
        return choice.most_credit(self._candidates())

    def _candidates(self) -> list[SendSession]:
        return choice.candidates(self.sessions.values(), self.draining)

    def _send_replies(self) -> None:
        """Answers go to the very instance that waits for them. What no session leads there goes up with the
        acknowledgements, as they come to that instance whatever links there are."""
        sessions = {
            session.instance: session for session in self.sessions.values() if session.instance and not session.bye
        }
        ready, astray = self.replies.take({name: session.credit for name, session in sessions.items()})
        for waiter, item in astray:
            self.abandon(item, answer(item[0], self.destination, waiter))
        for instance, items in ready.items():
            rest = self._write_items(sessions[instance], items)
            self.replies.sort_out(rest, self.destination)
        for parcel in self.replies.parcels:  # Mostly none.
            self.dates.setdefault(parcel.id, self._now)

    def give_up(self, keys: Sequence[bytes]) -> None:
        """Withdraw what was asked under these keys, here and at all who may have got it."""
        self.withdraw(*keys)
        message = wire.encode(wire.Withdraw(list(keys)))
        self.frames += [(one, message) for one in self.sessions.values() if one.instance and not one.bye]

    def _part(self, session: SendSession) -> None:
        """Say Bye to a draining peer that owes us nothing, when there is another one to send to."""
        if not session.unacked and choice.is_another(self.sessions.values()):
            session.bye = True
            self.frames.append((session, wire.encode(wire.Bye())))

    def say_bye(self) -> None:
        """The end of this instance: tell every peer that owes nothing."""
        for session in self.sessions.values():
            if not session.bye and not session.unacked:
                session.bye = True
                self.frames.append((session, wire.encode(wire.Bye())))

    def end(self, at_end: bool) -> None:
        """Whether this instance makes nothing more; its peers are told when that changes, and again after a Batch."""
        self.at_end = at_end = at_end and not self.backlog
        for session in self.sessions.values():
            ended_at = session.sent if at_end else -1
            if session.ended_at != ended_at and not session.bye:
                session.ended_at = ended_at
                stay = wire.Stay(self.draining and self._busy(), not at_end)
                self.frames.append((session, wire.encode(stay)))

    @property
    def has_work(self) -> bool:
        """Whether there is anything for `dispatch` to do, or to send."""
        there = self.pending or self.frames or self._finished or self._parting or self.suspects or self.replies
        return bool(there)
