"""Every metric of an actor is made to move, and has the value that docs/metrics.md says it has."""

from __future__ import annotations

from collections.abc import Iterable

import gevent
import pytest
from gevent.event import Event as Flag

from actorkit import Actor, Event
from actorkit.edge import wire
from actorkit.observe.figures import Figure
from tests.runtime.host.setting import DOWN, Setting
from tests.runtime.observe.metric_actors import Asks, Passes, parcel, read
from tests.runtime.observe.reading import Moved, documented, value
from tests.runtime.observe.test_drop_metrics import MOVED as DROPS
from tests.runtime.observe.test_waiting_metrics import MOVED as WAITING
from tests.until import until

MOVED = Moved()


class Waits(Actor):
    """Passes an event on when it is told to."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        consume_s: float = 0.0

    def setup(self) -> None:
        self.go_on = Flag()

    def consume(self, event: Event) -> Event:
        self.go_on.wait()
        gevent.sleep(self.params.consume_s)
        return event


class Counts(Passes):
    def figures(self) -> Iterable[Figure]:
        yield Figure("actorkit_orders", "orders that are open", 2)
        yield Figure("actorkit_orders_seen_total", "orders seen", 3)
        yield Figure("actorkit_joins", "joins by outcome", 4, "outcome", "whole")


def test_a_figure_that_only_grows_is_a_counter(setting: Setting) -> None:
    collector = read(setting.start(Counts))
    kinds = {family.name: family.type for family in collector.collect()}
    assert [kinds[f"actorkit_{name}"] for name in ("orders", "orders_seen", "joins")] == ["gauge", "counter", "counter"]
    assert value(collector, "actorkit_orders_seen_total") == 3
    assert value(collector, "actorkit_joins_total", outcome="whole") == 4


@MOVED.by("actorkit_build_info", "actorkit_peers", "actorkit_ready")
def test_an_instance_is_ready_when_every_outbox_has_a_peer(setting: Setting) -> None:
    host = setting.start(Passes, f"{DOWN}#mid")
    MOVED.expect(read(host), "actorkit_build_info", 1, version="1.2.3", topology="test", actor="mid")
    MOVED.expect(read(host), "actorkit_peers", 0)
    MOVED.expect(read(host), "actorkit_ready", 0)
    setting.receiver().welcome()
    until(lambda: host.ready)
    MOVED.expect(read(host), "actorkit_peers", 1, outbox="down", destination="down")
    MOVED.expect(read(host), "actorkit_ready", 1)
    host.drain()
    MOVED.expect(read(host), "actorkit_ready", 0)


@MOVED.by("actorkit_events_in_total", "actorkit_events_out_total")
@MOVED.by("actorkit_in_work", "actorkit_in_flight", "actorkit_backlog")
def test_events_are_counted_on_their_way_through(setting: Setting) -> None:
    host = setting.start(Waits, f"{DOWN}#mid")
    down, up = setting.receiver(), setting.sender(host)
    down.welcome(window=2)
    up.hello(inbox="orders")
    for _ in range(3):
        up.batch(parcel())
    until(lambda: value(read(host), "actorkit_events_in_total") == 3)
    MOVED.expect(read(host), "actorkit_in_work", 1)  # the other two wait for their turn
    MOVED.expect(read(host), "actorkit_events_in_total", 3, inbox="orders")
    MOVED.expect(read(host), "actorkit_events_out_total", 0, outbox="down")
    assert isinstance(host.actor, Waits)
    host.actor.go_on.set()
    assert len(down.hear_events(2)) == 2
    until(lambda: value(read(host), "actorkit_in_work") == 3)  # consumed, and not finished before they are downstream
    MOVED.expect(read(host), "actorkit_events_out_total", 2, outbox="down")
    MOVED.expect(read(host), "actorkit_in_flight", 2, outbox="down", destination="down")
    MOVED.expect(read(host), "actorkit_backlog", 1, outbox="down", destination="down")
    down.say(wire.Ack(2, 2))
    down.hear_events(1)
    down.say(wire.Ack(3, 3))
    up.hear_floor(3)
    for name in ("actorkit_in_work", "actorkit_in_flight", "actorkit_backlog"):
        MOVED.expect(read(host), name, 0)
    MOVED.expect(read(host), "actorkit_events_out_total", 3)


@MOVED.by("actorkit_unfinished")
def test_an_event_that_began_here_is_unfinished_until_it_is_acknowledged(setting: Setting) -> None:
    host = setting.start(Asks, f"{DOWN}#mid")
    down = setting.receiver()
    down.welcome()
    host.actor.send(Event(b"one"))
    host.actor.send(Event(b"two"))
    down.hear_events(2)
    MOVED.expect(read(host), "actorkit_unfinished", 2)
    down.say(wire.Ack(2, 1))
    until(lambda: value(read(host), "actorkit_unfinished") == 1)
    down.say(wire.Ack(2, 2))
    until(lambda: value(read(host), "actorkit_unfinished") == 0)


@MOVED.by("actorkit_consume_seconds")
def test_a_consume_is_counted_in_the_bucket_of_its_time(setting: Setting) -> None:
    host = setting.start(Waits, params={"consume_s": 0.06})
    up = setting.sender(host)
    up.hello()
    assert isinstance(host.actor, Waits)
    host.actor.go_on.set()
    up.batch(parcel(), parcel())
    up.hear_floor(2)
    name = "actorkit_consume_seconds"
    MOVED.expect(read(host), f"{name}_bucket", 0, le="0.05")
    MOVED.expect(read(host), f"{name}_bucket", 2, le="+Inf")
    MOVED.expect(read(host), f"{name}_count", 2)
    MOVED.expect_at_least(read(host), f"{name}_sum", 0.12)


@MOVED.by("actorkit_oldest_consume_seconds")
def test_an_event_that_is_consumed_for_long_has_an_age(setting: Setting) -> None:
    host = setting.start(Waits)
    up = setting.sender(host)
    up.hello()
    up.batch(parcel())
    name = "actorkit_oldest_consume_seconds"
    until(lambda: value(read(host), name) > 0.5, "its age is seen, and grows")
    MOVED.expect_at_least(read(host), name, 0.5, actor="mid")
    assert isinstance(host.actor, Waits)
    host.actor.go_on.set()
    up.hear_floor(1)
    MOVED.expect(read(host), name, 0)


@MOVED.by("actorkit_events_redelivered_total", "actorkit_duplicates_total")
def test_an_event_that_comes_twice_is_redelivered_and_a_duplicate(setting: Setting) -> None:
    host = setting.start(Passes)
    first, second = setting.sender(host, "up-1"), setting.sender(host, "up-2")
    first.hello()
    second.hello()
    first.batch(parcel(7))
    first.hear_floor(1)
    second.batch(parcel(7, redelivered=True), parcel(8, redelivered=True), parcel(9))
    second.hear_floor(3)
    MOVED.expect(read(host), "actorkit_events_in_total", 4)
    MOVED.expect(read(host), "actorkit_events_redelivered_total", 2)
    MOVED.expect(read(host), "actorkit_duplicates_total", 1)


@MOVED.by("actorkit_dedup_forgotten_total")
def test_events_that_are_forgotten_for_want_of_memory_are_counted(setting: Setting) -> None:
    host = setting.start(Passes, dedup_bytes=1)
    up = setting.sender(host)
    up.hello(window=4096)
    for number in range(5):
        up.batch(*[parcel() for _ in range(512)])
        up.hear_floor(512 * (number + 1))
    MOVED.expect(read(host), "actorkit_dedup_forgotten_total", 2048)


HELLO = wire.Hello(wire.VERSION, "test", "up", "up-1", "down", "up", 1)


@pytest.mark.parametrize(
    ("reason", "messages"),
    [
        ("malformed", ["no message"]),
        ("stranger", [wire.Outgoing(1, [parcel()])]),
        ("version", [wire.Hello(99, "test", "up", "up-1", "down", "up", 1)]),
        ("topology", [wire.Hello(wire.VERSION, "other", "up", "up-1", "down", "up", 1)]),
        ("gap", [HELLO, wire.Outgoing(2, [parcel()])]),
        ("overrun", [HELLO, wire.Outgoing(1, [parcel(), parcel()])]),
    ],
)
@MOVED.by("actorkit_frames_rejected_total")
def test_a_message_that_is_no_good_is_counted_by_reason(setting: Setting, reason: str, messages: list[object]) -> None:
    host = setting.start(Passes)
    up = setting.sender(host)
    for message in messages:
        up.say(message)
    while not isinstance(up.hear(), wire.Refuse):
        pass
    MOVED.expect(read(host), "actorkit_frames_rejected_total", 1, reason=reason)
    MOVED.expect(read(host), "actorkit_frames_rejected_total", 1)


@MOVED.by("actorkit_connections_lost_total")
def test_a_connection_that_ends_without_a_goodbye_is_counted(setting: Setting) -> None:
    host = setting.start(Passes, inbox="tcp://127.0.0.1:*")
    polite, rude = setting.sender(host, "up-1"), setting.sender(host, "up-2")
    polite.hello()
    rude.hello()
    polite.say(wire.Bye())
    until(lambda: len(host.receiver.sessions) == 1)
    polite.close()
    rude.close()
    until(lambda: value(read(host), "actorkit_connections_lost_total"))
    MOVED.expect(read(host), "actorkit_connections_lost_total", 1)


@MOVED.by("actorkit_peers_unread")
def test_a_sender_that_does_not_read_is_counted_until_it_does(setting: Setting) -> None:
    host = setting.start(Passes, inbox="tcp://127.0.0.1:*")
    up = setting.sender(host)
    up.hello()
    assert host.listener is not None
    listener = host.listener

    def is_full() -> bool:
        host.receiver.drain()
        listener.flush()
        return bool(listener.unread)

    until(is_full, "the queues on the way are full, however long they are", pause_s=0)
    MOVED.expect(read(host), "actorkit_peers_unread", 1)
    while value(read(host), "actorkit_peers_unread"):
        assert isinstance(up.hear(), wire.Drain)


def test_every_documented_metric_was_made_to_move() -> None:
    assert documented("metrics.md") == MOVED.names | DROPS.names | WAITING.names
