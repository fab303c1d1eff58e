"""A worker with several brokers or services shares its slots out, and never holds more requests than it has slots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
import pytest
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.worker import capacity as shares
from actorkit.mdp.worker.worker import Worker
from tests.until import until

MakeBroker = Callable[..., tuple[str, Broker]]
MakeWorker = Callable[..., Worker]
MakeClient = Callable[..., Client]

A, B, C = (("tcp://a:1", b"s"), ("tcp://b:1", b"s"), ("tcp://c:1", b"s"))


@dataclass(eq=False)
class Slot:
    idle_since: float | None = 0.0


def row(idle: int, busy: int = 0) -> list[Slot]:
    return [Slot() for _ in range(idle)] + [Slot(None) for _ in range(busy)]


@given(st.integers(1, 40), st.lists(st.integers(0, 20), min_size=1, max_size=6), st.integers(0, 10))
def test_every_pair_gets_a_slot_and_all_together_no_more_than_there_are(
    capacity: int, counts: list[int], others: int
) -> None:
    held = {(f"tcp://{number}:1", b"s"): count for number, count in enumerate(counts)}
    opened = shares.to_open(held, others, capacity)
    after = {pair: count + opened.count(pair) for pair, count in held.items()}
    assert min(after.values()) >= 1
    total = others + sum(after.values())
    if total > shares.limit(capacity, len(held)):
        assert all(held[pair] == 0 and after[pair] == 1 for pair in opened), "only what a pair must have"
    else:
        assert total == shares.limit(capacity, len(held))
        assert all(after[pair] <= min(after.values()) + 1 for pair in opened), "those with the fewest first"


@given(st.integers(1, 40), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6))
def test_who_gives_keeps_an_idle_slot_and_who_gets_had_none(capacity: int, rows: list[tuple[int, int]]) -> None:
    pairs = {(f"tcp://{number}:1", b"s"): row(*counts) for number, counts in enumerate(rows)}
    moves = shares.to_move(pairs, [], 1.0)
    moved = [slot for slot, _ in moves]
    assert len(set(map(id, moved))) == len(moved)
    for pair, held in pairs.items():
        idle = [slot for slot in held if slot.idle_since is not None]
        given = [slot for slot in moved if slot in held]
        if given:
            assert all(slot in idle for slot in given)
            assert len(given) < len(idle)
        if any(target == pair for _, target in moves):
            assert not idle


def test_a_new_broker_gets_its_share_of_what_lies_idle() -> None:
    assert len(shares.to_close({A: row(8), B: []}, 8)) == 4
    assert len(shares.to_close({A: row(2, busy=6), B: []}, 8)) == 2
    assert shares.to_close({A: row(1), B: row(1)}, 1) == []
    assert shares.to_close({}, 4) == []


def test_what_has_had_a_request_just_now_is_not_given_away() -> None:
    now = 10.0
    fresh = [Slot(now - shares.IDLE_S / 2), Slot(now - shares.IDLE_S / 2)]
    assert shares.to_move({A: row(0, busy=2), B: fresh}, [], now) == []
    assert len(shares.to_move({A: row(0, busy=2), B: row(4)}, [], now)) == 2
    assert len(shares.to_move({A: row(0, busy=2)}, [row(4)], now)) == 2


def echo(body: list[bytes]) -> list[bytes]:
    return body


def registered(*brokers: tuple[str, Broker]) -> list[int]:
    return [len(broker.state.workers) for _, broker in brokers]


def test_the_slots_of_a_worker_are_shared_out_over_brokers_and_back_when_one_goes(
    make_broker: MakeBroker, make_worker: MakeWorker
) -> None:
    first, second = make_broker(), make_broker()
    known = [first[0]]
    options: dict[str, Any] = {"addresses": lambda _: list(known), "capacity": 6}
    make_worker(["tcp://brokers:5555"], "echo", echo, **options)
    until(lambda: registered(first) == [6], "all slots are at the one broker")
    known.append(second[0])
    until(lambda: registered(first, second) == [3, 3], "the new broker has its share")
    known.remove(first[0])
    first[1].stop()
    until(lambda: registered(second) == [6], "all slots are at the other broker")


def test_a_worker_with_fewer_slots_than_brokers_has_one_at_each(
    make_broker: MakeBroker, make_worker: MakeWorker
) -> None:
    brokers = [make_broker() for _ in range(3)]
    make_worker([endpoint for endpoint, _ in brokers], "echo", echo, capacity=2)
    until(lambda: registered(*brokers) == [1, 1, 1], "one slot at each")


@pytest.mark.parametrize("by", ["broker", "service"])
def test_slots_move_to_where_the_requests_are(
    by: str, make_broker: MakeBroker, make_worker: MakeWorker, make_client: MakeClient
) -> None:
    brokers = [make_broker() for _ in range(2 if by == "broker" else 1)]
    go = Event()
    begun: list[bytes] = []

    def hold(body: list[bytes]) -> list[bytes]:
        begun.append(body[0])
        go.wait()
        return body

    services = {"busy": hold} if by == "broker" else {"busy": hold, "idle": hold}
    make_worker([endpoint for endpoint, _ in brokers], services, capacity=8)
    until(lambda: sum(registered(*brokers)) == 8, "it is registered")
    client = make_client(brokers[0][0], max_calls=20)
    calls = [gevent.spawn(client.call, "busy", [b"%d" % number], timeout_s=20) for number in range(12)]
    until(lambda: len(begun) == 7, "all slots but one have gone to the busy one", 3)
    assert sum(registered(*brokers)) == 8
    go.set()
    gevent.joinall(calls, timeout=10)
    assert [call.value for call in calls] == [[b"%d" % number] for number in range(12)]


def test_no_worker_holds_more_requests_than_it_has_slots(
    make_broker: MakeBroker, make_worker: MakeWorker, make_client: MakeClient
) -> None:
    brokers = [make_broker() for _ in range(3)]
    endpoints = [endpoint for endpoint, _ in brokers]
    workers: list[Worker] = []
    most = 0

    def look(body: list[bytes]) -> list[bytes]:
        nonlocal most
        gevent.sleep(0.001 * (body[0][-1] % 7))
        most = max(most, *(worker.running for worker in workers))
        return body

    workers += [make_worker(endpoints, ["a", "b"], look, capacity=8) for _ in range(2)]
    client = make_client(*endpoints)
    assert client.wait(5, brokers=3)

    def caller(number: int) -> None:
        for turn in range(40):
            body = [b"%d.%d" % (number, turn)]
            assert client.call("ab"[(number + turn // 10) % 2], body, timeout_s=20) == body

    callers = [gevent.spawn(caller, number) for number in range(40)]
    gevent.joinall(callers, timeout=60)
    assert [call.exception for call in callers] == [None] * 40
    assert 4 < most <= 8
