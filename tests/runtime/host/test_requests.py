"""Requests: an actor that asks while it consumes, and one that asks from native threads."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator

import pytest
from gevent.threadpool import ThreadPool
from lxml import etree

from actorkit import Actor, Event, JSONEvent, MalformedEvent, NotAnswered, NotFound, RequestFailed
from actorkit.director import Director
from tests.runtime.directing import Asker, Keep, begin
from tests.until import until

#: Events that a source makes, and questions that threads ask.
NUMBERS, QUESTIONS = 20, 2000


class Numbers(Actor):
    """Makes some events."""

    def produce(self) -> Iterator[Event]:
        for number in range(NUMBERS):
            yield JSONEvent(number)


class Asks(Actor):
    """Asks by its second outbox, and passes on what comes back."""

    ANSWERS = True
    OUTBOXES = ("service",)

    def consume(self, event: JSONEvent) -> Event:
        try:
            heard = self.request(event, "service", timeout_s=5).encoded()[1].decode()
        except RequestFailed as exc:
            heard = exc.failure.message
        return event.replace([event.data, heard])


class Service(Actor):
    """Answers in XML; an odd number fails."""

    def consume(self, event: JSONEvent) -> Event:
        if event.data % 2:
            raise MalformedEvent(f"odd: {event.data}")
        return event.convert(Event).replace(etree.fromstring(f"<n>{event.data}</n>"))


@pytest.fixture
def switching() -> Iterator[None]:
    """Threads take turns far more often than usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def right(number: int) -> str:
    return f"odd: {number}" if number % 2 else f"<n>{number}</n>"


@pytest.mark.parametrize("params", [{}, {"concurrency": 4}, {"threads": 4}])
def test_an_actor_asks_while_it_consumes(director: Director, params: dict[str, int]) -> None:
    numbers = director.register_actor(Numbers, "numbers")
    asks, service = director.register_actor(Asks, "asks", **params), director.register_actor(Service, "service")
    keep = director.register_actor(Keep, "keep")
    director.connect_queue(numbers, asks)
    director.connect_queue((asks, "service"), service)
    director.connect_queue(service, asks)
    director.connect_queue(asks, keep)
    director.start(block=False)
    kept = director.host("keep").actor
    assert isinstance(kept, Keep)
    until(lambda: len(kept.kept) == NUMBERS, "every event has come through")
    assert sorted(event.data for event in kept.kept) == [[number, right(number)] for number in range(NUMBERS)]
    until(lambda: director.host("asks").idle, "nothing is left")
    assert director.host("asks").outboxes.dropped == {}
    assert director.host("asks").receiver.answers == deque()


@pytest.mark.usefixtures("switching")
def test_many_native_threads_ask_at_once_and_each_has_its_own_answer(director: Director) -> None:
    ask, service = director.register_actor(Asker, "asker"), director.register_actor(Service, "service")
    director.connect_queue(ask, service)
    director.connect_queue(service, ask)
    actor = begin(director)
    threads = ThreadPool(16)

    def question(number: int) -> str:
        try:
            return str(actor.request(JSONEvent(number), timeout_s=10).encoded()[1], "utf-8")
        except RequestFailed as exc:
            return str(exc.failure.message)

    begun = time.monotonic()
    assert threads.map(question, range(QUESTIONS)) == [right(number) for number in range(QUESTIONS)]
    assert time.monotonic() - begun < 10, "nobody waited for the end of its time"
    assert len(director.host("asker").requests) == 0


def test_a_native_thread_is_told_what_its_request_raises(director: Director) -> None:
    ask, keep = director.register_actor(Asker, "asker"), director.register_actor(Keep, "keep")
    director.connect_queue(ask, keep)
    actor = begin(director)
    finished: list[bool] = []

    def question(outbox: str | None) -> Exception | None:
        try:
            actor.request(JSONEvent(1), outbox, timeout_s=5, finished=lambda: finished.append(True))
        except (NotAnswered, NotFound) as exc:
            return exc
        return None

    told = ThreadPool(2).map(question, [None, "nowhere"])
    assert [type(one) for one in told] == [NotAnswered, NotFound]
    until(lambda: len(finished) == 2, "each is finished")
