"""A lease of a name, between those who want it and brokers; the test has the clock, and carries what they say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit.mdp.broker.leases import Leases
from actorkit.mdp.errors import FrameError, NoAnswer
from actorkit.mdp.lease import MAX_MS, Lease, read_request

LEASE_S = 4.0


class Scene:
    """Brokers, and some who want the same name. `cut` are those that reach no broker."""

    def __init__(self, holders: str = "ab", brokers: int = 1) -> None:
        self.now = 100.0
        self.brokers = [Leases() for _ in range(brokers)]
        #: Who asks which broker; None: nobody answers.
        self.sees: dict[str, int | None] = dict.fromkeys(holders, 0)
        self.leases = {
            name: Lease("tick", name, LEASE_S, lambda request, name=name: self._ask(name, request), lambda: self.now)  # type: ignore[misc]
            for name in holders
        }

    def _ask(self, name: str, content: bytes) -> bytes:
        seen = self.sees[name]
        if seen is None:
            raise NoAnswer("nobody answers")
        request = read_request(content)
        assert request is not None
        return msgspec.json.encode(self.brokers[seen].take(request, self.now))

    def renew(self, *names: str) -> None:
        for name in names or self.leases:
            try:
                self.leases[name].renew()
            except NoAnswer:
                assert self.sees[name] is None

    def later(self, seconds: float) -> None:
        self.now += seconds

    @property
    def holders(self) -> list[str]:
        return [name for name, lease in self.leases.items() if lease.held]


def held() -> Scene:
    """The first one holds it."""
    scene = Scene()
    scene.renew()
    scene.later(LEASE_S)
    scene.renew()
    assert scene.holders == ["a"]
    return scene


def test_a_name_that_a_broker_never_heard_of_is_nobodys_for_as_long_as_a_lease_lasts() -> None:
    scene = Scene()
    scene.renew()
    assert scene.holders == []
    scene.later(LEASE_S - 0.1)
    scene.renew()
    assert scene.holders == []
    scene.later(0.1)
    scene.renew("b", "a")
    assert scene.holders == ["b"]


def test_who_renews_keeps_it_and_another_gets_it_when_it_is_over() -> None:
    scene = held()
    for _ in range(10):
        scene.later(LEASE_S / 2)
        scene.renew("b", "a")
        assert scene.holders == ["a"]
    scene.sees["a"] = None
    scene.later(LEASE_S - 0.1)
    scene.renew("b", "a")
    assert scene.holders == ["a"]
    scene.later(0.1)
    assert scene.holders == []
    scene.renew()
    assert scene.holders == ["b"]


def test_who_gives_it_up_leaves_it_to_the_next_one_at_once_and_its_mark_too() -> None:
    scene = held()
    scene.leases["a"].leave(7)
    scene.leases["a"].leave(5)
    scene.leases["a"].give_up()
    assert scene.holders == []
    scene.renew("b")
    assert (scene.holders, scene.leases["b"].mark) == (["b"], 7)
    scene.leases["a"].give_up()
    scene.renew()
    assert scene.holders == ["b"]


def test_those_that_wait_hear_of_the_mark() -> None:
    scene = held()
    scene.leases["a"].leave(7)
    scene.renew()
    assert scene.leases["b"].mark == 7


def test_with_a_new_broker_the_holder_keeps_it() -> None:
    scene = held()
    scene.leases["a"].leave(7)
    scene.brokers[0] = Leases()
    scene.renew("b")
    assert scene.holders == ["a"]
    scene.renew()
    assert (scene.holders, scene.leases["b"].mark) == (["a"], 7)


def test_parted_from_each_other_each_holds_it_at_its_own_broker() -> None:
    scene = Scene(brokers=2)
    scene.sees["b"] = 1
    scene.renew()
    scene.later(LEASE_S)
    scene.renew()
    assert scene.holders == ["a", "b"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["renew", "cut", "back", "give up"]), st.floats(0, 5)))
)
def test_no_two_hold_it_at_one_broker(steps: list[tuple[str, str, float]]) -> None:
    scene = Scene("abc")
    for name, what, seconds in steps:
        if what in ("cut", "back"):
            scene.sees[name] = 0 if what == "back" else None
        elif what == "give up" and scene.sees[name] == 0:
            scene.leases[name].give_up()
        else:
            scene.renew(name)
        assert len(scene.holders) <= 1
        scene.later(seconds)
        assert len(scene.holders) <= 1


def test_a_broker_forgets_the_name_that_was_asked_for_longest_ago() -> None:
    leases = Leases(limit=2)
    for name in ("one", "two", "one", "three"):
        request = read_request(msgspec.json.encode({"name": name, "holder": "a", "ms": 9, "renews": True}))
        assert request is not None
        assert leases.take(request, 1.0).held
    assert repr(leases) == "<2 leases>"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"name": "a"}', b"\xff", msgspec.json.encode({"name": "a", "holder": "b", "ms": MAX_MS + 1})],
)
def test_what_is_no_request_is_none(content: bytes) -> None:
    assert read_request(content) is None


def test_an_answer_that_is_none_gives_nothing() -> None:
    def ask(request: bytes) -> Any:
        return b"501"

    lease = Lease("tick", "a", LEASE_S, ask)
    with pytest.raises(FrameError, match="gives no leases"):
        lease.renew()
    assert not lease.held
