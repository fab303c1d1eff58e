"""How a worker's capacity is shared out over brokers and services. A calculation without a socket or a clock.

MDP knows no capacity: a registration is one place, for one service at one broker. So that a worker never holds more
requests than it has places, no more than `capacity` registrations are open, at least one for each *pair* of broker and
service. A pair that has none left takes over registrations that lie idle elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeAlias, TypeVar

#: A broker's address, and a service.
Pair: TypeAlias = tuple[str, bytes]

#: A registration is given away only when it has had nothing to do for this time, in seconds.
IDLE_S: Final = 0.1


class Place(Protocol):
    """A registration, as far as it is counted here."""

    #: Since when it has no request; None while it has one.
    idle_since: float | None


_Place = TypeVar("_Place", bound=Place)


def limit(capacity: int, pairs: int) -> int:
    """Return how many registrations may be open: one for each pair, though these be more than the capacity."""
    return max(capacity, pairs)


def to_close(pairs: Mapping[Pair, Sequence[_Place]], capacity: int) -> list[_Place]:
    """Return idle registrations of pairs that have more than an even share: what a new broker gets its share from."""
    if not pairs:
        return []
    share = -(-limit(capacity, len(pairs)) // len(pairs))
    return [place for places in pairs.values() for place in _idle(places)[: max(0, len(places) - share)]]


def to_open(held: Mapping[Pair, int], others: int, capacity: int) -> list[Pair]:
    """Return the pairs that get another registration, those with the fewest first, and each at least one.

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
    pairs: Mapping[Pair, Sequence[_Place]], others: Sequence[Sequence[_Place]], now: float
) -> list[tuple[_Place, Pair]]:
    """Return which registrations are closed, and for which pair one is opened in its place.

    A pair whose registrations all have a request gets as many as it has, from those that have most to spare; `others`
    are the registrations of pairs that are listed no more. Who gives keeps an idle one.
    """
    spare = [idle for places in (*pairs.values(), *others) if len(idle := _idle(places)) > 1]
    moved: list[tuple[_Place, Pair]] = []
    for pair, places in pairs.items():
        if _idle(places):
            continue
        for _ in range(max(1, len(places))):
            donor = max(spare, key=len, default=[])
            if len(donor) < 2 or now - (donor[0].idle_since or 0.0) < IDLE_S:
                return moved
            moved.append((donor.pop(0), pair))
    return moved


def _idle(places: Sequence[_Place]) -> list[_Place]:
    """Return those without a request, longest idle first."""
    return sorted(
        (place for place in places if place.idle_since is not None), key=lambda place: place.idle_since or 0.0
    )
