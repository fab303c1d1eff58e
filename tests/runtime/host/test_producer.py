"""When a source gives way to the others in the process, waits for its window, and ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from gevent.event import Event as Flag

from actorkit import Actor, Event, JSONEvent
from actorkit.director import Director
from actorkit.host.consumer import SLICE_S
from actorkit.host.producer import SLICE_EVENTS, STRIDE, Pace, SourceWindow
from tests.runtime.directing import Keep
from tests.until import until


class Clock:
    """Goes on when it is told to; notes when others were let run."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds == 0
        self.pauses.append(self.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Space:
    """The window of a source whose events are never finished, but when it waits for that."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.taken = 0
        self.waits: list[int] = []

    @property
    def full(self) -> bool:
        return self.taken >= self.window

    @property
    def left(self) -> int:
        return self.window - self.taken

    def wait(self) -> None:
        self.waits.append(self.taken)
        self.taken = 0


def kept(clock: Clock, *seconds: float, space: Space | None = None) -> list[int]:
    """Make events that take so long each; returns at which ones the pace was kept."""
    space = space or Space(1 << 20)
    pace, look, looks = Pace(cast(SourceWindow, space), clock.read, clock.sleep), 1, []
    for count, one in enumerate(seconds, 1):
        clock.now += one
        space.taken += 1
        if count >= look:
            looks.append(count)
            look = pace.keep(count)
    return looks


def test_a_quick_source_seldom_looks_and_gives_way_by_number(clock: Clock) -> None:
    looks = kept(clock, *[0.0] * (3 * SLICE_EVENTS + 1))
    assert looks[:3] == [1, 1 + STRIDE, 1 + 2 * STRIDE]
    assert len(clock.pauses) == 3


def test_a_slow_source_gives_way_after_every_event(clock: Clock) -> None:
    assert kept(clock, *[SLICE_S * 2] * 10) == list(range(1, 11))
    assert len(clock.pauses) == 10


def test_a_source_that_becomes_slow_keeps_the_others_waiting_for_one_stride(clock: Clock) -> None:
    slow = [SLICE_S * 2] * (STRIDE + 3)
    assert kept(clock, 0.0, *slow) == [1, 1 + STRIDE, 2 + STRIDE, 3 + STRIDE, 4 + STRIDE]
    assert len(clock.pauses) == 4


def test_a_source_that_becomes_quick_seldom_looks_again(clock: Clock) -> None:
    assert kept(clock, SLICE_S * 2, *[0.0] * (STRIDE + 1)) == [1, 2, 2 + STRIDE]


@pytest.mark.parametrize("window", [1, 2, 20, STRIDE, 3 * STRIDE - 1])
def test_a_quick_source_waits_when_its_window_is_full_and_not_before(clock: Clock, window: int) -> None:
    space = Space(window)
    kept(clock, *[0.0] * (10 * window), space=space)
    assert set(space.waits) == {window}
    assert len(space.waits) == 10


class Taker(Actor):
    """Takes something from somewhere, when it is told to, and sends it."""

    def setup(self) -> None:
        self.go_on = Flag()
        self.taken = 0

    def produce(self) -> Iterator[Event]:
        while True:
            self.taken += 1
            yield JSONEvent(self.taken)
            if self.taken == 3:
                self.go_on.wait()


def test_what_a_source_has_taken_is_sent_when_it_is_told_to_end_meanwhile(director: Director) -> None:
    taker, keep = director.register_actor(Taker, "taker"), director.register_actor(Keep, "keep")
    director.connect_queue(taker, keep)
    director.start(block=False)
    director.wait_ready()
    source, sink = director.host("taker").actor, director.host("keep").actor
    assert isinstance(source, Taker)
    assert isinstance(sink, Keep)
    until(lambda: len(sink.kept) == 3)
    director.host("taker").drain()
    source.go_on.set()
    until(lambda: len(sink.kept) == 4)
    assert director.stop()
    assert [event.convert(JSONEvent).data for event in sink.kept] == [1, 2, 3, 4]
    assert source.taken == 4


class Typist(Actor):
    """Makes text where an event is wanted."""

    def produce(self) -> Iterator[Event]:
        yield cast(Event, "text")


@pytest.mark.parametrize("sinks", [1, 2])
def test_a_source_that_makes_something_else_than_events_says_what_it_made(
    director: Director, caplog: pytest.LogCaptureFixture, sinks: int
) -> None:
    typist = director.register_actor(Typist, "typist")
    for number in range(sinks):
        director.connect_queue(typist, director.register_actor(Keep, f"keep-{number}"))
    director.start(block=False)
    until(lambda: "produce made 'text', of the type str; yield events, as Event(data)" in caplog.text)
    director.stop()
