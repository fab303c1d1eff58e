"""The Director: a graph in one process, from the snippet that a user would write."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from actorkit import Actor, AnswerTimeout, Event, Held, JSONEvent, MalformedEvent, NotFound
from actorkit.director import Director, DirectorError
from actorkit.errors import Draining, NotAnswered
from actorkit.event import HttpEvent
from tests.fleet import PYTHONPATH


class Asker(Actor):
    ANSWERS = True


class Upper(Actor):
    def consume(self, event: JSONEvent) -> Event:
        if event.data == "bad":
            raise MalformedEvent("not this one", code=7)
        if event.data == "bug":
            raise ZeroDivisionError("a bug")
        self.log.info("saw %s", event.data)
        return event.replace(data=event.data.upper())


class Fresh(Actor):
    """Answers with an event that it made from nothing."""

    def consume(self, event: Event) -> Event:
        return JSONEvent({"fresh": True})


class Several(Actor):
    OUTBOXES = ("audit",)

    def consume(self, event: JSONEvent) -> Iterator[Event]:
        self.send(event, "audit")
        for number in range(event.data):
            yield event.replace(data=number)


class Keep(Actor):
    """Keeps what it gets."""

    def setup(self) -> None:
        self.kept: list[Event] = []

    def consume(self, event: Event) -> None:
        self.kept.append(event)


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


@pytest.fixture
def director() -> Iterator[Director]:
    made = Director("test")
    yield made
    made.stop(0)


def asker(director: Director) -> Actor:
    return director.host("asker").actor


def begin(director: Director) -> Actor:
    director.start(block=False)
    director.wait_ready()
    return asker(director)


def test_an_answer_comes_back_to_the_one_who_asked(director: Director) -> None:
    ask, upper = director.register_actor(Asker, "asker"), director.register_actor(Upper, "upper")
    director.connect_queue(ask, upper)
    director.connect_queue(upper, ask)
    actor = begin(director)
    greenlets = [gevent.spawn(actor.request, JSONEvent(f"n{n}"), "upper", timeout_s=5) for n in range(200)]
    gevent.joinall(greenlets, raise_error=True)
    assert [greenlet.value.data for greenlet in greenlets] == [f"N{n}" for n in range(200)]


def test_an_answer_made_from_nothing_goes_home_as_well(director: Director) -> None:
    ask, fresh = director.register_actor(Asker, "asker"), director.register_actor(Fresh, "fresh")
    director.connect_queue(ask, fresh)
    director.connect_queue(fresh, ask)
    sent = JSONEvent("x", service="s")
    answer = begin(director).request(sent, timeout_s=5)
    assert answer.data == {"fresh": True}
    assert (answer.trace, answer.service) == (sent.trace, "s")


def test_an_error_comes_back_as_the_events_failure(director: Director) -> None:
    ask, upper = director.register_actor(Asker, "asker"), director.register_actor(Upper, "upper")
    director.connect_queue(ask, upper)
    director.connect_error_queue(upper, ask)
    answer = begin(director).request(JSONEvent("bad"), timeout_s=5)
    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.status, answer.failure.message) == (
        "MalformedEvent",
        400,
        "not this one",
    )
    assert (answer.failure.actor, answer.failure.details, answer.data) == ("upper", {"code": 7}, "bad")
    answer = asker(director).request(JSONEvent("bug"), timeout_s=5)
    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.status) == ("ZeroDivisionError", 500)


def test_what_does_not_fit_the_annotation_fails_with_400(director: Director) -> None:
    ask, upper = director.register_actor(Asker, "asker"), director.register_actor(Upper, "upper")
    director.connect_queue(ask, upper)
    director.connect_error_queue(upper, ask)
    answer = begin(director).request(Event(b"{"), timeout_s=5)
    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.status) == ("ConversionError", 400)
    assert answer.data == b"{"


def test_who_waits_for_nothing_is_told_at_once(director: Director) -> None:
    ask, keep = director.register_actor(Asker, "asker"), director.register_actor(Keep, "keep")
    director.connect_queue(ask, keep)
    actor = begin(director)
    with pytest.raises(NotAnswered):
        actor.request(JSONEvent(1), timeout_s=30)
    with pytest.raises(NotFound, match='no outbox "nothing"'):
        actor.request(JSONEvent(1), "nothing", timeout_s=30)
    director.host("asker").requests.draining = True
    with pytest.raises(Draining):
        actor.request(JSONEvent(1), timeout_s=30)


def test_a_held_event_is_unfinished_until_its_handle_ends_it(director: Director) -> None:
    ask, later = director.register_actor(Asker, "asker"), director.register_actor(Later, "later")
    director.connect_queue(ask, later)
    director.connect_queue(later, ask)
    director.connect_error_queue(later, ask)
    actor = begin(director)
    with pytest.raises(AnswerTimeout):
        actor.request(JSONEvent("a"), timeout_s=0.05)
    assert director.host("later").receiver.known.in_work
    first = gevent.spawn(actor.request, JSONEvent("b"), None, timeout_s=5)
    while len(director.host("later").receiver.inboxes) == 0 or director.host("asker").exits.roots != 1:
        gevent.sleep(0.001)
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
    with gevent.Timeout(5):
        while len(kept.kept) < 3 or director.host("afterwards").exits.roots:
            gevent.sleep(0.001)
    assert len({event.id for event in kept.kept}) == 3
    (session,) = director.host("afterwards").receiver.sessions.values()
    assert (session.upto, session.scattered) == (3, set())


def test_logs_and_errors_go_to_the_actors_registered_for_them(director: Director) -> None:
    ask, upper = director.register_actor(Asker, "asker"), director.register_actor(Upper, "upper")
    director.register_log_actor(Keep, "logs")
    director.register_error_actor(Keep, "errors")
    director.connect_queue(ask, upper)
    actor = begin(director)
    with pytest.raises(NotAnswered):
        actor.request(JSONEvent("fine"), timeout_s=5)
    with pytest.raises(NotAnswered):
        actor.request(JSONEvent("bad"), timeout_s=5)
    logs, errors = director.host("logs").actor, director.host("errors").actor
    assert isinstance(logs, Keep)
    assert isinstance(errors, Keep)
    assert [(event.data["actor"], event.data["message"]) for event in logs.kept] == [
        ("upper", "saw fine"),
        ("upper", "consume failed: MalformedEvent: not this one"),
    ]
    assert [event.failure.kind for event in errors.kept if event.failure] == ["MalformedEvent"]


def test_an_http_actor_refuses_what_did_not_come_over_http(director: Director) -> None:
    class Page(Actor):
        def consume(self, event: HttpEvent) -> Event:
            return event

    Page.consume.__annotations__["event"] = HttpEvent
    ask, page = director.register_actor(Asker, "asker"), director.register_actor(Page, "page")
    director.connect_queue(ask, page)
    director.connect_error_queue(page, ask)
    answer = begin(director).request(Event(b"x"), timeout_s=5)
    assert answer.failure is not None
    assert answer.failure.kind == "ConversionError"


def test_the_document_has_the_form_of_a_topology_file(director: Director) -> None:
    ask, upper = director.register_actor(Asker, "asker"), director.register_actor(Upper, "upper", retries=1)
    director.connect_queue(ask, (upper, "in"), window=5)
    director.connect_error_queue(upper, ask)
    assert director.document() == {
        "name": "test",
        "actors": {
            "asker": {"uses": "tests.runtime.test_director:Asker", "params": {}, "build": "."},
            "upper": {"uses": "tests.runtime.test_director:Upper", "params": {"retries": 1}, "build": "."},
        },
        "connections": [
            {"from": "asker.upper", "to": "upper.in", "window": 5},
            {"from": "upper.error", "to": "asker.error-upper"},
        ],
    }
    assert director.base == Path(__file__).parent


def test_mistakes_are_told_at_the_call(director: Director) -> None:
    ask = director.register_actor(Asker, "asker")
    with pytest.raises(DirectorError, match='an actor "asker" already'):
        director.register_actor(Asker, "asker")
    with pytest.raises(DirectorError, match="not a name"):
        director.register_actor(Asker, "No Name")
    with pytest.raises(DirectorError, match="no end of a connection"):
        director.connect_queue(ask, "upper")  # type: ignore[arg-type]  # the mistake under test
    upper = director.register_actor(Upper, "upper")
    director.connect_queue(ask, upper)
    with pytest.raises(DirectorError, match="connected already"):
        director.connect_queue(ask, upper)


def test_a_program_stops_at_sigterm_with_status_0(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import gevent
            from tests.cast import Pass, Source
            from actorkit.director import Director

            def tell():
                director.wait_ready()
                print("running", flush=True)

            director = Director("program")
            source = director.register_actor(Source, "source", count=1000)
            sink = director.register_actor(Pass, "sink")
            director.connect_queue(source, sink)
            gevent.spawn(tell)  # has its turn when start blocks
            director.start()
            print("stopped", director.is_running())
            """
        )
    )
    environment = {"PYTHONPATH": PYTHONPATH}
    with subprocess.Popen(
        [sys.executable, str(program)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.terminate()
        assert process.stdout.readline() == "stopped False\n"
        assert process.wait(10) == 0
