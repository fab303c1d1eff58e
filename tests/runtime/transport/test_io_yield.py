"""The processor is given away while that costs little."""

from __future__ import annotations

from actorkit.transport.io_yield import LONG_S, PAUSE, IoYield


class Machine:
    """Has something else to do for `away_s` seconds whenever the processor is given away."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.away_s = 0.0
        self.given: list[float] = []

    def give_way(self) -> None:
        self.given.append(self.now)
        self.now += self.away_s


def test_it_is_given_away_every_time_where_it_comes_back_soon() -> None:
    machine = Machine()
    yield_to_io = IoYield(machine.give_way, lambda: machine.now)
    for away_s in (0.0, LONG_S / 2, LONG_S, 0.0):
        machine.away_s = away_s
        yield_to_io()
    assert len(machine.given) == 4


def test_a_neighbour_that_takes_long_is_given_a_seventeenth_of_the_time() -> None:
    machine = Machine()
    yield_to_io = IoYield(machine.give_way, lambda: machine.now)
    machine.away_s = 4 * LONG_S
    for _ in range(10_000):
        yield_to_io()
        machine.now += LONG_S / 10
    away_s = machine.away_s * len(machine.given)
    assert len(machine.given) >= 2
    assert away_s / (machine.now - 1000.0) < 1 / PAUSE

    machine.away_s = 0.0
    machine.now += PAUSE * 4 * LONG_S
    given = len(machine.given)
    for _ in range(10):
        yield_to_io()
    assert len(machine.given) == given + 10
