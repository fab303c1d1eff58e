"""Sources whose events have positions: what they are told of them, when, and under which names events leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gevent
import pytest
from gevent.event import Event as Flag

from actorkit import Actor, Event, MalformedEvent, Position, Settlement, UnsendableData
from actorkit.director import Director
from actorkit.edge import wire
from actorkit.event.parcel import MAX_BODY_BYTES
from tests.runtime.directing import Keep
from tests.runtime.host.setting import DOWN, Setting
from tests.runtime.host.settling import Awaiting, Lines
from tests.until import until


class Through(Actor):
    def consume(self, event: Event) -> Event:
        return event


class Judge(Actor):
    """Fails for the numbers in `bad`, and counts what it consumes."""

    def setup(self) -> None:
        self.bad: set[str] = set()
        self.seen: Counter[str] = Counter()
        self.keys: dict[str, set[str]] = {}

    def consume(self, event: Event) -> Event:
        self.seen[event.text()] += 1
        self.keys.setdefault(event.text(), set()).add(event.key)
        if event.text() in self.bad:
            raise MalformedEvent("not this one")
        return event


def line(
    director: Director, *between: type[Actor], errors: bool = False, cls: type[Lines] = Lines
) -> tuple[Lines, Judge]:
    """lines -> … -> judge -> keep."""
    source = director.register_actor(cls, "lines")
    nodes = [director.register_actor(cls, f"between-{number}") for number, cls in enumerate(between)]
    judge, keep = director.register_actor(Judge, "judge"), director.register_actor(Keep, "keep")
    for one, other in zip([source, *nodes, judge], [*nodes, judge, keep], strict=True):
        director.connect_queue(one, other)
    if errors:
        director.connect_error_queue(judge, director.register_actor(Keep, "errors"))
    director.start(block=False)
    director.wait_ready()
    lines, judging = director.host("lines").actor, director.host("judge").actor
    assert isinstance(lines, Lines)
    assert isinstance(judging, Judge)
    return lines, judging


@pytest.mark.parametrize("cls", [Lines, Awaiting])
def test_a_source_is_told_once_of_each_event_and_how_far_all_is_settled(director: Director, cls: type[Lines]) -> None:
    lines, _ = line(director, Through, cls=cls)
    lines.order(*range(0, 3000, 3))
    until(lambda: lines.count == 1000)
    assert lines.settled == dict.fromkeys(range(0, 3000, 3))
    assert lines.floor == 2997
    assert len(lines.told) < 500, "in batches"
    until(lambda: director.host("lines").idle)


@pytest.mark.parametrize("errors", [False, True], ids=["dead letter", "error outbox"])
def test_a_source_is_told_what_failed_be_it_a_dead_letter_or_in_an_error_outbox(
    director: Director, errors: bool
) -> None:
    lines, judge = line(director, Through, Through, errors=errors)
    judge.bad = {"2"}
    lines.order(1, 2, 3)
    until(lambda: lines.count == 3)
    failure = lines.settled.pop(2)
    assert failure is not None
    assert (failure.kind, failure.message, failure.actor) == ("MalformedEvent", "not this one", "judge")
    assert lines.settled == {1: None, 2: failure, 3: None}
    assert lines.floor == 3, "what failed leaves no hole"


def test_an_event_that_failed_is_tried_again_under_the_same_key_as_often_as_it_comes(director: Director) -> None:
    lines, judge = line(director, Through)
    judge.bad = {"2"}
    for times in range(1, 4):
        lines.order(2)
        until(lambda times=times: lines.count == times)  # type: ignore[misc]  # mypy knows no default of a lambda
        assert lines.settled[2] is not None
        assert judge.seen == {"2": times}
    judge.bad = set()
    lines.order(2)
    until(lambda: lines.count == 4)
    assert lines.settled == {2: None}
    assert judge.seen == {"2": 4}
    assert len(judge.keys["2"]) == 1
    lines.order(2)
    until(lambda: lines.count == 5)
    assert judge.seen == {"2": 4}, "it was done, and so it is a repeat"


def test_an_event_that_is_under_way_is_not_consumed_again_when_it_comes_once_more(director: Director) -> None:
    lines, judge = line(director, Through)
    lines.order(7, 7, 7)
    until(lambda: lines.count == 3)
    assert judge.seen == {"7": 1}


def test_an_event_that_cannot_be_sent_has_failed_and_the_source_goes_on(director: Director) -> None:
    class Long(Lines):
        def produce(self) -> Iterator[Event]:
            yield Event(b"x" * (MAX_BODY_BYTES + 1), position=Position(self.STREAM, 1))
            yield Event(object(), position=Position(self.STREAM, 2))
            yield Event(b"3", position=Position(self.STREAM, 3))

    director.connect_queue(director.register_actor(Long, "long"), director.register_actor(Keep, "keep"))
    director.start(block=False)
    long = director.host("long").actor
    assert isinstance(long, Long)
    until(lambda: long.count == 3)
    assert [failure and failure.kind for _, failure in sorted(long.settled.items(), key=str)] == [
        "MalformedEvent",
        "UnsendableData",
        None,
    ]


class Pusher(Lines):
    """Is told from outside what to send, as a listener is."""

    def produce(self) -> Iterator[Event]:
        while not self.runtime.draining:
            gevent.sleep(0.01)
            yield from ()


def test_an_event_with_a_position_may_be_sent_from_anywhere_in_a_source(director: Director) -> None:
    director.connect_queue(director.register_actor(Pusher, "pusher"), director.register_actor(Keep, "keep"))
    director.start(block=False)
    director.wait_ready()
    pusher = director.host("pusher").actor
    assert isinstance(pusher, Pusher)
    event = Event("x", position=Position("mails", "7@example.com"))
    pusher.send(event)
    pusher.send(Event("without"))
    until(lambda: pusher.count == 1)
    keep = director.host("keep").actor
    assert isinstance(keep, Keep)
    until(lambda: len(keep.kept) == 2)
    assert keep.kept[0].key == event.key
    assert pusher.settled == {"7@example.com": None}
    until(lambda: director.host("pusher").idle)


class Careless(Actor):
    def produce(self) -> Iterator[Event]:
        yield Event(b"x")
        yield Event(b"x", position=Position("s", 1))


@pytest.mark.parametrize("sinks", [1, 2])
def test_a_position_that_nobody_would_be_told_of_is_refused(
    director: Director, caplog: pytest.LogCaptureFixture, sinks: int
) -> None:
    careless = director.register_actor(Careless, "careless")
    for number in range(sinks):
        director.connect_queue(careless, director.register_actor(Keep, f"keep-{number}"))
    director.start(block=False)
    until(lambda: "the event is at s@1, and its actor has no `settle`" in caplog.text)
    with pytest.raises(UnsendableData, match="and its actor has no `settle`"):
        director.host("keep-0").actor.send(Event("x", position=Position("s", 1)))
    director.stop()


class Clumsy(Lines):
    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:
        super().settle(settlements, floors)
        raise OSError("the database is away")


class ClumsyCoroutine(Awaiting):
    async def settle(  # type: ignore[override]  # as an actor may
        self, settlements: Sequence[Settlement], floors: Mapping[str, int]
    ) -> None:
        await super().settle(settlements, floors)
        raise OSError("the database is away")


@pytest.mark.parametrize("cls", [Clumsy, ClumsyCoroutine])
def test_an_outside_that_cannot_be_told_ends_the_instance_and_is_told_nothing_more(
    director: Director, caplog: pytest.LogCaptureFixture, cls: type[Lines]
) -> None:
    director.connect_queue(director.register_actor(cls, "clumsy"), director.register_actor(Keep, "keep"))
    director.start(block=False)
    director.wait_ready()
    host = director.host("clumsy")
    assert isinstance(host.actor, Lines)
    host.actor.order(1)
    until(lambda: isinstance(host.crashed, OSError))
    assert "settle failed" in caplog.text
    director.stop(0)
    assert (len(host.actor.told), host.actor.given_back) == (1, [])


class Slow(Lines):
    """Takes its time to tell the outside."""

    def setup(self) -> None:
        super().setup()
        self.go_on = Flag()
        self.made = 0

    def produce(self) -> Iterator[Event]:
        for event in super().produce():
            self.made += 1
            yield event

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:
        super().settle(settlements, floors)
        self.go_on.wait()


def start(setting: Setting, cls: type[Lines], **settings: Any) -> Any:
    """Start a source whose peer the test plays."""
    host = setting.start(cls, f"{DOWN}#mid", None, **settings)  # type: ignore[arg-type]  # it has no inbox
    return host, host.actor


def test_an_outside_that_is_slow_to_hear_holds_the_source_back(setting: Setting) -> None:
    receiver = setting.receiver()
    host, slow = start(setting, Slow, source_window=4)
    receiver.welcome()
    slow.order(*range(20))
    receiver.hear_events(4)
    receiver.say(wire.Ack(4, 4))
    until(lambda: slow.count == 4)
    gevent.sleep(0)
    assert (slow.made, host.outboxes.roots) == (4, 4), "their places are free when it has been told"
    slow.go_on.set()
    receiver.hear_events(4)
    assert slow.made == 8


@pytest.mark.parametrize("cls", [Lines, Awaiting])
def test_what_is_unfinished_when_the_time_to_drain_is_over_is_given_back(setting: Setting, cls: type[Lines]) -> None:
    receiver = setting.receiver()
    host, lines = start(setting, cls)
    receiver.welcome()
    lines.order(1, 2, 3, 4)
    receiver.hear_events(4)
    receiver.say(wire.Ack(4, 1, [3]))
    until(lambda: lines.count == 2)
    assert not host.finish(0)
    assert [position.at for position in lines.given_back] == [2, 4]
    assert (lines.floor, lines.torn_down_after) == (1, 1 + 2)


def test_every_replica_gives_the_same_names_and_marks_what_another_may_have_sent(setting: Setting) -> None:
    receiver = setting.receiver()
    heard = []
    for instance in ("mid-1", "mid-2"):
        _, lines = start(setting, Lines, instance=instance)
        receiver.welcome()
        lines.order(1, 2)
        heard.append([(one.id, one.trace, one.redelivered) for one in receiver.hear_events(2)])
    assert heard[0] == heard[1]
    assert [redelivered for *_, redelivered in heard[0]] == [True, True]
    assert len({id_ for id_, *_ in heard[0]} | {trace for _, trace, _ in heard[0]}) == 4
