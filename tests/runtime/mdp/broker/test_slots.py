"""Of several worker processes, the one that is least busy gets the next request."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event

from actorkit.mdp import frames as f
from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.worker.worker import Worker
from tests.runtime.mdp.broker.bench import Bench, LoopBench
from tests.until import until


@pytest.fixture(params=[Bench, LoopBench], ids=["state", "loop"])
def make(request: pytest.FixtureRequest) -> type[Bench]:
    """The state machine alone, and behind the loop that has its own way for the commonest messages."""
    kind: type[Bench] = request.param
    return kind


class Crew:
    """A worker process with several slots; each slot is a registration with a routing id of its own."""

    def __init__(self, bench: Bench, letter: bytes) -> None:
        self.bench = bench
        self.name = f.OUR_WORKER + letter * f.PROCESS_BYTES

    def slot(self, number: int) -> bytes:
        return self.name + b"%0*d" % (f.SLOT_BYTES, number)

    def register(self, *numbers: int, service: bytes = b"echo") -> None:
        for number in numbers:
            self.bench.ready(self.slot(number), service)

    def done(self, number: int, client: bytes) -> None:
        self.bench.reply(self.slot(number), client)


def asked(bench: Bench, client: bytes, service: bytes = b"echo") -> bytes:
    """Send a request; return the name of the process, or the whole routing id, that got it."""
    ((receiver, *_),) = bench.ask(client, service=service)
    assert isinstance(receiver, bytes)
    return f.process_name(receiver) or receiver


def test_the_process_with_fewest_busy_slots_is_next(make: type[Bench]) -> None:
    bench = make()
    a, b = Crew(bench, b"a"), Crew(bench, b"b")
    a.register(1, 2, 3, 4)
    b.register(1, 2)
    assert [asked(bench, b"c%d" % number) for number in range(6)] == [a.name, b.name, a.name, b.name, a.name, a.name]
    b.done(1, b"c1")
    a.done(1, b"c0")  # three of a are busy yet, one of b
    assert asked(bench, b"c6") == b.name
    b.done(2, b"c3")
    b.done(1, b"c6")
    a.done(2, b"c2")
    a.done(3, b"c4")  # one of a is busy, none of b
    assert [asked(bench, b"d%d" % number) for number in range(3)] == [b.name, a.name, b.name]


def test_of_equally_busy_processes_the_one_idle_for_longest_is_next(make: type[Bench]) -> None:
    bench = make()
    crews = [Crew(bench, letter) for letter in (b"a", b"b", b"c")]
    for crew in crews:
        crew.register(1, 2)
    for number, crew in enumerate(crews):
        assert asked(bench, b"c%d" % number) == crew.name
    for number in (2, 0, 1):
        crews[number].done(1, b"c%d" % number)
    assert [asked(bench, b"d%d" % number) for number in range(3)] == [crews[2].name, crews[0].name, crews[1].name]


def test_slots_for_another_service_count_too(make: type[Bench]) -> None:
    bench = make()
    a, b = Crew(bench, b"a"), Crew(bench, b"b")
    for crew in (a, b):
        crew.register(1, 2, service=b"sums")
        crew.register(3, 4, service=b"echo")
    assert asked(bench, b"c1", service=b"sums") == a.name
    assert asked(bench, b"c2") == b.name
    a.done(1, b"c1")
    assert asked(bench, b"c3") == a.name


def test_a_worker_of_one_slot_comes_before_a_process_that_does_something(make: type[Bench]) -> None:
    bench = make()
    a = Crew(bench, b"a")
    a.register(1, 2, 3)
    bench.ready(b"single")
    assert [asked(bench, b"c%d" % number) for number in range(4)] == [a.name, b"single", a.name, a.name]
    bench.reply(b"single", b"c1")
    a.done(1, b"c0")
    assert asked(bench, b"c4") == b"single"


def test_lost_slots_are_forgotten_and_their_requests_go_to_the_least_busy(make: type[Bench]) -> None:
    bench = make()
    a, b = Crew(bench, b"a"), Crew(bench, b"b")
    a.register(1, 2)
    b.register(1, 2)
    assert [asked(bench, b"c%d" % number) for number in range(2)] == [a.name, b.name]
    bench.send(a.slot(2), b"", b"MDPW01", b"\x05")
    ((receiver, *_),) = bench.send(a.slot(1), b"", b"MDPW01", b"\x05")
    assert receiver == b.slot(2)
    assert bench.ask(b"c2") == []
    assert list(bench.state.workers.processes) == [b.name]
    b.done(1, b"c1")  # and gets what waited
    b.done(2, b"c0")
    b.done(1, b"c2")
    for number in (1, 2):
        bench.send(b.slot(number), b"", b"MDPW01", b"\x05")
    assert not bench.state.workers.processes
    assert not bench.state.services


def test_processes_can_be_read_at_three_in_the_morning() -> None:
    bench = Bench()
    crew = Crew(bench, b"\xaa")
    crew.register(1, 2)
    bench.ask(b"c")
    process = bench.state.workers.processes[crew.name]
    assert repr(process) == f"<Process {crew.name.hex()}: 1 busy, 1 services>"
    assert repr(process.services[0]) == f"<Slots of {process!r}: 1 of 2 idle>"
    assert repr(bench.state.services[b"echo"].processes) == "<LeastLoaded by busy slots: [0, 1]>"


def test_two_workers_with_many_slots_share_what_is_asked(
    broker: tuple[str, Broker],
    make_worker: Callable[..., Worker],
    make_client: Callable[..., Client],
) -> None:
    endpoint, running = broker
    end = Event()
    workers = [make_worker([endpoint], "wait", lambda body: end.wait() and body, capacity=4) for _ in range(2)]
    until(lambda: len(running.state.workers) == 8, "all slots are registered")
    assert len(running.state.workers.processes) == 2
    client = make_client(endpoint)
    calls = [gevent.spawn(client.call, "wait", [b"x"], timeout_s=10) for _ in range(4)]
    until(lambda: sum(worker.running for worker in workers) == 4, "four requests are being done")
    assert [worker.running for worker in workers] == [2, 2]
    end.set()
    assert [call.get() for call in calls] == [[b"x"]] * 4


def test_a_worker_of_one_slot_is_no_process_with_slots(
    broker: tuple[str, Broker], make_worker: Callable[..., Worker]
) -> None:
    endpoint, running = broker
    make_worker([endpoint], "one", lambda body: body)
    until(lambda: running.state.workers, "it is registered")
    assert not running.state.workers.processes
