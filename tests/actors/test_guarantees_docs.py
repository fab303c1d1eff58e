"""docs/guarantees.md tells of each stock actor what its class says of its border."""

from __future__ import annotations

import math
import re

from actorkit_actors.catalogue import CATALOGUE
from tests.actors.actors_docs import load
from tests.places import DOCS

TEXT = (DOCS / "guarantees.md").read_text()


def test_each_stock_actor_at_a_border_promises_what_its_class_says() -> None:
    told = {row[0]: row[1:] for row in re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \| ([a-z ]+) \|$", TEXT, re.MULTILINE)}
    classes = {name: load(entry) for name, entry in CATALOGUE.items()}
    assert told == {name: (cls.SETTLES, cls.REPEATS) for name, cls in classes.items() if cls.SETTLES}
    assert {cls.REPEATS for cls in classes.values() if cls.SETTLES} <= {"yes", "by key", "no"}
    for name, cls in classes.items():
        if cls.produces() or cls.ANSWERS:
            assert cls.SETTLES, f"{name} takes events from the outside, and does not say when it settles"


def test_the_chances_of_a_collision_are_those_of_so_many_bits() -> None:
    def chance(events: float, bits: int) -> float:
        return events**2 / 2.0 ** (bits + 1)

    for told, computed in (
        (1.5e-21, chance(1e9, 128)),
        (1.5e-15, chance(1e12, 128)),
        (2.7e-8, chance(1e6, 64)),
        (0.027, chance(1e9, 64)),
        (5e-14, 1e6 / 2**64),
        (3e-33, 1e6 / 2**128),
    ):
        assert math.isclose(told, computed, rel_tol=0.1)
        digits, power = f"{told:.1e}".split("e")
        written = "2.7 %" if told > 0.01 else f"{float(digits):g} × 10"
        assert written in TEXT, power
