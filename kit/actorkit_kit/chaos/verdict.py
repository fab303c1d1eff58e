"""The verdict: what was made, compared with what arrived."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from actorkit.deadletters.box import letters
from actorkit.errors import DeliveryLimit
from actorkit_kit.chaos.records import read_made, read_seen
from actorkit_kit.chaos.rig import Rig
from actorkit_kit.errors import KitError

NS_PER_S = 1e9


@dataclass(frozen=True)
class Verdict:
    """What came of a run.

    copies: how many arrivals an event of each source becomes; found out before the first fault.
    received: arrivals; duplicates: arrivals of an event that had arrived before, or that should not have come.
    lost: events of which an arrival is missing; failed: events that arrived as failures, or became dead letters.
    stall_s: the longest time in which nothing arrived; slowest_s: the longest way of an event.
    repeats: arrivals that a sink knew by their key, and did not store again.
    exactly_once: whether duplicates count as a mistake: no sink was killed.
    poison: events that end their process; given_up: those of them that failed, as they shall; blamed: other events that
    were given up in their place.
    """

    seed: int
    seconds: float
    sent: int
    copies: Mapping[str, int]
    received: int
    duplicates: int
    lost: int
    failed: int
    unacknowledged: int
    stall_s: float
    slowest_s: float
    faults: Mapping[str, int]
    restarts: int
    unclean: tuple[str, ...] = ()
    exactly_once: bool = True
    poison: int = 0
    given_up: int = 0
    blamed: int = 0
    repeats: int = 0
    missing: tuple[int, ...] = field(default=())

    @property
    def good(self) -> bool:
        """Whether nothing was lost, nothing came twice to a sink that was never killed, and all poison was given up
        and nothing else."""
        arrived = not self.lost and not self.unacknowledged and not (self.exactly_once and self.duplicates)
        return arrived and self.given_up == self.poison and not self.blamed


@dataclass(frozen=True)
class Count:
    """What the files of a rig say. `made`: trace → when; `origin`: trace → source; `arrivals`: trace → ((sink, id) →
    how often); `failed`: traces; `times`: trace and time of each arrival; `poison`: traces of what ends its process;
    `given_up`: traces of dead letters that were given up after too many deliveries."""

    made: Mapping[int, int]
    origin: Mapping[int, str]
    arrivals: Mapping[int, Counter[tuple[str, int]]]
    failed: frozenset[int]
    times: tuple[tuple[int, int], ...]
    poison: frozenset[int] = frozenset()
    given_up: frozenset[int] = frozenset()

    def stall_s(self) -> float:
        """The longest time between two arrivals that follow each other."""
        at = sorted(at_ns for _, at_ns in self.times)
        return max((later - sooner for sooner, later in pairwise(at)), default=0) / NS_PER_S

    def slowest_s(self) -> float:
        """The longest time between the making of an event and its last arrival."""
        return max((at_ns - self.made[trace] for trace, at_ns in self.times), default=0) / NS_PER_S


def count(rig: Rig, box: Path) -> Count:
    """Read the files; events that our sources did not make are left out."""
    made, origin = {}, {}
    for source in rig.sources:
        for event in read_made(rig.made_file(source)):
            made[event.trace], origin[event.trace] = event.at_ns, source
    arrivals: dict[int, Counter[tuple[str, int]]] = defaultdict(Counter)
    poison = {event.trace for source in rig.sources for event in read_made(rig.poison_file(source))}
    failed, given_up = set(), set()
    for letter in letters(box):
        failed.add(int(letter.trace, 16))
        if letter.failure.kind == DeliveryLimit.__name__:
            given_up.add(int(letter.trace, 16))
    failed &= made.keys()
    times = []
    for sink in rig.sinks:
        for one in read_seen(rig.seen(sink)):
            if one.trace in made:
                arrivals[one.trace][sink, one.id] += 1
                times.append((one.trace, one.at_ns))
                if one.failed:
                    failed.add(one.trace)
    return Count(made, origin, arrivals, frozenset(failed), tuple(times), frozenset(poison), frozenset(given_up))


def copies_of(found: Count) -> dict[str, int]:
    """How many arrivals an event becomes when nothing is wrong, by source.

    Raises:
        KitError: none arrives, some fail, or not all become the same.
    """
    if found.failed:
        raise KitError(
            f"{len(found.failed)} of {len(found.made)} events failed before any fault. "
            "Give them a body that the topology takes: --body FILE."
        )
    counts: dict[str, set[int]] = defaultdict(set)
    for trace, source in found.origin.items():
        counts[source].add(found.arrivals.get(trace, Counter()).total())
    for source, amounts in counts.items():
        if amounts == {0}:
            raise KitError(f'no event of "{source}" arrives at a counting sink. Say where events go: --from, --to.')
        if len(amounts) != 1:
            raise KitError(
                f'one event of "{source}" becomes {min(amounts)} arrivals, another one {max(amounts)}, before any '
                "fault: what is lost cannot be told. Choose other ends: --from, --to."
            )
    return {source: amounts.pop() for source, amounts in counts.items()}


def missing(found: Count, copies: Mapping[str, int], outside: frozenset[int] = frozenset()) -> tuple[int, ...]:
    """Traces of the events of which an arrival is missing; not those that failed, or that the outside has yet."""
    return tuple(
        trace
        for trace, source in found.origin.items()
        if trace not in found.failed and trace not in outside and len(found.arrivals.get(trace, ())) < copies[source]
    )


def duplicates(found: Count, copies: Mapping[str, int]) -> int:
    """Arrivals of what had arrived before, or of what should not have come at all."""
    total = 0
    for trace, arrived in found.arrivals.items():
        different = len(arrived) if trace in found.failed else min(len(arrived), copies[found.origin[trace]])
        total += arrived.total() - different
    return total
