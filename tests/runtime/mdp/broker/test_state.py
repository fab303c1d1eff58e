"""What the RFC leaves open, as the broker's state machine does it: bounds, deadlines, refusals, requeueing, drain."""

from __future__ import annotations

import pytest

from actorkit.mdp.broker.state import BrokerState
from actorkit.mdp.frames import Part
from actorkit.mdp.options import BrokerParams, ServiceOptions
from tests.runtime.mdp.broker.bench import EXPIRY_S, Bench, LoopBench, answered, disconnected, given, refusal


@pytest.fixture(params=[Bench, LoopBench], ids=["state", "loop"])
def make(request: pytest.FixtureRequest) -> type[Bench]:
    """The state alone, or behind the loop that the broker runs."""
    kind: type[Bench] = request.param
    return kind


@pytest.fixture
def bench(make: type[Bench]) -> Bench:
    return make()


def test_a_full_queue_refuses_our_client_and_is_silent_to_others(make: type[Bench]) -> None:
    bench = make(BrokerParams(queue_limit=1))
    bench.ask(b"a")
    assert bench.ask(b"b") == []
    (message,) = bench.ask_ours(b"c")
    assert message[:4] == answered(b"c")[:4]
    assert refusal(message).status == 503
    assert bench.error("queue_full") == 2


def test_all_queues_together_are_bounded_in_bytes(make: type[Bench]) -> None:
    bench = make(BrokerParams(queue_bytes_limit=200))
    for client in (b"a", b"b", b"c"):
        assert bench.ask_ours(client, b"x" * 60, service=client) == []
    (message,) = bench.ask_ours(b"d", b"x" * 60, service=b"d")
    assert refusal(message).status == 503
    assert bench.error("queue_bytes") == 1
    assert list(bench.state.services) == [b"a", b"b", b"c"]
    assert bench.state.queues.queued_bytes == 180


def test_one_client_may_have_half_of_the_bytes_that_wait_and_others_are_let_in_yet(make: type[Bench]) -> None:
    bench = make(BrokerParams(queue_bytes_limit=10_000))
    sent = [message for _ in range(100) for message in bench.ask_ours(b"hog", b"x" * 1000)]
    assert {refusal(message).status for message in sent} == {503}
    assert bench.state.queues.queued_bytes == 5000
    for client in (b"a", b"b"):
        assert bench.ask_ours(client, b"x" * 1000) == []
    assert bench.ask_ours(b"hog", b"x" * 1000)


def test_a_request_that_is_too_large_is_refused(make: type[Bench]) -> None:
    bench = make(BrokerParams(max_body_bytes=100))
    (message,) = bench.ask_ours(b"b", b"x" * 60, b"x" * 60)
    assert refusal(message).status == 413


def test_a_request_that_is_too_large_is_never_met_with_silence(make: type[Bench]) -> None:
    bench = make(BrokerParams(max_body_bytes=100))
    (message,) = bench.ask(b"foreign", b"x" * 101)
    assert message[:4] == answered(b"foreign")[:4]
    assert refusal(message).status == 413
    (message,) = bench.send(b"foreign", b"MDPC02", b"\x01", b"echo", b"x" * 101)
    assert message[:4] == [b"foreign", b"MDPC02", b"\x03", b"echo"]
    assert bench.ask(b"c", b"", service=b"mmi.max_body") == [answered(b"c", b"100", service=b"mmi.max_body")]


def test_names_that_only_clients_mention_are_bounded_and_forgotten(make: type[Bench]) -> None:
    bench = make(BrokerParams(max_services=2, request_timeout_s=5))
    for name in (b"a", b"b", b"c"):
        bench.ask(b"x", service=name)
    assert bench.error("too_many_services") == 1
    bench.later(6)
    assert not bench.state.services


def test_ten_thousand_made_up_names_shut_nobody_out(make: type[Bench]) -> None:
    bench = make()
    told = [sent for number in range(10_000) for sent in bench.ask_ours(b"stranger", service=b"made-up-%d" % number)]
    assert {refusal(message).status for message in told} == {503}
    assert bench.error("too_many_services") == len(told) == 9_900
    assert bench.ask(b"client", service=b"late") == []
    assert bench.ready(b"w1", b"late") == [given(b"client")]
    assert bench.ready(b"w2", b"unheard of") == []
    assert bench.ask(b"client", service=b"unheard of") == [given(b"client", to=b"w2")]
    bench.later(61)
    assert not [name for name in bench.state.services if isinstance(name, bytes) and name.startswith(b"made-up")]
    assert bench.ask_ours(b"stranger", service=b"made-up-again") == []


def test_a_worker_gets_its_service_though_names_of_clients_are_as_many_as_may_be(make: type[Bench]) -> None:
    bench = make(BrokerParams(max_services=2))
    for name in (b"a", b"b"):
        bench.ask(b"x", service=name)
    assert bench.ready(b"w1", b"c") == []
    assert bench.ready(b"w2", b"a") == [given(b"x", to=b"w2")]
    assert bench.ask(b"x", service=b"d") == []
    assert bench.error("too_many_services") == 0


def test_nobody_waits_for_long_for_a_name_that_no_worker_has(make: type[Bench]) -> None:
    bench = make(BrokerParams(request_timeout_s=1))
    for _ in range(2):
        bench.ask_ours(b"c", ms=2**40)
    assert [refusal(message).status for message in bench.later(10.5)] == [504, 504]


@pytest.mark.parametrize("name", [b"", b"\xff\xfe", b"a\x00b", b"x" * 256])
def test_a_service_has_a_printable_name(bench: Bench, name: bytes) -> None:
    (message,) = bench.ask_ours(b"c", service=name)
    assert refusal(message).status == 400
    bench.ready(b"w", name)
    assert bench.error("service_name") == 2


def test_the_header_of_our_client_never_reaches_a_worker(bench: Bench) -> None:
    bench.ready(b"w1")
    assert bench.ask_ours(b"c", b"one", b"two") == [given(b"c", b"one", b"two")]


def test_the_deadline_of_a_client_travels_with_its_request(bench: Bench) -> None:
    bench.ask_ours(b"c", ms=1500)
    (message,) = bench.later(2)
    assert refusal(message).status == 504
    assert bench.ready(b"w1") == []


def test_an_expired_request_is_not_given_out_even_before_the_sweep(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"a")
    bench.ask_ours(b"b", ms=1000)
    bench.now += 2
    sent = bench.reply(b"w1", b"a")
    assert sent[0] == answered(b"a")
    assert refusal(sent[1]).status == 504
    assert len(sent) == 2
    assert bench.ask(b"d") == [given(b"d")]


def test_a_service_that_is_not_idempotent_refuses_at_once_when_its_worker_dies(make: type[Bench]) -> None:
    bench = make(BrokerParams(services={"echo": ServiceOptions(idempotent=False)}))
    bench.ready(b"w1")
    bench.ask_ours(b"c")
    sent = bench.later(EXPIRY_S + 1)
    assert [refusal(message).status for message in sent if message[0] == b"c"] == [502]
    assert bench.ready(b"w2") == []


def test_a_request_that_our_draining_worker_did_not_begin_is_given_on_in_any_case(
    make: type[Bench],
) -> None:
    bench = make(BrokerParams(services={"echo": ServiceOptions(idempotent=False)}))
    bench.ready(b"AK1worker")
    bench.ask_ours(b"c")
    bench.ready(b"w2")
    assert bench.send(b"AK1worker", b"", b"MDPW01", b"\x05") == [given(b"c", to=b"w2")]


def test_a_request_that_kills_its_workers_is_given_up(make: type[Bench]) -> None:
    bench = make(BrokerParams(max_deliveries=2))
    bench.ask_ours(b"c")
    for worker in (b"w1", b"w2"):
        assert bench.ready(worker) == [given(b"c", to=worker)]
        sent = bench.send(worker, b"", b"MDPW01", b"\x05")
    assert refusal(sent[0]).status == 502
    assert bench.state.is_idle()


def test_of_workers_that_fall_silent_together_none_is_given_the_request_of_another(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ready(b"w2")
    bench.ask(b"c")
    sent = bench.later(EXPIRY_S + 1)
    assert [message for message in sent if message[-1] == b"hi"] == []
    assert bench.ready(b"w3") == [given(b"c", to=b"w3")]


def test_the_request_of_one_of_several_workers_that_fall_silent_together_waits_for_the_next(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ready(b"w2")
    bench.ask(b"c1")
    bench.reply(b"w1", b"c1")
    assert bench.ask(b"c2") == [given(b"c2", to=b"w2")]
    bench.later(EXPIRY_S)
    assert not bench.state.workers
    assert bench.ready(b"w3") == [given(b"c2", to=b"w3")]


def test_a_worker_that_cannot_be_reached_loses_its_request_at_once(bench: Bench) -> None:
    bench.ready(b"w1")
    (message,) = bench.ask(b"c")
    bench.state.undeliverable(message, bench.now, gone=True)
    assert not bench.state.workers
    assert bench.ready(b"w2") == [given(b"c", to=b"w2")]


def test_the_answer_of_a_worker_that_has_ended_counts_though_its_end_is_noticed_first(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ready(b"w2")
    bench.ask(b"c")
    heartbeat: list[Part] = [b"w1", b"", b"MDPW01", b"\x04"]
    bench.state.undeliverable(heartbeat, bench.now, gone=True)
    bench.state.tick(bench.now, inbox_empty=False)
    assert bench.reply(b"w1", b"c") == [answered(b"c")]
    bench.state.tick(bench.now)
    assert list(bench.state.workers) == [b"w2"]
    assert bench.state.counts.requeued == 0


def test_a_busy_worker_that_has_ended_without_an_answer_loses_its_request_when_all_is_read(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ready(b"w2")
    bench.ask(b"c")
    bench.state.undeliverable([b"w1", b"", b"MDPW01", b"\x04"], bench.now, gone=True)
    bench.state.tick(bench.now, inbox_empty=False)
    assert bench.take() == []
    bench.state.tick(bench.now, inbox_empty=True)
    assert bench.take() == [given(b"c", to=b"w2")]


def test_a_worker_that_has_ended_is_given_up_though_there_is_always_something_to_read(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"c")
    bench.state.undeliverable([b"w1", b"", b"MDPW01", b"\x04"], bench.now, gone=True)
    for _ in range(21):
        bench.state.tick(bench.now, inbox_empty=False)
    assert not bench.state.workers


def test_an_answer_for_a_client_that_went_is_counted_and_dropped(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"c")
    (message,) = bench.reply(b"w1", b"c")
    bench.state.undeliverable(message, bench.now, gone=True)
    assert bench.error("client_gone") == 1
    assert bench.ask(b"d") == [given(b"d")]


def test_a_draining_broker_finishes_what_it_has_and_refuses_what_is_new(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"a")
    bench.ask(b"b")
    bench.state.drain(bench.now)
    (message,) = bench.ask_ours(b"c")
    assert refusal(message).status == 503
    assert bench.reply(b"w1", b"a") == [answered(b"a"), given(b"b")]
    assert not bench.state.is_idle()
    bench.reply(b"w1", b"b")
    assert bench.state.is_idle()


def test_clients_that_asked_are_told_when_the_broker_begins_to_drain(bench: Bench) -> None:
    assert bench.ask(b"c1", b"", service=b"mmi.draining") == []
    assert bench.send(b"c2", b"MDPC02", b"\x01", b"mmi.draining", b"") == []
    bench.state.drain(bench.now)
    assert bench.take() == [
        [b"c1", b"", b"MDPC01", b"mmi.draining", b"200"],
        [b"c2", b"MDPC02", b"\x03", b"mmi.draining", b"200"],
    ]
    assert bench.ask(b"c3", b"", service=b"mmi.draining") == [answered(b"c3", b"200", service=b"mmi.draining")]


def test_no_more_clients_are_remembered_than_the_limit(bench: Bench) -> None:
    bench.state = BrokerState(BrokerParams(), bench.now, max_watchers=2)
    for number in range(3):
        bench.ask(b"c%d" % number, b"", service=b"mmi.draining")
    bench.state.drain(bench.now)
    assert [message[0] for message in bench.take()] == [b"c1", b"c2"]


def test_the_farewell_refuses_what_is_left_and_disconnects_workers(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask_ours(b"a")
    bench.ask_ours(b"b")
    bench.state.shut_down()
    sent = bench.take()
    assert [message[0] for message in sent] == [b"a", b"w1", b"b"]
    assert sent[1] == disconnected(b"w1")
    assert bench.state.is_idle()


def test_workers_that_come_and_go_beside_an_idle_one_leave_nothing_behind(bench: Bench) -> None:
    bench.ready(b"stays")
    for number in range(1000):
        bench.ready(b"w%d" % number)
        bench.send(b"w%d" % number, b"", b"MDPW01", b"\x05")
    assert len(bench.state.services[b"echo"].idle) < 50


def test_the_state_can_be_read_at_three_in_the_morning(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"a")
    bench.ask(b"b")
    assert repr(bench.state) == "<BrokerState 1 services, 1 workers, 1 waiting>"
    assert repr(bench.state.services[b"echo"]) == "<Service echo: 1 workers, 1 busy, 1 waiting>"
    assert repr(bench.state.workers[b"w1"]) == "<Worker w1 (0.1) of echo: busy>"
