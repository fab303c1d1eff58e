"""Which events of a trial are poison, and who can consume them: the plan's side of `kit chaos --poison`."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from actorkit_kit.chaos.poison import CLASS_PATH, VARIABLE, WAYS
from actorkit_kit.chaos.rig import Rig
from actorkit_kit.errors import UsageError
from actorkit_kit.plan.model import Unit

#: The part of the events that are expected in which the poison is: a source that is held back makes fewer.
PART: Final = 0.6
#: How long an event may block its process here before that is ended, in seconds.
STUCK_AFTER_S: Final = 2.0


def choose(seed: int, amount: int, calm: int, expected: int) -> dict[int, str]:
    """The numbers of the events that are poison, of those that come after the calm, and how each ends its process.

    Raises:
        UsageError: there are not so many events.
    """
    numbers = range(calm, calm + int(expected * PART))
    if amount > len(numbers):
        raise UsageError(f"--poison {amount} is more than {len(numbers)} events. Give it longer, or a higher --rate.")
    chosen = sorted(random.Random(f"{seed}/poison").sample(numbers, amount))
    return {number: list(WAYS)[index % len(WAYS)] for index, number in enumerate(chosen)}


def give(made: Rig, doses: Mapping[int, str]) -> Rig:
    """The rig with these events of its first source poisoned, for every actor that is not ours.

    Raises:
        UsageError: there is no such actor.
    """
    ours = {*made.sources, *made.sinks}
    takers = [unit.name for unit in made.plan.units if unit.kind == "actor" and unit.receives and unit.name not in ours]
    if not takers:
        raise UsageError(
            "--poison needs an actor between source and sink that consumes events. Choose --from and --to."
        )
    units = []
    for unit in made.plan.units:
        if unit.name in takers:
            unit = _taker(unit)
        elif unit.name == made.sources[0]:
            poison = {str(number): way for number, way in doses.items()}
            params = {**unit.params, "poison": poison, "poisoned": str(made.poison_file(unit.name))}
            unit = replace(unit, params=params)
        units.append(unit)
    return replace(made, plan=replace(made.plan, units=tuple(units)))


def _taker(unit: Unit) -> Unit:
    return replace(
        unit,
        class_path=CLASS_PATH,
        params={**unit.params, "stuck_after_s": STUCK_AFTER_S},
        environment_extra={**unit.environment_extra, VARIABLE: unit.class_path},
    )
