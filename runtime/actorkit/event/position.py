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
