"""The hashed passwords of some users, without an actor."""

from __future__ import annotations

import pytest

from actorkit_actors.auth import hashes
from actorkit_actors.auth.hashes import Cost, Hash, Hashed

CHEAP, DEAR = Cost(2), Cost(3)


class Computed:
    """Computes hashes, and notes at which costs."""

    def __init__(self) -> None:
        self.costs: list[Cost] = []

    def __call__(self, cost: Cost, password: bytes, salt: bytes, length: int) -> bytes:
        self.costs.append(cost)
        return cost.hash(password, salt, length)


def stored(password: bytes, cost: Cost) -> Hash:
    parsed = hashes.parse(hashes.make_hash(password, cost))
    assert parsed is not None
    return parsed


@pytest.mark.parametrize("name", ["ann", "bob", "nobody"])
def test_every_refusal_costs_one_hash_of_each_kind(name: str) -> None:
    computed = Computed()
    hashed = Hashed({"ann": stored(b"a", CHEAP), "bob": stored(b"b", DEAR)}, computed)
    assert not hashed.right(name, b"wrong")
    assert sorted(computed.costs) == [CHEAP, DEAR]


def test_the_right_password_costs_its_own_hash() -> None:
    computed = Computed()
    hashed = Hashed({"ann": stored(b"a", CHEAP), "bob": stored(b"b", DEAR)}, computed)
    assert hashed.right("bob", b"b")
    assert computed.costs == [DEAR]
