"""How a worker's capacity is shared out over brokers and services. A calculation without a socket or a clock.

MDP knows no capacity: a registration is one slot, for one service at one broker. So that a worker never holds more
requests than it has slots, no more than `capacity` registrations are open, at least one for each *pair* of broker and
service. A pair that has none left takes over registrations that lie idle elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeAlias, TypeVar

#: A broker's address, and a service.
Pair: TypeAlias = tuple[str, bytes]

#: A registration is given away only when it has had nothing to do for this time, in seconds.
IDLE_S: Final = 0.1


class Slot(Protocol):
    """A registration, as far as this calculation knows it."""

    #: Since when it has no request; None while it has one.
    idle_since: float | None


_Slot = TypeVar("_Slot", bound=Slot)


def limit(capacity: int, pairs: int) -> int:
    """How many registrations may be open: `capacity`, but one for each pair where there are more pairs than that."""
    return max(capacity, pairs)


def to_close(pairs: Mapping[Pair, Sequence[_Slot]], capacity: int) -> list[_Slot]:
    """The idle registrations that a pair has beyond an even share: a new broker gets its share from these."""
    if not pairs:
        return []
    share = -(-limit(capacity, len(pairs)) // len(pairs))
    return [slot for slots in pairs.values() for slot in _idle(slots)[: max(0, len(slots) - share)]]


def to_open(held: Mapping[Pair, int], others: int, capacity: int) -> list[Pair]:
    """The pairs that get another registration, those with the fewest first, and each at least one.

    `others` are registrations that are not of these pairs: at brokers that are listed no more and have work to finish.
    """
    counts = dict(held)
    room = limit(capacity, len(counts)) - others - sum(counts.values())
    opened: list[Pair] = []
    while counts:
        pair = min(counts, key=counts.__getitem__)
        if room <= 0 and counts[pair]:
            break
        counts[pair] += 1
        room -= 1
        opened.append(pair)
    return opened


def to_move(
    pairs: Mapping[Pair, Sequence[_Slot]], others: Sequence[Sequence[_Slot]], now: float
) -> list[tuple[_Slot, Pair]]:
    """The registrations that are closed, each with the pair for which one is opened in its place.

    A pair whose registrations all have a request gets as many as it has, from those that have most to spare; `others`
    are the registrations of pairs that are listed no more. Who gives keeps an idle one.
    """
    spare = [idle for slots in (*pairs.values(), *others) if len(idle := _idle(slots)) > 1]
    moved: list[tuple[_Slot, Pair]] = []
    for pair, slots in pairs.items():
        if _idle(slots):
            continue
        for _ in range(max(1, len(slots))):
            donor = max(spare, key=len, default=[])
            if len(donor) < 2 or now - (donor[0].idle_since or 0.0) < IDLE_S:
                return moved
            moved.append((donor.pop(0), pair))
    return moved


def _idle(slots: Sequence[_Slot]) -> list[_Slot]:
    """The registrations without a request, the one idle for longest first."""
    return sorted((slot for slot in slots if slot.idle_since is not None), key=lambda slot: slot.idle_since or 0.0)
