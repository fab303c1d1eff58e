"""Who is looked at first, who gives way, and how many wrong logins pass; without sockets, with clocks as arguments."""

from __future__ import annotations

import pytest

from actorkit_actors.auth.budget import hashes_at_a_time
from actorkit_actors.auth.checks import Check, Checks
from actorkit_actors.auth.failures import Failures, network


def check(name: str, password: str = "x") -> Check:
    return Check(f"{name}:{password}".encode(), name, password.encode(), "")


def test_those_of_whom_nothing_bad_is_known_go_first() -> None:
    bad = {"eve"}
    checks = Checks(lambda check: check.name not in bad)
    for name in ("eve", "ann", "mal", "bob"):
        checks.add(check(name), name)
    bad.add("mal")
    taken = [checks.take() for _ in range(5)]
    assert [one.name if one else None for one in taken] == ["ann", "bob", "eve", "mal", None]


def test_the_same_ones_wait_together_also_while_they_are_looked_at() -> None:
    checks = Checks(lambda _: True)
    checks.add(check("ann"), 1)
    taken = checks.take()
    checks.add(check("ann"), 2)
    assert taken is not None
    assert (checks.take(), checks.waiting) == (None, 2)
    assert (checks.done(taken), checks.waiting, len(checks)) == ([1, 2], 0, 0)


def test_who_has_failed_gives_way_when_too_many_wait() -> None:
    bad = {"eve"}
    checks = Checks(lambda check: check.name not in bad, most=2)
    assert checks.add(check("eve"), "e1") == []
    assert checks.add(check("ann"), "a") == []
    assert checks.add(check("eve", "y"), "e2") == ["e2"], "one that failed before takes nobody's place"
    assert checks.add(check("bob"), "b") == ["e1"]
    assert checks.add(check("cid"), "c") == ["c"], "nobody is left who would have to give way"
    assert checks.waiting == 2


def test_a_bucket_lets_a_burst_pass_and_then_one_each_interval() -> None:
    failures = Failures(3, 10.0)
    assert failures.wait_s("ann", 0) == 0
    for _ in range(3):
        assert failures.wait_s("ann", 0) == 0
        failures.add("ann", 0)
    assert failures.wait_s("ann", 0) == 10
    assert failures.wait_s("ann", 10) == 0
    assert not failures.clean("ann", 10)
    assert failures.clean("ann", 30)
    assert failures.wait_s("bob", 0) == 0


def test_the_table_does_not_grow_and_a_burst_of_none_is_no_limit() -> None:
    failures = Failures(1, 10.0, most=3)
    for number in range(100):
        failures.add(str(number), 0)
    assert len(failures) == 3
    assert failures.wait_s("99", 0) == 10
    endless = Failures(0, 10.0)
    for _ in range(100):
        endless.add("ann", 0)
    assert endless.wait_s("ann", 0) == 0


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a name", "a name"),
    ],
)
def test_a_client_is_known_by_its_network(address: str, known: str) -> None:
    assert network(address) == known


@pytest.mark.parametrize(
    ("limit_mb", "cores", "count"), [(128, 2, 2), (128, 16, 4), (64, 16, 1), (4096, 8, 8), (1, 1, 1)]
)
def test_hashes_stay_inside_the_memory(limit_mb: int, cores: int, count: int) -> None:
    assert hashes_at_a_time(16 << 20, limit_mb << 20, cores) == count
