"""Every metric of a broker and of a registration service moves, and has the value that docs/majordomo.md says it has.

The state machines have a clock of their own here, so that ages and times are exact.
"""

from __future__ import annotations

import re

import pytest

from actorkit.mdp.broker.metrics import OTHER, BrokerCollector
from actorkit.mdp.directory.metrics import DirectoryCollector
from actorkit.mdp.directory.state import HEADER, LIST, Directory
from actorkit.mdp.options import BrokerParams
from tests.places import DOCS
from tests.runtime.mdp.broker.bench import EXPIRY_S, Bench, LoopBench
from tests.runtime.mdp.directory.test_state import announce
from tests.runtime.observe.reading import Moved, documented, value

MOVED = Moved()
TEXT = (DOCS / "majordomo.md").read_text()


@pytest.fixture(params=[Bench, LoopBench], ids=["state", "loop"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """The state alone, or behind the loop that the broker runs and that counts the commonest messages itself."""
    made: Bench = request.param()
    return made


def read(bench: Bench, denied: int = 0) -> BrokerCollector:
    return BrokerCollector(lambda: bench.state, lambda: bench.now, lambda: denied)


@MOVED.by("actorkit_broker_requests_total", "actorkit_broker_answers_total", "actorkit_broker_request_seconds")
def test_a_request_and_its_answer_are_counted_and_timed(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"c1")
    bench.now += 0.2
    MOVED.expect(read(bench), "actorkit_broker_answers_total", 0)
    bench.reply(b"w1", b"c1")
    bench.ask(b"c2")
    MOVED.expect(read(bench), "actorkit_broker_requests_total", 2)
    MOVED.expect(read(bench), "actorkit_broker_answers_total", 1)
    MOVED.expect(read(bench), "actorkit_broker_request_seconds_count", 1)
    MOVED.expect(read(bench), "actorkit_broker_request_seconds_bucket", 0, le="0.1")
    MOVED.expect(read(bench), "actorkit_broker_request_seconds_bucket", 1, le="0.25")
    assert value(read(bench), "actorkit_broker_request_seconds_sum") == pytest.approx(0.2)


@MOVED.by("actorkit_broker_queue_depth", "actorkit_broker_queue_oldest_seconds")
@MOVED.by("actorkit_broker_workers", "actorkit_broker_busy_workers")
def test_what_waits_and_who_works_are_counted_for_each_service(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ready(b"w2")
    bench.ready(b"w3", b"other")
    for number in range(2):
        bench.ask(b"c%d" % number)
    MOVED.expect(read(bench), "actorkit_broker_busy_workers", 2, service="echo")
    bench.ask(b"c2")
    bench.now += 3
    bench.ask(b"c3")
    MOVED.expect(read(bench), "actorkit_broker_queue_depth", 2, service="echo")
    MOVED.expect(read(bench), "actorkit_broker_queue_oldest_seconds", 3, service="echo")
    MOVED.expect(read(bench), "actorkit_broker_workers", 2, service="echo")
    MOVED.expect(read(bench), "actorkit_broker_workers", 1, service="other")
    MOVED.expect(read(bench), "actorkit_broker_busy_workers", 0, service="other")
    MOVED.expect(read(bench), "actorkit_broker_queue_depth", 0, service="other")


def test_a_name_that_only_clients_mention_is_no_label(bench: Bench) -> None:
    for name in (b"made-up-1", b"made-up-2"):
        bench.ask(b"c", service=name)
    MOVED.expect(read(bench), "actorkit_broker_queue_depth", 2, service=OTHER)
    MOVED.expect(read(bench), "actorkit_broker_queue_depth", 2)


@MOVED.by("actorkit_broker_expired_total", "actorkit_broker_errors_total")
def test_a_request_that_nobody_took_in_time_is_counted_as_expired(bench: Bench) -> None:
    bench.ask_ours(b"c1", ms=1000)
    bench.ask_ours(b"c2", ms=9000)
    bench.later(2)
    MOVED.expect(read(bench), "actorkit_broker_expired_total", 1)
    MOVED.expect(read(bench), "actorkit_broker_errors_total", 1, reason="expired")


@MOVED.by("actorkit_broker_requeued_total", "actorkit_broker_errors_total")
def test_a_request_whose_worker_is_lost_is_counted_as_requeued(bench: Bench) -> None:
    bench.ready(b"w1")
    bench.ask(b"c1")
    bench.later(EXPIRY_S + 1)
    MOVED.expect(read(bench), "actorkit_broker_requeued_total", 1)
    MOVED.expect(read(bench), "actorkit_broker_errors_total", 1, reason="worker_expired")
    MOVED.expect(read(bench), "actorkit_broker_workers", 0)


@MOVED.by("actorkit_broker_mmi_total")
def test_a_request_for_the_broker_itself_is_counted_apart(bench: Bench) -> None:
    bench.ask(b"c1", b"echo", service=b"mmi.service")
    bench.ask(b"c1", b"echo", service=b"mmi.nothing")
    MOVED.expect(read(bench), "actorkit_broker_mmi_total", 2)


@MOVED.by("actorkit_broker_errors_total")
def test_what_went_wrong_is_counted_by_reason(bench: Bench) -> None:
    bench.send(b"x", b"", b"nonsense", b"")
    bench.ask(b"c", b"x", service=b"\xff")
    bench.reply(b"stranger", b"c")
    MOVED.expect(read(bench), "actorkit_broker_errors_total", 1, reason="frames")
    MOVED.expect(read(bench), "actorkit_broker_errors_total", 1, reason="service_name")
    MOVED.expect(read(bench), "actorkit_broker_errors_total", 1, reason="unexpected")
    MOVED.expect(read(bench, denied=5), "actorkit_broker_errors_total", 5, reason="denied")
    MOVED.expect(read(bench, denied=5), "actorkit_broker_errors_total", 8)


def test_a_service_beyond_those_with_metrics_of_their_own_is_counted_with_the_others() -> None:
    bench = Bench(BrokerParams(metric_services=1))
    for number, name in enumerate((b"a", b"b", b"c")):
        bench.ready(b"w%d" % number, name)
    MOVED.expect(read(bench), "actorkit_broker_workers", 1, service="a")
    MOVED.expect(read(bench), "actorkit_broker_workers", 2, service=OTHER)


@MOVED.by("actorkit_registration_brokers", "actorkit_registration_listings_total")
@MOVED.by("actorkit_registration_errors_total")
def test_a_registration_service_counts_brokers_and_messages_that_were_no_good() -> None:
    directory, now = Directory(0.0), 0.0
    collector = DirectoryCollector(lambda: directory, lambda: now)
    directory.receive(announce("tcp://a:1", ttl_s=3), now)
    directory.receive(announce("tcp://b:1", ttl_s=9), now)
    MOVED.expect(collector, "actorkit_registration_brokers", 2)
    now = 5.0
    MOVED.expect(collector, "actorkit_registration_brokers", 1)
    directory.receive([b"nonsense"], now)
    directory.receive([b"", HEADER, b"no command"], now)
    directory.receive([b"", HEADER, LIST], now)
    directory.receive(announce("udp://c:1"), now)
    MOVED.expect(collector, "actorkit_registration_listings_total", 1)
    for reason in ("frames", "command", "endpoint"):
        MOVED.expect(collector, "actorkit_registration_errors_total", 1, reason=reason)
    MOVED.expect(collector, "actorkit_registration_errors_total", 3)


def test_every_documented_metric_was_made_to_move() -> None:
    in_prose = set(re.findall(r"`(actorkit_registration_\w+)`", TEXT))
    assert documented("majordomo.md") | in_prose == MOVED.names
