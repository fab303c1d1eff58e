"""Whatever clients, workers and time do in whatever order, each request has exactly one outcome."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actorkit.mdp import frames as f
from actorkit.mdp.broker.loop import flush, serve
from actorkit.mdp.broker.service import Process, Service, Worker
from actorkit.mdp.broker.state import BrokerState
from actorkit.mdp.options import BrokerParams, ServiceOptions
from tests.runtime.mdp.broker.bench import ScriptedSocket

#: Foreign workers, our own with one slot, and two processes of ours with several.
NAMES = [
    *(b"w%d" % number for number in range(4)),
    *(b"AK1-%d" % number for number in range(2)),
    *(f.OUR_WORKER + letter * f.PROCESS_BYTES + b"%09d" % number for letter in (b"a", b"b") for number in range(3)),
]
WORKERS = st.sampled_from(NAMES)
SERVICES = st.sampled_from([b"safe", b"once", b"mmi.x"])
#: Workers' identities, under which junk may hold requests too.
JUNK_CLIENTS = NAMES
DIALECTS = st.sampled_from([f.V1, f.V2])
JUNK = st.lists(
    st.one_of(
        st.binary(max_size=4),
        st.sampled_from([b"", b"MDPC01", b"MDPC02", b"MDPW01", b"MDPW02", b"safe", b"c1", f.EXTENSION]),
        st.sampled_from([bytes([number]) for number in range(8)]),
    ),
    max_size=8,
)


def idle_slots(process: Process, service: Service) -> list[Worker]:
    return [worker for slots in process.services if slots.processes is service.processes for worker in slots.idle]


class Broker(RuleBasedStateMachine):
    """Every request comes from a client of its own that is told of refusals, so that outcomes can be counted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        services = {"once": ServiceOptions(idempotent=False)}
        self.state = BrokerState(BrokerParams(queue_limit=5, services=services, request_timeout_s=30), self.now)
        self.asked: list[bytes] = []
        self.outcomes: Counter[bytes] = Counter()
        #: The client whose request each worker holds, and the registration under which it got it.
        self.held: dict[bytes, tuple[Worker, bytes]] = {}
        #: Clients that are not ours: they are answered, or hear nothing.
        self.strangers = 0

    def receive(self, frames: list[f.Part]) -> None:
        self.state.receive(frames, self.now)

    def sent(self) -> list[list[f.Part]]:
        return self.state.outgoing

    def send(self, identity: bytes, *frames: f.Part) -> None:
        self.receive([identity, *frames])
        self.collect()

    def collect(self) -> None:
        messages = list(self.sent())
        self.sent().clear()
        for message in messages:
            frames = [part for part in message if isinstance(part, bytes)]
            assert len(frames) == len(message)
            self.take(frames)

    def take(self, frames: list[bytes]) -> None:
        dialect, at = (f.V2, 2) if frames[1] else (f.V1, 3)
        receiver = frames[0]
        if frames[at - 1] == dialect.client:
            if frames[at : at + 1] != list(f.V2.client_partial) or dialect is f.V1:
                self.outcomes[receiver] += 1
        elif frames[at] == dialect.request:
            worker = self.state.workers[receiver]
            if receiver in self.held:
                assert self.held[receiver][0] is not worker, "a worker got a second request"
            self.held[receiver] = (worker, frames[at + 1])

    def busy(self) -> list[bytes]:
        return sorted(name for name, (worker, _) in self.held.items() if self.state.workers.get(name) is worker)

    def do(self, name: bytes) -> None:
        worker, client = self.held.pop(name)
        self.send(name, *f.worker_reply(client, [b"done"], worker.dialect))

    @rule(service=SERVICES, dialect=DIALECTS, ms=st.sampled_from([0, 1000, 10_000]))
    def ask(self, service: bytes, dialect: f.Dialect, ms: int) -> None:
        client = b"client %d" % len(self.asked)
        self.asked.append(client)
        self.send(client, *f.client_request(service, [f.write_header(f.RequestHeader(ms=ms)), b"hi"], dialect))

    @rule(service=SERVICES, dialect=DIALECTS)
    def ask_without_note(self, service: bytes, dialect: f.Dialect) -> None:
        self.strangers += 1
        self.send(b"stranger %d" % self.strangers, *f.client_request(service, [b"hi"], dialect))

    @rule(worker=WORKERS, service=SERVICES, dialect=DIALECTS)
    def register(self, worker: bytes, service: bytes, dialect: f.Dialect) -> None:
        self.send(worker, *f.ready(service, dialect))

    @rule(letter=st.sampled_from([b"a", b"b"]), service=SERVICES)
    def register_a_process(self, letter: bytes, service: bytes) -> None:
        for number in range(3):
            self.send(f.OUR_WORKER + letter * f.PROCESS_BYTES + b"%09d" % number, *f.ready(service))

    @precondition(lambda self: self.busy())
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        self.do(data.draw(st.sampled_from(self.busy())))

    @precondition(lambda self: self.busy())
    @rule(data=st.data())
    def answer_in_parts(self, data: st.DataObject) -> None:
        worker, client = self.held[data.draw(st.sampled_from(self.busy()))]
        if worker.dialect is f.V2 and isinstance(worker.identity, bytes):
            self.send(worker.identity, b"MDPW02", b"\x03", client, b"", b"part")

    @rule(worker=WORKERS, dialect=DIALECTS)
    def beat(self, worker: bytes, dialect: f.Dialect) -> None:
        self.send(worker, *f.heartbeat(dialect))

    @rule(worker=WORKERS)
    def leave(self, worker: bytes) -> None:
        known = self.state.workers.get(worker)
        self.send(worker, *f.disconnect(known.dialect if known else f.V1))

    @rule(worker=WORKERS, dialect=DIALECTS)
    def answer_unasked(self, worker: bytes, dialect: f.Dialect) -> None:
        self.send(worker, *f.worker_reply(b"nobody", [b"unasked"], dialect))

    @rule(worker=WORKERS)
    def cannot_be_reached(self, worker: bytes) -> None:
        known = self.state.workers.get(worker)
        if known is not None:
            self.state.undeliverable([worker, *f.heartbeat(known.dialect)], self.now, gone=True)
            self.collect()

    @rule(identity=WORKERS, frames=JUNK)
    def junk(self, identity: bytes, frames: list[bytes]) -> None:
        self.send(identity, *frames)

    @rule(seconds=st.sampled_from([0.1, 2.4, 2.6, 8.0]))
    def wait(self, seconds: float) -> None:
        for _ in range(4):
            self.now += seconds / 4
            self.state.tick(self.now)
            self.collect()

    @invariant()
    def nothing_has_two_outcomes(self) -> None:
        assert not [client for client, number in self.outcomes.items() if number > 1 and client not in JUNK_CLIENTS]

    @invariant()
    def the_books_agree(self) -> None:
        state = self.state
        for service in state.services.values():
            workers = [worker for worker in state.workers.values() if worker.service is service]
            assert service.workers == len(workers)
            assert service.busy == sum(worker.request is not None for worker in workers)
            idle = [worker for worker in service.idle if not worker.gone]
            assert service.stale == len(service.idle) - len(idle)
            idle += [worker for process in state.workers.processes.values() for worker in idle_slots(process, service)]
            assert sorted(map(id, idle)) == sorted(id(worker) for worker in workers if worker.request is None)
            assert not (idle and service.queue), "a request waits beside an idle worker"
        for name, process in state.workers.processes.items():
            slots = [worker for worker in state.workers.values() if f.process_name(worker.identity) == name]
            assert sum(entry.registered for entry in process.services) == len(slots) > 0
            assert process.load == sum(worker.request is not None for worker in slots)
            assert all(entry.listed_load == (process.load if entry.idle else None) for entry in process.services)
        waiting = [request for service in state.services.values() for request in service.queue]
        assert state.queues.queued_bytes == sum(request.size_bytes for request in waiting)
        done = sum(self.outcomes[client] for client in self.asked)
        ours = [request for request in waiting if request.client in self.asked]
        busy = [worker for worker in state.workers.values() if worker.request and worker.request.client in self.asked]
        assert done + len(ours) + len(busy) == len(self.asked), "a request was lost"

    def teardown(self) -> None:
        """At the end all workers leave and good ones do what is left; then every request has had its outcome."""
        for worker in list(self.state.workers):
            assert isinstance(worker, bytes)
            self.leave(worker)
        for service in (b"safe", b"once"):
            worker = b"last worker of " + service
            self.register(worker, service, f.V1)
            while worker in self.held:
                self.do(worker)
        assert [self.outcomes[client] for client in self.asked] == [1] * len(self.asked)
        assert not self.state.services[b"once"].queue


class BrokerLoop(Broker):
    """The same behind the loop, in which the two commonest messages do not go through `BrokerState.receive`."""

    def __init__(self) -> None:
        super().__init__()
        self.socket = ScriptedSocket()

    def receive(self, frames: list[f.Part]) -> None:
        if len(frames) < 2:
            super().receive(frames)
            return
        self.socket.incoming = [part for part in frames if isinstance(part, bytes)]
        serve(self.socket, self.state, lambda: self.now, lambda: True, 0.1, lambda _: None)
        assert not self.socket.incoming
        assert self.state.counts.errors["internal"] == 0

    def sent(self) -> list[list[f.Part]]:
        flush(self.socket, self.state, self.now)
        return self.socket.sent


TestBroker = Broker.TestCase
TestBroker.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestBrokerLoop = BrokerLoop.TestCase
TestBrokerLoop.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
