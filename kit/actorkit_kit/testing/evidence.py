"""What came of a test, and what it has to say about that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from actorkit_kit.testing.conditions import complaint_about
from actorkit_kit.testing.messages import Failed, Sighting
from actorkit_kit.testing.wiring import Wiring
from actorkit_kit.topology.case import Case, Expectation
from actorkit_kit.topology.location import Location

#: Events that a complaint shows.
MOST_SHOWN: Final = 3


@dataclass
class Evidence:
    """Events that were recorded, failures of what was put, and answers over HTTP. `is_over`: no more can come."""

    sightings: list[Sighting] = field(default_factory=list)
    failures: list[Failed] = field(default_factory=list)
    answers: list[Sighting] = field(default_factory=list)
    is_over: bool = False

    def seen_by(self, wiring: Wiring, expectation: Expectation) -> list[Sighting]:
        """The events at the place that an expectation looks at."""
        if expectation.side == "put":
            return [*self.answers, *(Sighting("", "n", b"", {}, one.status, one) for one in self.failures)]
        boxes = {str(one) for one in wiring.outboxes(expectation)}
        seen = [one for one in self.sightings if one.box in boxes]
        return seen if expectation.side == "at" else _once(seen)


@dataclass(frozen=True)
class Complaint:
    """An expectation that does not hold, with what came instead."""

    location: Location
    text: str


def complaints(wiring: Wiring, case: Case, evidence: Evidence) -> list[Complaint]:
    """What does not hold; before all is over, what does not hold yet or no more."""
    return [
        Complaint(one.location, text)
        for one in case.expectations
        if (text := _complaint(one, evidence.seen_by(wiring, one), is_over=evidence.is_over))
    ]


def _complaint(expectation: Expectation, seen: list[Sighting], *, is_over: bool) -> str:
    judged = [(complaint_about(expectation, one), one) for one in seen]
    good = sum(not wrong for wrong, _ in judged)
    if expectation.most is not None and good > expectation.most:
        wanted = f"{expectation.most} of them" if expectation.most else "nothing"
        return (
            f"{place(expectation)}: {wanted} expected, {good} came:\n{_show(one for wrong, one in judged if not wrong)}"
        )
    if good >= expectation.least:
        return ""
    if not seen:
        return f"{place(expectation)}: nothing came" + ("" if is_over else " in time")
    if good:
        return f"{place(expectation)}: {expectation.least} expected, {good} came"
    reasons = dict.fromkeys(wrong for wrong, _ in judged)
    told = "\n".join(f"  {reason}" for reason in list(reasons)[:MOST_SHOWN])
    return f"{place(expectation)}: {len(seen)} came, none as expected:\n{told}\n{_show(seen)}"


def place(expectation: Expectation) -> str:
    """Where an expectation looks, for people."""
    return "the answer" if expectation.box is None else f"{expectation.side} {expectation.box}"


def _show(sightings: Iterable[Sighting]) -> str:
    several = list(sightings)
    shown = [f"  > {line}" for one in several[:MOST_SHOWN] for line in describe(one).splitlines()]
    more = [f"  > … and {len(several) - MOST_SHOWN} more"] if len(several) > MOST_SHOWN else []
    return "\n".join([*shown, *more])


def describe(sighting: Sighting) -> str:
    """An event, for people."""
    status = [f"status {sighting.status}"] if sighting.status else []
    failure = (
        [f"{sighting.failure.actor}: {sighting.failure.kind}: {sighting.failure.message}"] if sighting.failure else []
    )
    body = [sighting.content.decode(errors="backslashreplace")] if sighting.content else []
    attributes = [f"attributes {sighting.attributes}"] if sighting.attributes else []
    return "; ".join([*status, *failure, *body, *attributes]) or "an event without data"


def _once(sightings: list[Sighting]) -> list[Sighting]:
    """What an actor sent, each event once: one that went into several outboxes is recorded at each."""
    by_box: dict[str, Counter[bytes]] = {}
    most: Counter[bytes] = Counter()
    found = []
    for one in sightings:
        key = repr((one.format, one.content, one.attributes, one.status)).encode()
        counts = by_box.setdefault(one.box, Counter())
        counts[key] += 1
        if counts[key] > most[key]:
            most[key] = counts[key]
            found.append(one)
    return found
