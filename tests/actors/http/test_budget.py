"""The budget of a server: what messages hold, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit_actors.http.budget import (
    LEAST_BYTES,
    MOST_BYTES,
    MOST_CONNECTIONS,
    SMALL_BYTES,
    Budget,
    Lease,
    default_bytes,
    default_connections,
)

MB = 1 << 20


def test_a_message_takes_what_there_is_and_gives_it_back() -> None:
    budget = Budget(4 * MB)
    lease = Lease(budget)
    assert lease.grow(MB)
    assert lease.grow(2 * MB)
    assert not lease.grow(2 * MB)
    assert (budget.used, lease.size) == (3 * MB, 3 * MB)
    lease.release()
    lease.release()
    assert (budget.used, budget.large, lease.size) == (0, 0, 0)
    assert budget.peak == 3 * MB


def test_large_messages_leave_a_quarter_to_small_ones() -> None:
    budget = Budget(4 * MB)
    large = Lease(budget)
    assert large.grow(3 * MB)
    assert not Lease(budget).grow(SMALL_BYTES + 1)
    small = [Lease(budget) for _ in range(16)]
    assert all(lease.grow(SMALL_BYTES) for lease in small)
    assert not Lease(budget).grow(1)
    small[0].release()
    assert not small[1].grow(1)  # it would be a large one
    assert small[0].grow(1)


def test_what_is_in_memory_already_may_go_beyond_for_a_moment() -> None:
    budget = Budget(4 * MB)
    answer = Lease(budget)
    answer.force(5 * MB)
    assert budget.over
    assert not Lease(budget).grow(SMALL_BYTES + 1)
    assert Lease(budget).grow(SMALL_BYTES)  # the part of small ones is theirs
    answer.release()
    assert not budget.over


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["grow", "force", "release"]), st.integers(0, 3 * SMALL_BYTES))
    )
)
def test_the_sums_are_those_of_the_leases(steps: list[tuple[int, str, int]]) -> None:
    budget = Budget(8 * SMALL_BYTES)
    leases = [Lease(budget) for _ in range(4)]
    for number, step, size in steps:
        lease, before, was_over = leases[number], budget.used, budget.over
        if step == "release":
            lease.release()
        elif step == "force":
            lease.force(size)
        elif lease.grow(size):
            assert was_over or not budget.over, "only what is in memory already goes beyond"
        else:
            assert budget.used == before
        assert budget.used == sum(one.size for one in leases)
        assert budget.large == sum(one.size for one in leases if one.size > SMALL_BYTES)


@pytest.mark.parametrize(
    ("memory", "share", "connections"),
    [
        (4 * MB, LEAST_BYTES, 64),
        (16 * MB, LEAST_BYTES, 128),
        (128 * MB, 32 * MB, 1024),
        (1024 * MB, 256 * MB, MOST_CONNECTIONS),
        (64 << 30, MOST_BYTES, MOST_CONNECTIONS),
    ],
)
def test_the_budget_and_the_connections_follow_from_the_memory(memory: int, share: int, connections: int) -> None:
    assert (default_bytes(memory), default_connections(memory)) == (share, connections)
