"""Faults, and when they happen: a schedule that follows from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

FaultKind = Literal["kill", "stop", "pause", "partition", "scale"]

#: Each kind of fault → what it does, as messages say it.
FAULT_KINDS: Final[dict[FaultKind, str]] = {
    "kill": "SIGKILL, and started again",
    "stop": "SIGTERM, and started again",
    "pause": "SIGSTOP, and SIGCONT after a while",
    "partition": "cut off from all others for a while",
    "scale": "one replica more, or that one gone again",
}


@dataclass(frozen=True)
class Victim:
    """A replica, and the kinds of faults that may happen to it."""

    actor: str
    number: int
    kinds: tuple[FaultKind, ...]

    def __str__(self) -> str:
        return f"{self.actor}-{self.number}"


@dataclass(frozen=True)
class Fault:
    """Something that happens to a replica `at_s` seconds after the beginning, and lasts a while."""

    at_s: float
    kind: FaultKind
    victim: Victim
    lasts_s: float = 0.0


def schedule(
    seed: int,
    duration_s: float,
    amounts: Mapping[FaultKind, int],
    victims: Sequence[Victim],
    lasting_s: Mapping[FaultKind, float],
) -> list[Fault]:
    """The faults of a run, in order: the same for the same arguments.

    Each kind is spread over the whole time, one in each of as many equal parts as there are, at any moment of it.
    """
    found = []
    for kind in FAULT_KINDS:
        dice = random.Random(f"{seed}/{kind}")  # One each, so that more of one kind leaves the others as they are.
        able = [victim for victim in victims if kind in victim.kinds]
        count = amounts.get(kind, 0) if able else 0
        part_s = duration_s / max(count, 1)
        for number in range(count):
            at_s = (number + dice.random()) * part_s
            found.append(Fault(at_s, kind, dice.choice(able), lasting_s.get(kind, 0.0)))
    return sorted(found, key=lambda fault: fault.at_s)
