"""The verdict: what was made, compared with what arrived."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actorkit.dead_letters import letters
from actorkit_kit.chaos.records import Seen, read_made, read_seen
from actorkit_kit.chaos.rig import Rig
from actorkit_kit.errors import KitError

NS_PER_S = 1e9


@dataclass(frozen=True)
class Verdict:
    """What came of a run.

    copies: how many arrivals each event becomes; found out before the first fault.
    received: different arrivals; duplicates: arrivals of what had arrived before.
    lost: events of which an arrival is missing; failed: events that arrived as failures, or became dead letters.
    stall_s: the longest time in which nothing arrived; slowest_s: the longest way of an event.
    exactly_once: whether duplicates count as a mistake: no sink was killed.
    """

    seed: int
    seconds: float
    sent: int
    copies: int
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
    missing: tuple[int, ...] = field(default=())

    @property
    def good(self) -> bool:
        """Whether nothing was lost, and nothing came twice to a sink that was never killed."""
        return not self.lost and not self.unacknowledged and not (self.exactly_once and self.duplicates)


@dataclass(frozen=True)
class Count:
    """What the files of a rig say. `made`: trace → when; `arrivals`: trace → (id → how often); `failed`: traces."""

    made: Mapping[int, int]
    arrivals: Mapping[int, Counter[tuple[str, int]]]
    failed: frozenset[int]
    times: tuple[tuple[int, int], ...]

    def stall_s(self) -> float:
        """The longest time between two arrivals that follow each other."""
        at = sorted(at_ns for _, at_ns in self.times)
        return max((later - sooner for sooner, later in zip(at, at[1:], strict=False)), default=0) / NS_PER_S

    def slowest_s(self) -> float:
        """The longest time between the making of an event and its last arrival."""
        return max((at_ns - self.made[trace] for trace, at_ns in self.times), default=0) / NS_PER_S


def count(rig: Rig, box: Path) -> Count:
    """Read the files; events that our sources did not make are left out."""
    made = {one.trace: one.at_ns for source in rig.sources for one in read_made(rig.made(source))}
    arrivals: dict[int, Counter[tuple[str, int]]] = defaultdict(Counter)
    failed = {int(letter.trace, 16) for letter in letters(box)} & made.keys()
    times = []
    for sink in rig.sinks:
        for one in read_seen(rig.seen(sink)):
            if one.trace in made:
                arrivals[one.trace][_name(sink, one)] += 1
                times.append((one.trace, one.at_ns))
                if one.failed:
                    failed.add(one.trace)
    return Count(made, arrivals, frozenset(failed), tuple(times))


def _name(sink: str, one: Seen) -> tuple[str, int]:
    return sink, one.id


def copies_of(found: Count) -> int:
    """How many arrivals an event becomes when nothing is wrong.

    Raises:
        KitError: none arrives, some fail, or not all become the same.
    """
    if found.failed:
        raise KitError(
            f"{len(found.failed)} of {len(found.made)} events failed before any fault. "
            "Give them a body that the topology takes: --body FILE."
        )
    counts = {sum(found.arrivals.get(trace, Counter()).values()) for trace in found.made}
    if counts == {0}:
        raise KitError("no event of the counting source arrives at the counting sink. Say where they go: --from, --to.")
    if len(counts) != 1:
        raise KitError(
            f"one event becomes {min(counts)} arrivals, another one {max(counts)}, before any fault: "
            "what is lost cannot be told. Choose other ends: --from, --to."
        )
    return counts.pop()


def missing(found: Count, copies: int) -> tuple[int, ...]:
    """Traces of the events of which an arrival is missing, and that did not fail either."""
    return tuple(
        trace
        for trace in found.made
        if trace not in found.failed and len(found.arrivals.get(trace, Counter())) < copies
    )


def duplicates(found: Count) -> int:
    """Arrivals of what had arrived before."""
    return sum(arrived.total() - len(arrived) for arrived in found.arrivals.values())
