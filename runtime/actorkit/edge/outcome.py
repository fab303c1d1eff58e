"""What became of an event, on its way up to whoever waits: an answer to whose instance no session led, or a failure.

Outcomes go the way that acknowledgements go, before the acknowledgement of the event that they belong to: so they come
to exactly the instance that waits, whatever links there are (docs/protocol.md, "Outcomes"). No sockets, no clock.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

from actorkit.errors import UNWRITABLE
from actorkit.event.context import Failure, Http
from actorkit.event.parcel import Parcel, Waiter

#: Longest failure that travels, in bytes; a longer one loses its details, its headers and the end of its message.
MAX_FAILURE_BYTES: Final = 8 << 10

#: Longest answer that travels as an outcome, in bytes: body and context together.
MAX_ANSWER_BYTES: Final = (63 << 20) + (1 << 19)

#: Outcomes that one instance remembers, in bytes, for repeats of events that are finished.
MAX_KEPT_BYTES: Final = 8 << 20

#: What a remembered outcome takes beside its content, about, in bytes.
_OVERHEAD_BYTES: Final = 512

_encode = msgspec.msgpack.Encoder().encode


class Answer(msgspec.Struct, array_like=True, tag="a", frozen=True, gc=False):
    """The answer to what `actor` asked under `key`. Its parcel has no reply_to any more."""

    actor: str
    key: bytes
    parcel: Parcel


class Failed(msgspec.Struct, array_like=True, tag="f", frozen=True):
    """Why an event failed, and what its actor wanted an HTTP client to be told with it."""

    failure: Failure
    http_status: int = 0
    reply_headers: list[tuple[str, str]] = []

    @classmethod
    def of(cls, failure: Failure, http: Http | None = None) -> Failed:
        """The outcome of an event with that failure, cut to what travels."""
        status, headers = (http.status, http.reply_headers) if http is not None else (0, [])
        shorter = msgspec.structs.replace(
            failure, kind=failure.kind[:200], message=failure.message[:2000], details={}, messages=[], code=""
        )
        for made in (cls(failure, status, headers), cls(failure), cls(shorter, status, headers), cls(shorter)):
            if _fits(made):
                return made
        return cls(msgspec.structs.replace(shorter, headers=[]))


def _fits(outcome: Failed) -> bool:
    try:
        return len(_encode(outcome)) <= MAX_FAILURE_BYTES
    except UNWRITABLE:
        return False


Outcome = Answer | Failed

#: Where an event arrived: the session, and its number there.
SessionNumber = tuple[object, int]


def answer(parcel: Parcel, actor: str, waiter: Waiter) -> Outcome:
    """The outcome that brings an answer to the one who waits at an actor; a failure where it is too long for that."""
    length = len(parcel.body) + len(parcel.context)
    if length > MAX_ANSWER_BYTES:
        return Failed.of(Failure("AnswerTooLong", f"the answer of {length} bytes is too long to be sent", 500, actor))
    parcel.reply_to = None
    return Answer(actor, waiter.key, parcel)


def size(outcome: Outcome) -> int:
    """About how long an outcome is, in bytes."""
    if type(outcome) is Answer:
        return len(outcome.parcel.body) + len(outcome.parcel.context) + _OVERHEAD_BYTES
    return _OVERHEAD_BYTES + len(_encode(outcome))


class KeptOutcomes:
    """Outcomes of events that arrived here, by the event's name; a repeat has the same ones. The oldest are forgotten
    when they take more than `limit_bytes`.

    They belong to one arrival of the event: its session, and its number there. One that failed may be tried again by
    the source from which it came; then those of the earlier arrival are forgotten with the first of the later one.
    """

    def __init__(self, limit_bytes: int = MAX_KEPT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[int, int], tuple[SessionNumber, list[Outcome]]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._kept)

    def add(self, name: tuple[int, int], outcome: Outcome, arrival: SessionNumber) -> bool:
        """Remember an outcome of an event. Returns whether it is news: one failure of an arrival is enough."""
        owner, known = self._kept.setdefault(name, (arrival, []))
        if owner != arrival:
            self._bytes -= sum(size(one) for one in known)
            del self._kept[name]
            known = []
            self._kept[name] = (arrival, known)
        if type(outcome) is Failed and any(type(one) is Failed for one in known):
            return False
        if size(outcome) > self._limit_bytes // 4:
            told = "the answer was sent once and is too long to be kept; ask again"
            outcome = Failed.of(Failure("AnswerTooLong", told, 500))
        known.append(outcome)
        self._bytes += size(outcome)
        while self._bytes > self._limit_bytes and len(self._kept) > 1:
            _, (_, old) = self._kept.popitem(last=False)
            self._bytes -= sum(size(one) for one in old)
        return True

    def of(self, name: tuple[int, int], arrival: SessionNumber) -> list[Outcome]:
        """The outcomes of an arrival of an event so far."""
        owner, known = self._kept.get(name, (arrival, []))
        return known if owner == arrival else []

    def has_failed(self, name: tuple[int, int], arrival: SessionNumber) -> bool:
        """Whether an arrival of an event has failed, as far as is remembered."""
        return any(type(one) is Failed for one in self.of(name, arrival))
