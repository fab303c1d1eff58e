"""Actors with coroutines in one process: what they send, ask and hold, and how they end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import gevent
import pytest

from actorkit import Actor, Event, JSONEvent, RequestFailed
from actorkit.actor import Held
from actorkit.director import Director
from actorkit.errors import SettingsError
from tests.runtime.directing import Asker, Keep, begin
from tests.runtime.host.asyncs import Ticks, Works, Yields
from tests.until import until

Do = Callable[..., Any]


class Service(Actor):
    """Answers with twice the number; not at all where it is told so."""

    def setup(self) -> None:
        self.held: list[Held] = []

    def consume(self, event: JSONEvent) -> Event | None:
        if event.data == "nothing":
            self.held.append(self.hold(event))
            return None
        return event.replace(event.data * 2)


def aside(director: Director) -> list[Any]:
    keep = director.host("keep").actor
    assert isinstance(keep, Keep)
    return [event.data for event in keep.kept]


@pytest.fixture
def do(director: Director, request: pytest.FixtureRequest) -> Do:
    """Has the actor `works` do something; its answer."""
    ask = director.register_actor(Asker, "asker")
    works = director.register_actor(Works, "works", **getattr(request, "param", {}))
    service, keep = director.register_actor(Service, "service"), director.register_actor(Keep, "keep")
    director.connect_queue(ask, works)
    director.connect_queue(works, ask)
    director.connect_queue((works, "aside"), keep)
    director.connect_queue((works, "service"), service)
    director.connect_queue(service, works)
    actor = begin(director)
    return lambda what, timeout_s=10.0, **more: actor.request(JSONEvent({"do": what, **more}), timeout_s=timeout_s).data


def fails(do: Do, what: str, **more: Any) -> tuple[str, str]:
    with pytest.raises(RequestFailed) as failed:
        do(what, **more)
    return failed.value.failure.kind, failed.value.failure.message


def test_a_coroutine_runs_in_an_asyncio_loop_with_helpers_of_its_own(do: Do) -> None:
    running, helped, trace = do("name_of_thread")
    assert (running, helped, len(trace)) == (True, 7, 16)
    assert do("start_thread") == "from a thread"


def test_what_a_coroutine_sends_goes_where_it_says_and_belongs_to_its_event(do: Do, director: Director) -> None:
    assert do("send_some") == "third"
    until(lambda: len(aside(director)) == 2, "both are there")
    assert aside(director) == ["first", "second"]
    keep = director.host("keep").actor
    assert isinstance(keep, Keep)
    assert len({event.trace for event in keep.kept}) == 1


def test_what_a_task_sends_after_its_consume_begins_anew(do: Do, director: Director) -> None:
    assert do("send_later") == "sooner"
    until(lambda: aside(director) == ["later"], "it is there")
    until(lambda: director.host("works").idle, "nothing is left")


def test_what_a_coroutine_cannot_send_is_its_failure(do: Do) -> None:
    assert fails(do, "send_nowhere")[0] == "NotFound"
    assert fails(do, "send_what_cannot_be_sent")[0] == "UnsendableData"


def test_a_coroutine_asks_and_lets_others_go_on(do: Do) -> None:
    assert do("ask_service", **{"with": 4}) == ["heard", 8]
    assert fails(do, "ask_service", **{"with": "nothing", "within_s": 0.1})[0] == "AnswerTimeout"
    assert fails(do, "block")[1].startswith("request() would block all coroutines of the instance; write: await")


def test_a_coroutine_holds_an_event_and_another_lets_go_of_it(do: Do, director: Director) -> None:
    waiting = [gevent.spawn(do, "hold_it") for _ in range(3)]
    works = director.host("works")
    until(lambda: works.outboxes.holds == 3, "all are held")
    assert do("let_go") == "done"
    assert [one.get(timeout=5) for one in waiting] == ["let go"] * 3
    waiting = [gevent.spawn(fails, do, "hold_it")]
    until(lambda: works.outboxes.holds == 1, "it is held")
    assert do("let_fail") == "done"
    assert waiting[0].get(timeout=5) == ("MalformedEvent", "held in vain")
    until(lambda: works.idle, "nothing is left")
    assert works.outboxes.holds == 0


@pytest.mark.parametrize("do", [{"consume_timeout_s": 0.1, "concurrency": 2}], indirect=True)
def test_a_coroutine_that_takes_too_long_is_cancelled_and_its_event_fails(do: Do) -> None:
    assert fails(do, "wait") == ("ConsumeTimeout", "consume took longer than 0.1 s (consume_timeout_s)")
    assert do("how_it_ended") == ["cancelled"]


def test_a_coroutine_that_is_cancelled_from_within_fails_as_others_do(do: Do) -> None:
    assert fails(do, "cancel_itself")[0] == "CancelledError"


@pytest.mark.parametrize("do", [{"concurrency": 8}], indirect=True)
def test_as_many_coroutines_are_at_work_as_concurrency_says(do: Do, director: Director) -> None:
    asking = [gevent.spawn(do, "ask_service", **{"with": "nothing"}) for _ in range(12)]
    service = director.host("service").actor
    assert isinstance(service, Service)
    until(lambda: len(service.held) == 8, "eight ask")
    gevent.sleep(0.05)  # No more do, whatever time they have.
    assert len(service.held) == 8
    while not all(one.dead for one in asking):
        for held in service.held:
            held.complete()
        gevent.sleep(0.01)


def test_a_coroutine_may_yield_its_events(director: Director) -> None:
    ask, yields = director.register_actor(Asker, "asker"), director.register_actor(Yields, "yields")
    keep = director.register_actor(Keep, "keep")
    director.connect_queue(ask, yields)
    director.connect_queue(yields, keep)
    actor = begin(director)
    actor.send(JSONEvent(5))
    until(lambda: aside(director) == [0, 1, 2, 3, 4], "all have come")


def test_a_timer_never_overlaps_with_itself_and_ends_at_a_drain(director: Director) -> None:
    ticks, keep = director.register_actor(Ticks, "ticks"), director.register_actor(Keep, "keep")
    director.connect_queue(ticks, keep)
    director.start(block=False)
    host = director.host("ticks")
    until(lambda: len(aside(director)) == 5, "it ticks")
    host.drain()
    until(lambda: host.timers.idle, "the last call has ended")
    seen = len(aside(director))
    gevent.sleep(0.1)  # No more come, whatever time they have.
    assert len(aside(director)) <= seen + 1
    assert set(map(str, aside(director))) == {"{'at work': 1}"}


def test_a_coroutine_needs_no_threads(director: Director) -> None:
    director.register_actor(Works, "works", threads=2)
    with pytest.raises(SettingsError, match="threads: consume is a coroutine"):
        director.start(block=False)


class Plain(Actor):
    """Has no coroutine."""

    def consume(self, event: Event) -> Event:
        return event


def test_an_actor_without_coroutines_has_no_thread_for_them(director: Director) -> None:
    before = threading.active_count()
    director.register_actor(Plain, "plain")
    director.start(block=False)
    assert director.host("plain").methods.beat is None
    assert threading.active_count() == before


class Order(Actor):
    """Coroutines one at a time, as `concurrency` is 1."""

    async def setup(self) -> None:
        self.seen: list[int] = []

    async def consume(self, event: JSONEvent) -> None:
        self.seen.append(event.data)


class Many(Actor):
    def produce(self) -> Iterator[Event]:
        yield from map(JSONEvent, range(2000))


def test_events_are_consumed_in_their_order(director: Director) -> None:
    many, order = director.register_actor(Many, "many"), director.register_actor(Order, "order")
    director.connect_queue(many, order)
    director.start(block=False)
    actor = director.host("order").actor
    assert isinstance(actor, Order)
    until(lambda: len(actor.seen) == 2000, "all have come")
    assert all(a < b for a, b in pairwise(actor.seen))
    until(lambda: director.host("order").idle, "all are acknowledged")
