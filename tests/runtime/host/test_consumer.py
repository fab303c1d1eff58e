"""What comes of a consume: handles, several events, retries, threads, and when it is acknowledged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event as Flag

from actorkit import (
    Actor,
    AnswerTimeout,
    Event,
    Held,
    JSONEvent,
    MalformedEvent,
    NotFound,
    RateExceeded,
    ServiceUnavailable,
)
from actorkit.deadletters.box import letters
from actorkit.director import Director
from actorkit.errors import NotAnswered
from actorkit.event.parcel import Parcel
from tests.runtime.directing import Asker, Keep, begin
from tests.runtime.host.setting import Setting
from tests.until import until


class Several(Actor):
    OUTBOXES = ("audit",)

    def consume(self, event: JSONEvent) -> Iterator[Event]:
        self.send(event, "audit")
        for number in range(event.data):
            yield event.replace(data=number)


class Later(Actor):
    """Finishes an event when the next one comes."""

    def setup(self) -> None:
        self.held: Held | None = None

    def consume(self, event: JSONEvent) -> None:
        first, self.held = self.held, self.hold(event)
        if first is not None and event.data == "fail":
            first.fail(MalformedEvent("too late"))
        elif first is not None:
            first.complete(JSONEvent("done"))
            first.complete(JSONEvent("twice"))


class Flaky(Actor):
    """Fails the first two times."""

    def setup(self) -> None:
        self.tries = 0

    def consume(self, event: Event) -> Event:
        self.tries += 1
        if self.tries < 3:
            raise OSError("not yet")
        return event


class Counts(Actor):
    """Fails each time in the way that the event names, and counts."""

    tries = 0

    def consume(self, event: JSONEvent) -> Event:
        type(self).tries += 1
        raise {
            "os": ConnectionError("x"),
            "client": NotFound("x"),
            "later": RateExceeded("x"),
            "away": ServiceUnavailable(),
        }[event.data]


class Returns(Actor):
    """Returns what is no event."""

    def consume(self, event: JSONEvent) -> Any:
        match event.data:
            case "number":
                return 5
            case "text":
                return "text"
            case "list":
                return [{"total": 12}]
            case "generator":
                return (number for number in (1, 2))
            case "set":
                return event.replace({"ids": {1}})
            case "sent":
                self.send(event.replace({"ids": float("nan")}))
        return event


class Afterwards(Actor):
    """Sends when its consume is over."""

    def consume(self, event: JSONEvent) -> None:
        gevent.spawn_later(event.data, self.send, event.replace(data="afterwards"))


class Threaded(Actor):
    """Sends from a native thread."""

    def consume(self, event: JSONEvent) -> Event:
        import threading

        native = threading.get_native_id()
        self.send(event.replace(data=native), "side")
        return event.replace(data=native)


class Ten(Actor):
    """Makes ten events."""

    def produce(self) -> Iterator[Event]:
        for number in range(10):
            yield JSONEvent(number)


class Hesitant(Actor):
    """Passes events on; waits at the sixth."""

    def setup(self) -> None:
        self.go_on = Flag()

    def consume(self, event: Event) -> Event:
        if event.encoded()[1] == b"5":
            self.go_on.wait()
        return event


def test_a_held_event_is_unfinished_until_its_handle_ends_it(director: Director) -> None:
    ask, later = director.register_actor(Asker, "asker"), director.register_actor(Later, "later")
    director.connect_queue(ask, later)
    director.connect_queue(later, ask)
    director.connect_error_queue(later, ask)
    actor = begin(director)
    with pytest.raises(AnswerTimeout):
        actor.request(JSONEvent("a"), timeout_s=0.05)
    assert director.host("later").receiver.in_work
    first = gevent.spawn(actor.request, JSONEvent("b"), None, timeout_s=5)
    until(lambda: director.host("later").receiver.inboxes and director.host("asker").outboxes.roots == 1)
    second = gevent.spawn(actor.request, JSONEvent("fail"), None, timeout_s=5)
    assert first.get(timeout=5).failure.message == "too late"
    last = gevent.spawn(actor.request, JSONEvent("c"), None, timeout_s=5)
    assert second.get(timeout=5).data == "done"
    later_actor = director.host("later").actor
    assert isinstance(later_actor, Later)
    assert later_actor.held is not None
    later_actor.held.complete()
    with pytest.raises(NotAnswered):
        last.get(timeout=5)


def test_several_events_from_one_and_a_copy_by_name(director: Director) -> None:
    ask, several = director.register_actor(Asker, "asker"), director.register_actor(Several, "several")
    keep, audit = director.register_actor(Keep, "keep"), director.register_actor(Keep, "audit")
    director.connect_queue(ask, several)
    director.connect_queue(several, keep)
    director.connect_queue((several, "audit"), audit)
    with pytest.raises(NotAnswered):
        begin(director).request(JSONEvent(3), timeout_s=5)
    kept, audited = director.host("keep").actor, director.host("audit").actor
    assert isinstance(kept, Keep)
    assert isinstance(audited, Keep)
    assert [event.data for event in kept.kept] == [0, 1, 2]
    assert [event.data for event in audited.kept] == [3]
    assert len({event.id for event in [*kept.kept, *audited.kept]}) == 4
    assert len({event.trace for event in [*kept.kept, *audited.kept]}) == 1


@pytest.mark.parametrize(
    ("how", "retry_on", "tries"),
    [
        ("os", (), 3),
        ("away", (), 3),
        ("client", (), 1),
        ("later", (), 1),
        ("later", (429,), 3),
        ("os", (429, "OSError"), 3),
        ("away", ("OSError",), 1),
    ],
)
def test_only_what_can_get_better_is_tried_again(
    director: Director, how: str, retry_on: tuple[str | int, ...], tries: int
) -> None:
    Counts.tries = 0
    ask = director.register_actor(Asker, "asker")
    counts = director.register_actor(Counts, "counts", retries=2, backoff_s=0.001, retry_on=retry_on)
    director.connect_queue(ask, counts)
    director.connect_error_queue(counts, ask)
    assert begin(director).request(JSONEvent(how), timeout_s=5).failure is not None
    assert Counts.tries == tries


@pytest.mark.parametrize("threads", [0, 1])
def test_a_held_event_that_fails_is_a_dead_letter_of_the_inbox_that_it_came_into(
    setting: Setting, threads: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    host = setting.start(Later, params={"threads": threads}, dead_letters=tmp_path)
    up = setting.sender(host)
    up.hello(inbox="wanted")
    up.batch(*(Parcel(number, 0, "j", b'"fail"', b"") for number in (1, 2)))
    (letter,) = until(lambda: list(letters(tmp_path)), "the first one has failed")
    assert (letter.id, letter.inbox) == (f"{1:016x}", "wanted")
    assert host.consumer is not None
    assert host.consumer.failed == {"wanted": 1}
    assert "consume failed: MalformedEvent: too late" in caplog.text


@pytest.mark.parametrize("threads", [0, 1])
@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("number", "returned 5, of the type int; return an Event, an iterable of events, or None"),
        ("text", "returned 'text', of the type str"),
        ("list", "gave {'total': 12}, of the type dict"),
        ("generator", "gave 1, of the type int"),
        ("set", "data['ids'] is of the type set; use a list"),
        ("sent", "data['ids'] is nan"),
    ],
)
def test_what_an_actor_does_wrong_is_told_as_its_own_mistake(
    director: Director, how: str, told: str, threads: int
) -> None:
    ask, returns = director.register_actor(Asker, "asker"), director.register_actor(Returns, "returns", threads=threads)
    director.connect_queue(ask, returns)
    director.connect_queue(returns, ask)
    director.connect_error_queue(returns, ask)
    failure = begin(director).request(JSONEvent(how), timeout_s=5).failure
    assert failure is not None
    assert (failure.kind, failure.status) == ("UnsendableData", 500)
    assert failure.message.startswith("returns made what cannot be sent: ")
    assert told in failure.message


def test_retries_come_before_the_error_outbox(director: Director) -> None:
    ask = director.register_actor(Asker, "asker")
    flaky = director.register_actor(Flaky, "flaky", retries=2, backoff_s=0.001)
    director.connect_queue(ask, flaky)
    director.connect_queue(flaky, ask)
    assert begin(director).request(JSONEvent("x"), timeout_s=5).failure is None
    consumer = director.host("flaky").consumer
    assert consumer is not None
    assert (consumer.retried, consumer.failed) == (2, {})


def test_threads_consume_outside_the_loop(director: Director) -> None:
    import threading

    ask, threaded = director.register_actor(Asker, "asker"), director.register_actor(Threaded, "threaded", threads=2)
    keep = director.register_actor(Keep, "keep")
    director.connect_queue(ask, threaded)
    director.connect_queue(threaded, ask)
    director.connect_queue((threaded, "side"), keep)
    answer = begin(director).request(JSONEvent("x"), timeout_s=5)
    assert answer.data != threading.get_native_id()
    kept = director.host("keep").actor
    assert isinstance(kept, Keep)
    assert answer.data in [event.data for event in kept.kept]


def test_what_is_sent_after_its_event_is_finished_begins_anew(director: Director) -> None:
    ask, after = director.register_actor(Asker, "asker"), director.register_actor(Afterwards, "afterwards")
    keep = director.register_actor(Keep, "keep")
    director.connect_queue(ask, after)
    director.connect_queue(after, keep)
    actor = begin(director)
    for _ in range(3):
        with pytest.raises(NotAnswered):
            actor.request(JSONEvent(0.05), timeout_s=5)
    kept = director.host("keep").actor
    assert isinstance(kept, Keep)
    until(lambda: len(kept.kept) == 3 and not director.host("afterwards").outboxes.roots)
    assert len({event.id for event in kept.kept}) == 3
    (session,) = director.host("afterwards").receiver.sessions.values()
    assert (session.ack_floor, session.acked_above) == (3, set())


def test_what_was_consumed_goes_on_while_the_next_event_of_the_batch_waits(director: Director) -> None:
    ten, hesitant = director.register_actor(Ten, "ten"), director.register_actor(Hesitant, "hesitant")
    keep = director.register_actor(Keep, "keep")
    director.connect_queue(ten, hesitant)
    director.connect_queue(hesitant, keep)
    director.start(block=False)
    outboxes = director.host("ten").outboxes
    kept, instance = director.host("keep").actor, director.host("hesitant").actor
    assert isinstance(kept, Keep)
    assert isinstance(instance, Hesitant)
    until(lambda: outboxes.roots == 5)
    assert [event.data for event in kept.kept] == list(range(5))
    instance.go_on.set()
    until(lambda: outboxes.roots == 0)
    assert [event.data for event in kept.kept] == list(range(10))


def test_acknowledgements_wait_for_more_each_time_anew(setting: Setting) -> None:
    host = setting.start(Keep, ack_delay_s=0.1)
    up = setting.sender(host)
    up.hello()
    for number in range(1, 4):
        begun = time.monotonic()
        up.batch(Parcel(number, 0, "n", b"", b""))
        up.hear_floor(number)
        assert time.monotonic() - begun > 0.09
