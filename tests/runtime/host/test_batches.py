"""`consume_batch`: what one call gets, how long it waits, and what becomes of its events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gevent
import pytest

from actorkit import Actor, BatchFailed, Event, JSONEvent, MalformedEvent
from actorkit.director import Director
from actorkit.edge import wire
from actorkit.event.parcel import Parcel
from tests.runtime.directing import Asker, Keep, begin
from tests.runtime.host.setting import Setting
from tests.until import until


class Store(Actor):
    """Remembers its batches, does what their numbers say, and passes on the even ones."""

    Params = Actor.BatchParams

    def setup(self) -> None:
        self.batches: list[list[Any]] = []
        self.bad: set[int] = set()
        self.trouble: list[Exception] = []

    def consume_batch(self, events: Sequence[JSONEvent]) -> list[Event] | None:
        self.batches.append([event.data for event in events])
        if self.trouble:
            raise self.trouble.pop()
        if bad := {event: MalformedEvent("bad") for event in events if event.data in self.bad}:
            raise BatchFailed(bad)
        return [event.replace(event.data * 10) for event in events if event.data % 2 == 0] or None


class AsyncStore(Store):
    """The same as a coroutine, which also sends."""

    OUTBOXES = ("aside",)

    async def consume_batch(self, events: Sequence[JSONEvent]) -> list[Event] | None:  # type: ignore[override]
        for event in events:
            self.send(event.replace(f"seen {event.data}"), "aside")
        return super().consume_batch(events)


class Holds(Actor):
    """Holds all of a batch, and makes one event of the first."""

    Params = Actor.BatchParams

    def consume_batch(self, events: list[JSONEvent]) -> None:
        held = [self.hold(event) for event in events]
        self.send(events[0].replace([event.data for event in events]))
        for one in held:
            one.complete()


class Invents(Actor):
    """Gives an event that was made of none of the batch."""

    Params = Actor.BatchParams

    def consume_batch(self, events: list[Event]) -> Event:
        return Event("new")


def graph(director: Director, cls: type[Actor], **params: Any) -> tuple[Actor, Any, Any]:
    """asker -> store -> keep, failures to `errors`: the actors that asks, stores, and the errors."""
    ask, store = director.register_actor(Asker, "asker"), director.register_actor(cls, "store", **params)
    keep, errors = director.register_actor(Keep, "keep"), director.register_actor(Keep, "errors")
    director.connect_queue(ask, store)
    director.connect_queue(store, keep)
    director.connect_error_queue(store, errors)
    actor = begin(director)
    return actor, director.host("store").actor, director.host("errors").actor


def kept(director: Director, name: str = "keep") -> list[Any]:
    keep = director.host(name).actor
    assert isinstance(keep, Keep)
    return sorted(event.data for event in keep.kept)


def put(actor: Actor, numbers: Sequence[int]) -> None:
    for number in numbers:
        actor.send(JSONEvent(number))


def finished(director: Director) -> None:
    until(lambda: all(director.host(name).idle for name in ("asker", "store")), "all is acknowledged")


@pytest.mark.parametrize("cls", [Store, AsyncStore])
def test_what_is_there_is_consumed_together_and_acknowledged(director: Director, cls: type[Actor]) -> None:
    actor, store, _ = graph(director, cls)
    put(actor, range(10))
    finished(director)
    assert store.batches == [list(range(10))]
    until(lambda: kept(director) == [0, 20, 40, 60, 80], "what it gave has come")


def test_a_batch_is_no_longer_than_it_may_be(director: Director) -> None:
    actor, store, _ = graph(director, Store, batch_size=4)
    put(actor, range(10))
    finished(director)
    assert store.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_full_batch_is_not_waited_for_and_one_that_is_not_full_no_longer_than_it_may(director: Director) -> None:
    actor, store, _ = graph(director, Store, batch_size=4, batch_wait_s=0.3)
    begun = time.monotonic()
    put(actor, [0, 1])
    until(lambda: director.host("store").receiver.in_work == 2, "two are there")
    put(actor, [2, 3])
    until(lambda: store.batches == [[0, 1, 2, 3]], "it is full")
    assert time.monotonic() - begun < 0.3
    begun = time.monotonic()
    put(actor, [4])
    until(lambda: store.batches[1:] == [[4]], "the time is over")
    assert 0.25 < time.monotonic() - begun < 2


def test_a_batch_is_not_waited_for_in_a_drain(director: Director) -> None:
    actor, store, _ = graph(director, Store, batch_size=4, batch_wait_s=60)
    put(actor, [0])
    until(lambda: director.host("store").receiver.in_work == 1, "it is there")
    begun = time.monotonic()
    assert director.stop()
    assert store.batches == [[0]]
    assert time.monotonic() - begun < 5


def test_an_exception_has_all_of_them_fail(director: Director) -> None:
    actor, store, errors = graph(director, Store)
    store.trouble = [OSError("the disk is full")]
    put(actor, range(3))
    finished(director)
    assert kept(director, "errors") == [0, 1, 2]
    assert {event.failure.kind for event in errors.kept} == {"OSError"}


def test_only_those_fail_that_the_actor_names(director: Director) -> None:
    actor, store, errors = graph(director, Store)
    store.bad = {1, 4}
    put(actor, range(6))
    finished(director)
    assert kept(director, "errors") == [1, 4]
    assert {event.failure.message for event in errors.kept} == {"bad"}


def test_what_failed_is_tried_again_if_that_can_help(director: Director) -> None:
    actor, store, _ = graph(director, Store, retries=1, backoff_s=0.01)
    store.bad, store.trouble = {1}, [OSError("not now")]
    put(actor, range(3))
    finished(director)
    assert store.batches == [[0, 1, 2], [0, 1, 2]]
    assert kept(director, "errors") == [1], "a MalformedEvent does not get better"


def test_what_is_not_what_the_actor_wants_fails_by_itself(director: Director) -> None:
    actor, store, errors = graph(director, Store)
    put(actor, [0])
    actor.send(Event.unread("j", b"{not JSON"))
    put(actor, [2])
    finished(director)
    assert store.batches == [[0, 2]]
    assert [event.failure.status for event in errors.kept] == [400]


def test_events_of_a_batch_can_be_held_and_become_one(director: Director) -> None:
    actor, *_ = graph(director, Holds)
    put(actor, range(5))
    finished(director)
    assert kept(director) == [[0, 1, 2, 3, 4]]
    assert director.host("store").outboxes.holds == 0


def test_an_event_that_belongs_to_none_of_the_batch_is_the_actor_s_mistake(director: Director) -> None:
    actor, _, errors = graph(director, Invents)
    put(actor, range(2))
    finished(director)
    assert {event.failure.kind for event in errors.kept} == {"UnsendableData"}
    assert "write event.replace(...)" in errors.kept[0].failure.message


@pytest.mark.parametrize("params", [{"threads": 2}, {"concurrency": 3}])
def test_batches_run_in_threads_and_beside_each_other(director: Director, params: dict[str, int]) -> None:
    actor, store, _ = graph(director, Store, batch_size=10, **params)
    put(actor, range(500))
    finished(director)
    assert sorted(number for batch in store.batches for number in batch) == list(range(500))
    assert max(map(len, store.batches)) <= 10
    until(lambda: kept(director) == [number * 10 for number in range(0, 500, 2)], "what it gave has come")


def test_a_repeat_in_a_batch_is_consumed_once_and_acknowledged(setting: Setting) -> None:
    host = setting.start(Store)
    store: Any = host.actor
    up = setting.sender(host)
    up.say(wire.Hello(wire.VERSION, "test", "up", "up-1", "mid", "up", 64))
    assert isinstance(up.hear(), wire.Welcome)
    parcels = [Parcel(number + 1, 0, "j", str(number).encode(), b"", None, True) for number in (0, 1, 0, 2, 1)]
    up.say(wire.Outgoing(1, parcels, True))
    until(lambda: store.batches == [[0, 1, 2]], "each is consumed once")
    until(lambda: host.idle, "all are finished")
    ack = up.hear()
    assert isinstance(ack, wire.Ack)
    assert (ack.consumed, ack.ack_floor) == (5, 5)


def test_the_annotation_of_the_list_says_which_class_is_wanted() -> None:
    assert Store.input_class() is JSONEvent
    assert Holds.input_class() is JSONEvent
    assert Invents.input_class() is Event


def test_one_call_waits_and_others_go_on(director: Director) -> None:
    """The gathering greenlet gives the loop its turns."""
    actor, store, _ = graph(director, Store, batch_size=3, batch_wait_s=0.05)
    for number in range(7):
        put(actor, [number])
        gevent.sleep(0)
    finished(director)
    assert sorted(number for batch in store.batches for number in batch) == list(range(7))
