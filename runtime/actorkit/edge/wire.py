"""The messages of an edge, as `docs/protocol.md` specifies them: one ZeroMQ frame each, msgpack arrays.

A sender's DEALER says Hello, Batch, Go, Withdraw, Bye and Stay; a receiver's ROUTER says Welcome, Ack, Begin, End,
Drain and Refuse. The first element of an array is the letter that names the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol, final

import msgspec

from actorkit.edge.outcome import Outcome
from actorkit.event.parcel import Parcel

#: Version of the protocol; a peer of another one is refused.
VERSION: Final = 2

#: Longest message that a socket takes, in bytes; a peer that sends a longer one is disconnected.
MAX_MESSAGE_BYTES: Final = 64 << 20

#: A batch is closed after this many events, or when its bodies reach this many bytes.
MAX_BATCH: Final = 512
MAX_BATCH_BYTES: Final = 1 << 20

#: The first word of a Refuse that only tells that there is no room at the moment.
NO_ROOM: Final = frozenset({"full", "crowded"})

#: The widest window, in events: a receiver grants no more, whatever it is asked for.
MAX_WINDOW: Final = 65_536

#: The longest name of an actor, an instance or a box in a Hello, in characters.
MAX_NAME: Final = 200

#: How many events may be acknowledged above one that is not. With more, that one becomes a straggler: both ends keep it
#: apart, so that the ack floor can pass it and the session can go on.
MAX_ACKED_ABOVE: Final = 1024

#: Longest word about how an instance ended, in characters, and how many of them an event keeps.
MAX_WAY: Final = 200
MAX_WAYS: Final = 8


class _Hidden:
    """A type that nothing on the wire decodes to: a field of it is the receiver's own."""


class Session(Protocol):
    """The session in which events arrived, as the events and their repeats know it."""

    def close(self, parcels: Sequence[Delivery]) -> None: ...

    def pass_on(self, parcel: Delivery, outcome: Outcome) -> None: ...

    def tell(self, number: int, outcome: Outcome) -> None: ...

    def finish(self, number: int) -> None: ...

    def is_finished(self, number: int) -> bool: ...


class Delivery(Parcel, array_like=True, gc=False):
    """A parcel at its receiver, and the ledger's entry for it: one object, as there is one for every event.

    `pending` counts what the event waits for after its consume: events that it became, handles held. `session` is None
    until consume has ended; `early` holds what became of the event before that. `ordinal` counts the events made of it.
    """

    if TYPE_CHECKING:
        pending: int = 0
        ordinal: int = 0
        number: int = 0
        session: Session | None = None
        early: list[Outcome] | None = None
    else:
        pending: _Hidden = 0
        ordinal: _Hidden = 0
        number: _Hidden = 0
        session: _Hidden = None
        early: _Hidden = None

    def done(self) -> None:
        """Nothing is pending any more. While consume runs, that means nothing yet."""
        if self.session is not None:
            self.session.close((self,))

    def tell(self, outcome: Outcome) -> None:
        """Have an outcome of this event, or of one that it became, told upstream before it is finished."""
        if self.session is not None:
            self.session.pass_on(self, outcome)
        elif self.early is None:
            self.early = [outcome]
            self.pending += 1  # It waits until consume has ended; then `tell_early` passes it on.
        else:
            self.early.append(outcome)

    def tell_early(self) -> None:
        """Consume has ended, and session and number are known: pass on what was told before."""
        early, self.early = self.early, None
        for outcome in early or ():
            self.tell(outcome)
        self.pending -= 1
        if not self.pending:
            self.done()


@final
class Hello(msgspec.Struct, array_like=True, tag="H", frozen=True):
    """First message of a session: who sends, into which inbox, and how much it would like to have under way."""

    version: int
    topology: str
    actor: str
    instance: str
    outbox: str
    inbox: str
    window: int


@final
class Batch(msgspec.Struct, array_like=True, tag="B", frozen=True, gc=False):
    """Events with the consecutive numbers `first`, `first + 1`, …; the numbers of a session begin at 1.

    `redelivered` tells whether any of them is. `now_ms` is there when somebody waits for any of them: what the sender's
    clock shows, as all deadlines of the batch are times of that clock.
    """

    first: int
    parcels: list[Delivery]
    redelivered: bool = False
    now_ms: int | None = None


class Outgoing(msgspec.Struct, array_like=True, tag="B", frozen=True, gc=False):
    """A Batch as its sender writes it."""

    first: int
    parcels: list[Parcel]
    redelivered: bool = False


@final
class Go(msgspec.Struct, array_like=True, tag="G", frozen=True):
    """The sender has noted that the suspect of that number is begun: now it may be consumed."""

    number: int


class OutgoingRequests(msgspec.Struct, array_like=True, tag="B", frozen=True, gc=False):
    """A Batch as its sender writes it when somebody waits for an event in it."""

    first: int
    parcels: list[Parcel]
    redelivered: bool
    now_ms: int


@final
class Bye(msgspec.Struct, array_like=True, tag="Y", frozen=True):
    """The sender has nothing unacknowledged in this session and will send nothing more."""


@final
class Stay(msgspec.Struct, array_like=True, tag="S", frozen=True):
    """Answer to Drain, said anew when it has changed.

    `needed`: the sender is about to stop as well, is not finished, and may still need the receiver. `sends`: it may
    send more than what it sends again.
    """

    needed: bool = True
    sends: bool = True


@final
class Withdraw(msgspec.Struct, array_like=True, tag="X", frozen=True):
    """Nobody waits any more for what was asked under these keys, though their deadlines are not over."""

    keys: list[bytes]


@final
class Welcome(msgspec.Struct, array_like=True, tag="W", frozen=True):
    """The session stands; at most `window` events may be sent and not yet consumed. `life` is another one for each
    process, also where an instance has the name of one that is no more."""

    version: int
    actor: str
    instance: str
    window: int
    life: int = 0


@final
class Ack(msgspec.Struct, array_like=True, tag="A", frozen=True):
    """`consumed` events of the session have been consumed (credit); all numbers up to `ack_floor`, and those in
    `acked_above`, are finished with everything they became."""

    consumed: int
    ack_floor: int
    acked_above: list[int] = []


@final
class Begin(msgspec.Struct, array_like=True, tag="Q", frozen=True):
    """The receiver is about to consume the suspect of that number, when it hears Go; 0: no suspect of the session is
    being consumed. `alone` tells whether it consumes nothing else meanwhile."""

    number: int
    alone: bool = False


@final
class End(msgspec.Struct, array_like=True, tag="E", frozen=True):
    """The receiver's process ends, and `way` tells how; `number` is the event of this session that ends it, 0 when it
    is none of them."""

    number: int
    way: str


@final
class Outcomes(msgspec.Struct, array_like=True, tag="O", frozen=True):
    """What became of events that are not acknowledged yet, as (number, outcome)."""

    numbered: list[tuple[int, Outcome]]


@final
class Drain(msgspec.Struct, array_like=True, tag="D", frozen=True):
    """The receiver is about to stop: send elsewhere if there is an elsewhere, and say Bye."""


@final
class Refuse(msgspec.Struct, array_like=True, tag="R", frozen=True):
    """The receiver will have no session with this sender; `reason` is a word and, after a colon, a text for people."""

    reason: str

    @property
    def is_for_want_of_room(self) -> bool:
        """Whether nothing is wrong with the sender: it is let in as soon as there is room."""
        return self.reason.partition(":")[0] in NO_ROOM


FromSender = Hello | Batch | Go | Bye | Stay | Withdraw
FromReceiver = Welcome | Ack | Outcomes | Begin | End | Drain | Refuse

_encoder: Final = msgspec.msgpack.Encoder()
encode: Final = _encoder.encode
#: (message, buffer): writes the message over what the buffer held. A buffer that is large already needs no growing,
#: which costs a long frame more than its writing does.
encode_into: Final = _encoder.encode_into
decode_from_sender: Final = msgspec.msgpack.Decoder(FromSender).decode
decode_from_receiver: Final = msgspec.msgpack.Decoder(FromReceiver).decode
