"""Clients take turns at a service, whatever each of them has waiting."""

from __future__ import annotations

import time

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from actorkit.mdp import frames as f
from actorkit.mdp.broker.queue import RequestQueue
from actorkit.mdp.broker.request import Client, Request
from actorkit.mdp.options import BrokerParams
from tests.runtime.mdp.broker.bench import Bench, LoopBench, answered, refusal


@pytest.fixture(params=[Bench, LoopBench], ids=["state", "loop"])
def make(request: pytest.FixtureRequest) -> type[Bench]:
    """The state alone, or behind the loop that the broker runs."""
    kind: type[Bench] = request.param
    return kind


def request_of(client: bytes, arrived: float = 0.0, deadline: float = 60.0) -> Request:
    return Request(client, client, f.V1, [b"x"], arrived, deadline, False, Client(client, None, 0))


def order(queue: RequestQueue) -> list[f.Part]:
    return [queue.pop().client for _ in range(queue.length)]


def test_a_client_with_a_backlog_of_thousands_makes_no_other_wait_behind_it(make: type[Bench]) -> None:
    bench = make()
    bench.ready(b"w1")
    for _ in range(3000):
        bench.ask(b"hog")
    for client in (b"a", b"b"):
        bench.ask(client)
    bench.ask(b"a")
    served: list[bytes] = []
    for _ in range(6):
        worker = bench.state.workers[b"w1"]
        assert worker.request is not None
        asked = worker.request.client
        assert isinstance(asked, bytes)
        served.append(asked)
        bench.reply(b"w1", asked)
    assert served == [b"hog", b"hog", b"a", b"b", b"hog", b"a"]


def test_the_connections_of_one_of_our_clients_have_one_turn_together(make: type[Bench]) -> None:
    bench = make()
    header = f.write_header(f.RequestHeader(client=b"process1"))
    bench.ready(b"w1")
    for number in range(4):
        bench.ask(b"p%d" % number, header, b"hi")
    bench.ask(b"other")
    served = []
    for client in (b"p0", b"p1", b"other", b"p2", b"p3"):
        served.append(bench.reply(b"w1", client)[0])
    assert served == [answered(client) for client in (b"p0", b"p1", b"other", b"p2", b"p3")]


def test_a_full_queue_lets_in_who_has_less_than_an_even_share(make: type[Bench]) -> None:
    bench = make(BrokerParams(queue_limit=10))
    for _ in range(10):
        bench.ask(b"hog")
    assert refusal(bench.ask_ours(b"hog")[0]).status == 503
    for _ in range(5):
        assert bench.ask_ours(b"other") == []
    assert refusal(bench.ask_ours(b"other")[0]).status == 503
    for number in range(20):
        bench.ask(b"c%d" % number)
    assert bench.state.services[b"echo"].queue.length <= 20


def test_what_was_put_back_is_next() -> None:
    queue = RequestQueue()
    for client in (b"a", b"b"):
        queue.append(request_of(client))
    for client in (b"x", b"y"):
        queue.put_back(request_of(client))
    assert queue.peek().client == b"y"
    assert order(queue) == [b"y", b"x", b"a", b"b"]


@examples(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([5.0, 50.0])), max_size=60))
def test_expired_ones_go_and_the_others_keep_their_order(rows: list[tuple[int, float]]) -> None:
    queue, alone = RequestQueue(), RequestQueue()
    for number, deadline in rows:
        queue.append(request_of(b"%d" % number, deadline=deadline))
        if deadline > 10:
            alone.append(request_of(b"%d" % number))
    turns = list(dict.fromkeys(request.client for request in queue))
    expired, earliest = queue.take_expired(10.0)
    assert len(expired) + queue.length == len(rows)
    assert earliest == (50.0 if queue.length else float("inf"))
    assert sorted(map(str, order(alone))) == sorted(map(str, (request.client for request in queue)))
    first_turn = [client for client in turns if client in {request.client for request in queue}]
    assert order(queue)[: len(first_turn)] == first_turn


def test_it_knows_what_each_client_has_waiting() -> None:
    queue = RequestQueue()
    for size in (10, 20):
        request = request_of(b"a")
        request.size_bytes = size
        queue.append(request)
    assert (queue.waiting_of(b"a"), queue.waiting_of(b"b")) == ((2, 30), (0, 0))
    queue.pop()
    assert queue.waiting_of(b"a") == (1, 20)
    queue.pop()
    queue.append(request_of(b"b"))
    assert (queue.waiting_of(b"a"), queue.waiting_of(b"b")) == ((0, 0), (1, 0))


def test_the_oldest_is_found_among_all_clients() -> None:
    queue = RequestQueue()
    assert queue.oldest() is None
    for arrived, client in ((3.0, b"a"), (2.0, b"b"), (4.0, b"b")):
        queue.append(request_of(client, arrived))
    assert queue.oldest() == 2.0
    assert repr(queue) == "<RequestQueue: 3 wait, of 2 clients>"


def test_a_request_costs_the_same_however_many_wait() -> None:
    def cost_s(waiting: int) -> float:
        queue = RequestQueue()
        for number in range(waiting):
            queue.append(request_of(b"%d" % (number % 10)))
        requests = [request_of(b"%d" % number) for number in range(5000)]
        best = float("inf")
        for _ in range(5):
            started = time.perf_counter()
            for request in requests:
                queue.append(request)
                queue.pop()
            best = min(best, time.perf_counter() - started)
        return best

    assert cost_s(100_000) < 8 * cost_s(100)
