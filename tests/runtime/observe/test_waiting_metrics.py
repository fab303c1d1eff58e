"""Work that waits is told by who sends it: at the slow actor and nowhere else, and where the destination has no
instance."""

from __future__ import annotations

import json

import pytest
from gevent.lock import Semaphore

from actorkit import Actor, Event
from actorkit.edge import wire
from actorkit.event.parcel import Parcel
from actorkit.host.scale import waiting_by_actor
from tests.fleet import Fleet, Process, fetch
from tests.runtime.host.setting import DOWN, Setting
from tests.runtime.observe.metric_actors import Asks, Passes, parcel, read
from tests.runtime.observe.reading import Moved, value
from tests.until import until

MOVED = Moved()


class Gated(Actor):
    """Consumes an event each time that it is let."""

    def setup(self) -> None:
        self.gate = Semaphore(0)

    def consume(self, event: Event) -> Event:
        self.gate.acquire()
        return event


class Fails(Actor):
    def consume(self, event: Event) -> Event:
        raise OSError("the disk is full")


@MOVED.by("actorkit_waiting")
def test_what_is_sent_and_not_consumed_waits_and_so_does_what_no_peer_has(setting: Setting) -> None:
    host = setting.start(Asks, f"{DOWN}#mid")
    down = setting.receiver()
    down.welcome(window=2)
    for _ in range(3):
        host.actor.send(Event(b"order"))
    down.hear_events(2)
    MOVED.expect(read(host), "actorkit_waiting", 3, outbox="down", destination="down")
    down.say(wire.Ack(1, 0))
    down.hear_events(1)
    MOVED.expect(read(host), "actorkit_waiting", 2, outbox="down", destination="down")
    assert waiting_by_actor(host) == {"down": 2}
    down.say(wire.Ack(3, 0))
    until(lambda: value(read(host), "actorkit_waiting") == 0, "all are consumed")
    assert value(read(host), "actorkit_in_flight") == 3
    down.say(wire.Ack(3, 3))


def test_each_event_of_a_batch_is_told_as_consumed_when_it_is(setting: Setting) -> None:
    host = setting.start(Gated, f"{DOWN}#mid")
    up, down = setting.sender(host), setting.receiver()
    down.welcome()
    up.hello()
    up.batch(*[parcel(trail="up") for _ in range(4)])
    assert isinstance(host.actor, Gated)
    for count in range(1, 5):
        host.actor.gate.release()
        heard = up.hear()
        while not (isinstance(heard, wire.Ack) and heard.consumed >= count):
            heard = up.hear()
        assert (heard.consumed, heard.ack_floor) == (count, 0)
    down.hear_events(4)
    down.say(wire.Ack(4, 4))
    up.hear_floor(4)


@MOVED.by("actorkit_waiting", "actorkit_oldest_waiting_seconds")
@pytest.mark.parametrize(("outbox", "destination"), [(f"{DOWN}#mid", "down"), (f"{DOWN}?actor=slow#mid", "slow")])
def test_work_for_an_actor_without_any_instance_has_its_name_and_its_age(
    setting: Setting, outbox: str, destination: str
) -> None:
    host = setting.start(Asks, outbox)
    host.actor.send(Event(b"order"))
    MOVED.expect(read(host), "actorkit_waiting", 1, outbox="down", destination=destination)
    assert waiting_by_actor(host) == {destination: 1}
    until(lambda: value(read(host), "actorkit_oldest_waiting_seconds") >= 0.2, "it gets older")
    MOVED.expect_at_least(read(host), "actorkit_oldest_waiting_seconds", 0.2, destination=destination)


@MOVED.by("actorkit_finish_seconds", "actorkit_oldest_unfinished_seconds")
def test_an_event_that_begins_here_is_timed_until_everything_is_finished(setting: Setting) -> None:
    host = setting.start(Asks, f"{DOWN}#mid")
    down = setting.receiver()
    down.welcome()
    host.actor.send(Event(b"order"))
    down.hear_events(1)
    down.say(wire.Ack(1, 0))
    until(lambda: value(read(host), "actorkit_oldest_unfinished_seconds") >= 0.2, "it gets older, though consumed")
    MOVED.expect_at_least(read(host), "actorkit_oldest_unfinished_seconds", 0.2)
    MOVED.expect(read(host), "actorkit_finish_seconds_count", 0)
    down.say(wire.Ack(1, 1))
    until(lambda: value(read(host), "actorkit_finish_seconds_count") == 1)
    MOVED.expect(read(host), "actorkit_finish_seconds_count", 1, outbox="down", destination="down")
    MOVED.expect(read(host), "actorkit_finish_seconds_bucket", 0, le="0.1")
    MOVED.expect(read(host), "actorkit_finish_seconds_bucket", 1, le="300.0")
    MOVED.expect_at_least(read(host), "actorkit_finish_seconds_sum", 0.2)
    MOVED.expect(read(host), "actorkit_oldest_unfinished_seconds", 0)


@MOVED.by("actorkit_bytes_in_total", "actorkit_bytes_out_total")
def test_bytes_of_batches_are_counted_by_box_and_events_on_their_way_through_are_not_timed(setting: Setting) -> None:
    host = setting.start(Passes, f"{DOWN}#mid")
    down, up = setting.receiver(), setting.sender(host)
    down.welcome()
    up.hello(inbox="orders")
    events = [parcel(trail="up"), parcel(trail="up")]
    up.batch(*events)
    came = down.hear()
    assert isinstance(came, wire.Batch)
    MOVED.expect(read(host), "actorkit_bytes_in_total", len(wire.encode(wire.Outgoing(1, events))), inbox="orders")
    fields = [[getattr(one, name) for name in Parcel.__struct_fields__] for one in came.parcels]
    sent = wire.Outgoing(1, [Parcel(*values) for values in fields])
    MOVED.expect(read(host), "actorkit_bytes_out_total", len(wire.encode(sent)), outbox="down")
    down.say(wire.Ack(2, 2))
    up.hear_floor(2)
    assert value(read(host), "actorkit_finish_seconds_count") == 0


def waits(*processes: Process) -> dict[str, float]:
    """What waits for each actor, as these instances say at `/scale`; their metrics say the same."""
    found: dict[str, float] = {}
    for process in processes:
        for destination, count in json.loads(fetch(f"{process.admin}/scale")[1]).items():
            found[destination] = found.get(destination, 0) + count
    return found


def test_the_work_waits_at_the_slow_actor_three_hops_on_and_nowhere_else(fleet: Fleet) -> None:
    count = 300
    sink = fleet.start("sink", "tests.probes:Sink", params=json.dumps({"file": str(fleet.folder / "seen")}))
    slow = fleet.start("slow", "tests.probes:Pass", outbox_sink="sink", params=json.dumps({"pause_s": 30.0}))
    second = fleet.start("second", "tests.probes:Pass", outbox_slow="slow")
    first = fleet.start("first", "tests.probes:Pass", outbox_second="second")
    source = fleet.start("source", "tests.probes:Source", outbox_first="first", params=json.dumps({"count": count}))
    everybody = (source, first, second, slow, sink)
    for process in everybody:
        until(process.ready, "it is ready")
    elsewhere = {"first": 0, "second": 0, "sink": 0}
    until(lambda: waits(*everybody) == {**elsewhere, "slow": count}, "all wait for the slow one", 30, 0.05)
    for process, destination in ((source, "first"), (first, "second"), (second, "slow"), (slow, "sink")):
        expected = count if destination == "slow" else 0
        assert process.metric("actorkit_waiting", destination=destination) == expected
        assert (process.metric("actorkit_oldest_waiting_seconds") > 0) == bool(expected)
    assert source.metric("actorkit_oldest_unfinished_seconds") > 0
    slow.kill()  # and is not there at all
    until(lambda: second.metric("actorkit_peers") == 0, "it is missed", 30, 0.05)
    assert waits(source, first, second) == {"first": 0, "second": 0, "slow": count}
