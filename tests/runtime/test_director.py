"""The Director: a graph in one process, from the snippet that a user would write."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import gevent
import pytest
from gevent.event import Event as Flag

from actorkit import Actor, Event, JSONEvent, MalformedEvent, NotFound, every
from actorkit.director import Director, DirectorError
from actorkit.errors import Draining, NotAnswered, RequestFailed
from actorkit.event import HttpEvent
from tests.fleet import Process
from tests.probes import Leaver, Source
from tests.runtime.directing import Asker, Keep, asker, begin
from tests.until import until


class Upper(Actor):
    def consume(self, event: JSONEvent) -> Event:
        if event.data == "bad":
            raise MalformedEvent("not this one", line=7)
        if event.data == "bug":
            raise ZeroDivisionError("a bug")
        self.log.info("saw %s", event.data)
        return event.replace(data=event.data.upper())


class Fresh(Actor):
    """Answers with an event that it made from nothing."""

    def consume(self, event: Event) -> Event:
        return JSONEvent({"fresh": True})


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


@pytest.mark.parametrize("name", ["log", "error"])
def test_an_outbox_that_would_be_called_as_a_reserved_one_is_refused(director: Director, name: str) -> None:
    ask, upper = director.register_actor(Asker, "asker"), director.register_actor(Upper, name)
    with pytest.raises(DirectorError, match=f'Name this one, "asker.to-{name} -> {name}", or call the actor otherwise'):
        director.connect_queue(ask, upper)
    director.connect_queue((ask, f"to-{name}"), upper)
    director.connect_queue(upper, ask)
    assert begin(director).request(JSONEvent("x"), timeout_s=5).data == "X"


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
    assert (answer.failure.actor, answer.failure.details, answer.data) == ("upper", {"line": 7}, "bad")
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


def test_logs_and_errors_go_to_the_actors_registered_for_them(director: Director) -> None:
    ask, upper = director.register_actor(Asker, "asker"), director.register_actor(Upper, "upper")
    director.register_log_actor(Keep, "logs")
    director.register_error_actor(Keep, "errors")
    director.connect_queue(ask, upper)
    actor = begin(director)
    with pytest.raises(NotAnswered):
        actor.request(JSONEvent("fine"), timeout_s=5)
    with pytest.raises(RequestFailed, match="not this one"):  # what only a collector got is told to who waits
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
            "asker": {"uses": "tests.runtime.directing:Asker", "params": {}, "build": "."},
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
            from tests.probes import Pass, Source
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
    command = [sys.executable, str(program)]
    with Process({}, tmp_path / "log", command=command, out=tmp_path / "out") as process:
        assert process.lines(1) == ["running\n"]
        assert process.stop() == 0, process.said()
        assert process.lines(2) == ["running\n", "stopped False\n"]


def test_a_graph_whose_actor_has_ended_stops_and_says_so(director: Director) -> None:
    source = director.register_actor(Source, "source", count=1)
    leaver = director.register_actor(Leaver, "leaver")
    director.connect_queue(source, leaver)
    with pytest.raises(DirectorError, match='"leaver" has ended: Exit: bye'):
        director.start()
    assert not director.is_running()


def test_an_underscore_in_a_name_becomes_a_dash_and_stays_in_the_outbox(
    director: Director, caplog: pytest.LogCaptureFixture
) -> None:
    ask = director.register_actor(Asker, "asker")
    with caplog.at_level("INFO", "actorkit.director"):
        upper = director.register_actor(Upper, "to_upper")
    assert caplog.messages == [
        'the actor "to_upper" is called "to-upper": names of actors are names of hosts',
    ]
    director.connect_queue(ask, upper)
    director.connect_queue(upper, ask)
    assert director.get_actor("to_upper") is upper is director.get_actor("to-upper")
    assert begin(director).request(JSONEvent("a"), "to_upper", timeout_s=5).data == "A"
    assert director.document()["connections"][0] == {"from": "asker.to_upper", "to": "to-upper.asker"}
    with pytest.raises(DirectorError, match='"to-upper" already'):
        director.register_actor(Upper, "to-upper")


class OneMore(Actor):
    """A source that makes one more event when it is told to stop, as one does that slept meanwhile."""

    def setup(self) -> None:
        self.go_on = Flag()

    def produce(self) -> Iterator[Event]:
        yield JSONEvent("first")
        self.go_on.wait()
        yield JSONEvent("last")


class HoldsAll(Keep):
    def consume(self, event: Event) -> None:
        super().consume(event)
        self.held = [*getattr(self, "held", []), self.hold(event)]

    def end_input(self) -> None:
        for held in self.held:
            held.complete()


def test_what_is_held_is_let_go_although_a_source_makes_one_more_event_in_the_drain(director: Director) -> None:
    source, holds = director.register_actor(OneMore, "source"), director.register_actor(HoldsAll, "holds")
    director.connect_queue(source, holds)
    director.start(block=False)
    director.wait_ready()
    keep = director.host("holds").actor
    assert isinstance(keep, HoldsAll)
    until(lambda: len(keep.kept) == 1)
    host = director.host("source")
    assert isinstance(host.actor, OneMore)
    end = gevent.spawn(host.finish, 10)
    until(lambda: host.all_connectors[0].sender.at_end)
    host.actor.go_on.set()
    assert end.get(), "nothing is left unfinished"
    assert [event.data for event in keep.kept] == ["first", "last"]


class HoldsForATime(HoldsAll):
    @every(60)
    def look(self) -> None:
        """Would let go of what is held for too long."""

    def end_input(self) -> None:
        self.held[0].complete(JSONEvent("all"))
        super().end_input()


def test_one_stage_that_holds_and_has_timers_lets_the_next_one_know(director: Director) -> None:
    nodes = [
        director.register_actor(cls, f"n{n}") for n, cls in enumerate((OneMore, HoldsForATime, HoldsForATime, Keep))
    ]
    for one, other in pairwise(nodes):
        director.connect_queue(one, other)
    director.start(block=False)
    director.wait_ready()
    held = director.host("n1").actor
    assert isinstance(held, HoldsAll)
    until(lambda: len(held.kept) == 1)
    host = director.host("n0")
    assert isinstance(host.actor, OneMore)
    host.actor.go_on.set()
    assert host.finish(10)
    last = director.host("n3").actor
    assert isinstance(last, Keep)
    until(lambda: [event.data for event in last.kept] == ["all"])
