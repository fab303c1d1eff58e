"""Where an event stands in the outside that it came from, and the name that follows from that."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from actorkit.errors import UnsendableData
from actorkit.event.context import Failure
from actorkit.event.ids import MASK

#: Bytes of a name: 8 of the event's id, 8 of its trace.
NAME_BYTES: Final = 16


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where the outside has an event: in which stream, and where there.

    `stream` names a file, a topic with its partition, a table, a queue. `at` is a number where the stream is ordered
    (an offset, a line, a row's id), or a text where it is not (a file's name, a message's id). The same position is the
    same event, also years later: a number that the outside gives anew, as a channel's delivery tag, is none.
    """

    stream: str
    at: int | str

    def __str__(self) -> str:
        return f"{self.stream}@{self.at}"


class Placed(msgspec.Struct, frozen=True, gc=False):
    """The position of an event of which more is known: the trace that follows from it, once it is sent, and whether it
    may have been sent before."""

    position: Position
    trace: int = 0
    redelivered: bool = False


#: What an event knows of its place: nothing or its trace as a number, or where the outside has it.
Place = Position | Placed | int | None


def position_of(place: Place) -> Position | None:
    """The position, where there is one."""
    return place.position if type(place) is Placed else place if type(place) is Position else None


def trace_of(place: Place) -> int:
    """The trace, where it is known; else 0."""
    return place.trace if type(place) is Placed else place if type(place) is int else 0


def is_marked(place: Place) -> bool:
    """Whether the event may have been sent before."""
    return type(place) is Placed and place.redelivered


def mark(place: Place, redelivered: bool) -> Placed:
    """The place of an event that the outside says to have given before.

    Raises:
        ValueError: it has no position, and so no name by which that could be recognised.
    """
    position = position_of(place)
    if position is None:
        raise ValueError("only an event that has a position can be marked as redelivered")
    return Placed(position, 0, redelivered)


class Settlement(msgspec.Struct, frozen=True):
    """What became of an event of a source: done, with all that it became, or failed.

    `failure` is the first failure of the event or of one that it became; None where nothing failed.
    """

    position: Position
    failure: Failure | None = None

    @property
    def failed(self) -> bool:
        """Whether it failed, or something that it became."""
        return self.failure is not None


class Namer:
    """Gives the events of one actor of one topology the names that follow from their positions: the same in every
    instance and in every life of it."""

    def __init__(self, topology: str, actor: str) -> None:
        self._begun = hashlib.blake2b(_bytes_of(topology, actor), digest_size=NAME_BYTES, person=b"actorkit event")

    def name(self, position: Position) -> tuple[int, int]:
        """The id and the trace of the event at that position.

        Raises:
            UnsendableData: it is no position.
        """
        stream, at = position.stream, position.at
        if type(stream) is not str or type(at) not in (int, str):
            raise UnsendableData(
                f"{position!r} names no event: its stream has to be a text, and `at` a whole number or a text"
            )
        kind = "i" if type(at) is int else "t"
        digest = self._begun.copy()
        digest.update(_bytes_of(stream, kind, str(at)))
        number = int.from_bytes(digest.digest(), "big")
        return number >> 64, number & MASK or 1  # On the wire 0 says that the trace is the id.


def _bytes_of(*parts: str) -> bytes:
    """Texts as bytes that no others become; also the names of files that are no UTF-8."""
    return "".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")
