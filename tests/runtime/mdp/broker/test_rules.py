"""The broker's state machine, rule by rule; the numbers are those of the checklist in docs/majordomo.md."""

from __future__ import annotations

import msgspec
import pytest

from actorkit.mdp import frames as f
from actorkit.mdp.options import BrokerParams
from tests.runtime.mdp.broker.bench import EXPIRY_S, Bench, LoopBench, answered, disconnected, given


@pytest.fixture(params=[Bench, LoopBench], ids=["state", "loop"])
def make(request: pytest.FixtureRequest) -> type[Bench]:
    """The state alone, or behind the loop that the broker runs."""
    kind: type[Bench] = request.param
    return kind


@pytest.fixture
def bench(make: type[Bench]) -> Bench:
    return make()


def test_rule_2_a_request_names_one_client_and_an_empty_frame_follows(bench: Bench) -> None:
    bench.ready(b"w1")
    assert bench.ask(b"c", b"one", b"", b"three") == [given(b"c", b"one", b"", b"three")]


def test_rule_3_requests_wait_for_a_service_that_nobody_has_registered(bench: Bench) -> None:
    assert bench.ask(b"c") == []
    assert bench.ready(b"w1") == [given(b"c")]


def test_rule_3_a_request_that_waited_too_long_is_never_given_to_a_worker(make: type[Bench]) -> None:
    bench = make(BrokerParams(request_timeout_s=5.0))
    bench.ask(b"c")
    bench.later(6)
    assert bench.state.counts.expired == 1
    assert bench.ready(b"w1") == []
    assert bench.state.queues.queued_bytes == 0


def test_rule_4_requests_are_done_in_order_and_the_worker_idle_for_longest_is_next(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ready(b"w2")
    assert bench.ask(b"a") == [given(b"a", to=b"w1")]
    assert bench.ask(b"b") == [given(b"b", to=b"w2")]
    assert bench.ask(b"c") == []
    assert bench.ask(b"d") == []
    assert bench.reply(b"w2", b"b") == [answered(b"b"), given(b"c", to=b"w2")]
    assert bench.reply(b"w1", b"a") == [answered(b"a"), given(b"d", to=b"w1")]
    bench.reply(b"w1", b"d")
    bench.reply(b"w2", b"c")
    assert bench.ask(b"e") == [given(b"e", to=b"w1")]


def test_rule_5_a_worker_has_one_request_at_a_time(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"a")
    assert bench.ask(b"b") == []


def test_rule_6_ready_gets_no_response(bench: Bench) -> None:
    assert bench.ready(b"w1") == []


@pytest.mark.parametrize("busy", [False, True])
def test_rule_7_a_worker_that_disconnected_is_sent_nothing_more(bench: Bench, busy: bool) -> None:
    bench.ready(b"w1")
    if busy:
        bench.ask(b"a")
    assert bench.send(b"w1", b"", b"MDPW01", b"\x05") == []
    assert bench.ask(b"b") == []
    assert bench.later(20) == []


def test_rule_7_disconnect_before_ready_is_no_error(bench: Bench) -> None:
    assert bench.send(b"w1", b"", b"MDPW01", b"\x05") == []
    assert not bench.state.counts.errors


@pytest.mark.parametrize(
    "frames",
    [[b"\x04"], [b"\x03", b"c", b"", b"x"], [b"\x02", b"c", b"", b"x"]],
    ids=["heartbeat", "reply", "request"],
)
def test_rule_9_a_command_before_ready_is_answered_with_disconnect(bench: Bench, frames: list[bytes]) -> None:
    assert bench.send(b"w1", b"", b"MDPW01", *frames) == [disconnected(b"w1")]
    assert bench.error("unexpected") == 1


def test_rule_9_a_second_ready_is_answered_with_disconnect_and_then_silence(bench: Bench) -> None:
    bench.ready(b"w1")
    assert bench.ready(b"w1") == [disconnected(b"w1")]
    assert bench.ask(b"c") == []
    assert bench.later(20) == []


def test_rule_9_a_second_ready_of_a_busy_worker_gives_its_request_to_another(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"c")
    bench.ready(b"w2")
    assert bench.ready(b"w1") == [disconnected(b"w1"), given(b"c", to=b"w2")]


def test_rule_9_a_request_from_a_worker_is_answered_with_disconnect(bench: Bench) -> None:
    bench.ready(b"w1")
    assert bench.send(b"w1", b"", b"MDPW01", b"\x02", b"c", b"", b"x") == [disconnected(b"w1")]


def test_rule_9_a_reply_of_an_idle_worker_is_answered_with_disconnect(bench: Bench) -> None:
    bench.ready(b"w1")
    assert bench.reply(b"w1", b"c") == [disconnected(b"w1")]
    assert bench.error("unexpected") == 1


def test_rule_9_a_command_of_an_expired_worker_is_answered_with_disconnect(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"c")
    bench.later(EXPIRY_S + 1)
    assert bench.reply(b"w1", b"c") == [disconnected(b"w1")]


def test_a_reply_must_name_the_client_whose_request_the_worker_holds(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"c")
    bench.ready(b"w2")
    assert bench.reply(b"w1", b"somebody") == [disconnected(b"w1"), given(b"c", to=b"w2")]
    assert bench.error("wrong_client") == 1


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b""],
        [b"junk"],
        [b"", b""],
        [b"", b"MDPC01"],
        [b"", b"MDPC01", b"echo"],
        [b"x", b"MDPC01", b"echo", b"hi"],
        [b"", b"MDPC09", b"echo", b"hi"],
        [b"", b"MDPW01"],
        [b"MDPC02", b"\x01", b"echo"],
        [b"MDPC02", b"\x07", b"echo", b"hi"],
        [b"MDPW02"],
        [b""] * 5000,
    ],
)
def test_rule_10_what_is_no_message_is_dropped_and_counted(bench: Bench, frames: list[bytes]) -> None:
    assert bench.send(b"x", *frames) == []
    assert bench.state.counts.errors.total() == 1


@pytest.mark.parametrize(
    "frames",
    [[b"", b"MDPW01", b"\x01"], [b"", b"MDPW01", b"\x01", b"echo", b"x"], [b"", b"MDPW01", b"\x77"]],
    ids=["ready without a service", "ready with too much", "unknown command"],
)
def test_rule_10_an_invalid_command_of_a_stranger_is_dropped(bench: Bench, frames: list[bytes]) -> None:
    assert bench.send(b"x", *frames) == []
    assert bench.error("command") == 1
    assert not bench.state.workers


@pytest.mark.parametrize(
    "frames",
    [[b"junk"], [b"", b"MDPW01", b"\x77"], [b"", b"MDPW01", b"\x03"], [b"", b"MDPW01", b"\x03", b"c", b""]],
    ids=["junk", "unknown command", "reply without anything", "reply without a body"],
)
def test_rule_10_a_worker_that_sends_junk_is_disconnected_and_its_request_given_on(
    bench: Bench, frames: list[bytes]
) -> None:
    bench.ready(b"w1")
    bench.ask(b"c")
    bench.ready(b"w2")
    assert bench.send(b"w1", *frames) == [disconnected(b"w1"), given(b"c", to=b"w2")]


@pytest.mark.parametrize("busy", [False, True])
def test_rule_11_idle_and_busy_workers_get_heartbeats(bench: Bench, busy: bool) -> None:
    bench.ready(b"w1")
    if busy:
        bench.ask(b"c")
    beats = bench.later(10, b"w1")
    assert beats == [[b"w1", b"", b"MDPW01", b"\x04"]] * 4


def test_rule_12_a_silent_worker_expires_and_is_sent_nothing_more(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.later(EXPIRY_S)
    assert not bench.state.workers
    assert bench.ask(b"c") == []
    assert bench.later(20) == []


def test_rule_12_a_dead_worker_behind_a_live_one_expires_too(bench: Bench) -> None:
    bench.ready(b"live")
    bench.ready(b"dead")
    bench.later(EXPIRY_S + 0.5, b"live")
    assert bench.ask(b"a") == [given(b"a", to=b"live")]
    assert bench.ask(b"b") == []


def test_rule_13_any_command_counts_as_a_heartbeat(bench: Bench) -> None:
    bench.ready(b"w1")
    for _ in range(5):
        bench.later(5)
        bench.ask(b"c")
        bench.reply(b"w1", b"c")
    assert b"w1" in bench.state.workers


def test_rule_14_a_worker_that_is_sent_requests_gets_no_heartbeats(bench: Bench) -> None:
    bench.ready(b"w1")
    sent: list[list[f.Part]] = []
    for _ in range(20):
        sent += bench.later(1)
        bench.ask(b"c")
        bench.reply(b"w1", b"c")
    assert sent == []


def test_rule_15_the_request_of_a_dead_worker_goes_to_another_ahead_of_the_queue(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"a")
    bench.ask(b"b")
    bench.later(EXPIRY_S + 1)
    assert bench.ready(b"w2") == [given(b"a", to=b"w2")]
    assert bench.state.counts.requeued == 1


def test_a_broker_that_was_stopped_itself_does_not_hold_the_silence_against_workers(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.now += 60
    bench.state.tick(bench.now)
    assert b"w1" in bench.state.workers


def test_rule_22_a_worker_for_an_mmi_service_is_disconnected(bench: Bench) -> None:
    assert bench.ready(b"w1", b"mmi.echo") == [disconnected(b"w1")]
    assert bench.error("mmi_worker") == 1


def test_rule_23_mmi_service_knows_registered_services_only(bench: Bench) -> None:
    ask = b"mmi.service"
    assert bench.ask(b"c", b"echo", service=ask) == [answered(b"c", b"404", service=ask)]
    bench.ask(b"x")
    assert bench.ask(b"c", b"echo", service=ask) == [answered(b"c", b"404", service=ask)]
    bench.ready(b"w1")
    assert bench.ask(b"c", b"echo", service=ask) == [answered(b"c", b"200", service=ask)]
    bench.later(EXPIRY_S + 1)
    assert bench.ask(b"c", b"echo", service=ask) == [answered(b"c", b"404", service=ask)]


def test_rule_24_an_unknown_mmi_service_is_not_implemented(bench: Bench) -> None:
    assert bench.ask(b"c", b"", service=b"mmi.x") == [answered(b"c", b"501", service=b"mmi.x")]


def test_mmi_lease_gives_a_name_to_one_holder(bench: Bench) -> None:
    def ask(holder: str, **more: object) -> object:
        request = msgspec.json.encode({"name": "tick", "holder": holder, "ms": 1000, **more})
        answer = bench.ask(b"c", request, service=b"mmi.lease")[0][-1]
        assert isinstance(answer, bytes)
        return msgspec.json.decode(answer)

    assert ask("a") == {"held": False, "mark": None}
    assert ask("b", renews=True, mark=3) == {"held": True, "mark": 3}
    assert ask("a", renews=True) == {"held": False, "mark": 3}
    assert bench.ask(b"c", b"junk", service=b"mmi.lease")[0][-1] == b"400"


def test_mmi_workers_and_queue_count_and_list(bench: Bench) -> None:
    bench.ready(b"w1")
    for client in (b"a", b"b", b"c"):
        bench.ask(client)
    assert bench.ask(b"m", b"echo", service=b"mmi.workers")[0][-1] == b"1"
    assert bench.ask(b"m", b"echo", service=b"mmi.queue")[0][-1] == b"2"
    bench.now += 1
    listed = bench.ask(b"m", b"", service=b"mmi.queue")[0][-1]
    assert isinstance(listed, bytes)
    assert msgspec.json.decode(listed) == {"echo": {"workers": 1, "busy": 1, "queue": 2, "oldest_s": 1.0}}


def test_rule_25_a_client_of_02_gets_parts_and_the_last_answer(bench: Bench) -> None:
    bench.send(b"w", b"MDPW02", b"\x01", b"echo")
    assert bench.send(b"c", b"MDPC02", b"\x01", b"echo", b"hi") == [[b"w", b"MDPW02", b"\x02", b"c", b"", b"hi"]]
    assert bench.send(b"w", b"MDPW02", b"\x03", b"c", b"", b"1") == [[b"c", b"MDPC02", b"\x02", b"echo", b"1"]]
    assert bench.send(b"w", b"MDPW02", b"\x04", b"c", b"", b"2") == [[b"c", b"MDPC02", b"\x03", b"echo", b"2"]]


def test_rule_26_heartbeat_of_one_version_is_not_the_final_of_the_other(bench: Bench) -> None:
    bench.send(b"w", b"MDPW02", b"\x01", b"echo")
    assert bench.send(b"w", b"MDPW02", b"\x05") == []
    assert b"w" in bench.state.workers
    assert bench.send(b"w", b"MDPW02", b"\x06") == []
    assert not bench.state.workers


def test_a_client_of_01_gets_the_parts_of_a_worker_of_02_as_one_reply(bench: Bench) -> None:
    bench.send(b"w", b"MDPW02", b"\x01", b"echo")
    bench.ask(b"c")
    assert bench.send(b"w", b"MDPW02", b"\x03", b"c", b"", b"1") == []
    assert bench.send(b"w", b"MDPW02", b"\x04", b"c", b"", b"2") == [answered(b"c", b"1", b"2")]


def test_a_client_of_02_is_served_by_a_worker_of_01(bench: Bench) -> None:
    bench.ready(b"w1")
    assert bench.send(b"c", b"MDPC02", b"\x01", b"echo", b"hi") == [given(b"c")]
    assert bench.reply(b"w1", b"c") == [[b"c", b"MDPC02", b"\x03", b"echo", b"yes"]]


def test_a_request_of_which_a_part_was_answered_is_not_done_again(bench: Bench) -> None:
    bench.send(b"w", b"MDPW02", b"\x01", b"echo")
    bench.send(b"c", b"MDPC02", b"\x01", b"echo", b"hi")
    bench.send(b"w", b"MDPW02", b"\x03", b"c", b"", b"1")
    bench.send(b"w", b"MDPW02", b"\x06")
    assert bench.ready(b"w1") == []
    assert bench.error("worker_lost") == 1


def test_a_worker_that_changes_the_version_is_disconnected(bench: Bench) -> None:
    bench.ready(b"w1")
    assert bench.send(b"w1", b"MDPW02", b"\x05") == [disconnected(b"w1")]
