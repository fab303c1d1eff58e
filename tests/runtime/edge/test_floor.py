"""The floor of a stream: how far it is settled without a hole, compared with what a simple count says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actorkit.edge.floor import Floor


class Naive:
    """Remembers everything."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.open: list[int] = []
        self.at: int | None = None

    def begin(self, at: int) -> None:
        self.made.append(at)
        self.open.append(at)

    def settle(self, at: int) -> None:
        self.open.remove(at)
        reached = [one for one in self.made if not any(other <= one for other in self.open)]
        self.at = max([*reached, *([] if self.at is None else [self.at])], default=None)


#: Steps between positions, and which of the open ones is settled after each.
STEPS = st.lists(st.tuples(st.integers(1, 1000), st.lists(st.integers(0, 50), max_size=3)), max_size=60)


@given(st.integers(-5, 5), STEPS)
def test_the_floor_of_rising_positions_is_the_last_without_a_hole(
    begin: int, steps: list[tuple[int, list[int]]]
) -> None:
    floor, naive, at = Floor(), Naive(), begin
    for step, settled in steps:
        at += step
        floor.begin(at)
        naive.begin(at)
        for index in settled:
            if naive.open:
                one, before = naive.open[index % len(naive.open)], naive.at
                naive.settle(one)
                assert floor.settle(one) == (naive.at != before)
                assert floor.at == naive.at
    for one in reversed(naive.open.copy()):
        naive.settle(one)
        floor.settle(one)
    assert floor.at == naive.at == (at if steps else None)


@given(st.lists(st.tuples(st.integers(0, 40), st.lists(st.integers(0, 50), max_size=3)), max_size=60))
def test_whatever_the_order_nothing_open_is_at_or_below_the_floor_when_it_rises(
    steps: list[tuple[int, list[int]]],
) -> None:
    floor, naive = Floor(), Naive()
    for at, settled in steps:
        if at not in naive.open:
            floor.begin(at)
            naive.begin(at)
        for index in settled:
            if naive.open:
                one, before = naive.open[index % len(naive.open)], floor.at
                naive.settle(one)
                if floor.settle(one):
                    assert floor.at is not None
                    assert before is None or floor.at > before
                    assert not any(other <= floor.at for other in naive.open)
                    assert floor.at in naive.made
    for one in naive.open.copy():
        floor.settle(one)
    assert floor.at == max(naive.made, default=None)


def test_a_position_that_is_made_again_keeps_the_floor_where_it_is_until_it_is_settled() -> None:
    floor = Floor()
    for at in (1, 2, 3):
        floor.begin(at)
    assert floor.settle(1)
    assert floor.at == 1
    floor.begin(1)
    assert not floor.settle(2)
    assert not floor.settle(3)
    assert floor.settle(1)
    assert floor.at == 3
