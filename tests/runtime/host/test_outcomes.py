"""Who asks is told what became of it: the answer, or the failure, by whatever way there is. Nothing else is success."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest

from actorkit import Actor, Event, JSONEvent, MalformedEvent, NotFound
from actorkit.director import Director
from actorkit.edge.outcome import MAX_FAILURE_BYTES, Failed
from actorkit.errors import AnswerTimeout, NotAnswered, RequestFailed
from actorkit.event.context import Failure, Http
from tests.runtime.directing import Asker, begin
from tests.until import until


class Judge(Actor):
    """Passes on, fails, or keeps, as the data says."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        concurrency: int = 8

    def consume(self, event: JSONEvent) -> Event | None:
        match event.data:
            case "bad":
                raise MalformedEvent("not this one", line=3)
            case "slow and bad":
                until(lambda: event.deadline == 0)
                raise MalformedEvent("not this one")
            case "bug":
                raise ZeroDivisionError("a bug")
            case "long":
                raise MalformedEvent("x" * 1_000_000, more="y" * 1_000_000)
            case "header":
                assert event.http is not None
                event.http.status = 418
                event.http.reply_headers.append(("X-Why", "tea"))
                raise MalformedEvent("no coffee")
            case "held":
                handle = self.hold(event)
                gevent.spawn(lambda: handle.fail(NotFound("not there")))
                return None
            case "end":
                return None
        return event


class First(Actor):
    """Sends on, and goes on consuming until all that came of it is known here."""

    def consume(self, event: Event) -> None:
        self.send(event)
        until(lambda: event.origin is not None and event.origin.early)  # type: ignore[attr-defined]  # a Delivery


def chain(director: Director, *between: type[Actor], home: bool = True) -> Actor:
    """asker -> … -> judge (-> asker), with no error connection."""
    ask = director.register_actor(Asker, "asker")
    nodes = [director.register_actor(cls, f"between-{n}") for n, cls in enumerate(between)]
    judge = director.register_actor(Judge, "judge")
    for source, destination in zip([ask, *nodes], [*nodes, judge], strict=True):
        director.connect_queue(source, destination)
    if home:
        director.connect_queue(judge, ask)
    return begin(director)


def failure_of(actor: Actor, event: Event) -> RequestFailed:
    with pytest.raises(RequestFailed) as caught:
        actor.request(event, timeout_s=10)
    return caught.value


@pytest.mark.parametrize("hops", [0, 1, 3])
def test_a_failure_travels_home_without_an_error_connection(director: Director, hops: int) -> None:
    actor = chain(director, *[Through] * hops)
    failed = failure_of(actor, JSONEvent("bad"))
    assert (failed.status, failed.message, failed.details) == (400, "not this one", {"line": 3})
    assert (failed.failure.kind, failed.failure.actor) == ("MalformedEvent", "judge")
    bug = failure_of(actor, JSONEvent("bug"))
    assert (bug.status, bug.failure.kind) == (500, "ZeroDivisionError")
    assert Failure.of(bug, "asker") == bug.failure, "who fails of it tells the same"
    assert actor.request(JSONEvent("fine"), timeout_s=10).data == "fine"
    assert director.host("judge").outboxes.dropped == {"failed": 1}, "what nobody meant for the client is a dead letter"


def test_what_nobody_waits_for_any_more_is_a_dead_letter_when_it_fails(director: Director) -> None:
    actor = chain(director, Through)
    actor.send(JSONEvent("bad"))
    with pytest.raises(AnswerTimeout):
        actor.request(JSONEvent("slow and bad"), timeout_s=0.05)
    until(lambda: director.host("judge").outboxes.dropped == {"failed": 2})


class Through(Actor):
    def consume(self, event: Event) -> Event:
        return event


def test_what_a_held_event_failed_of_travels_home(director: Director) -> None:
    failed = failure_of(chain(director, Through), JSONEvent("held"))
    assert (failed.status, failed.message) == (404, "not there")


def test_a_failure_that_comes_while_its_sender_still_consumes_is_not_lost(director: Director) -> None:
    assert failure_of(chain(director, First), JSONEvent("bad")).status == 400


def test_what_the_actor_wanted_an_http_client_to_be_told_comes_with_the_failure(director: Director) -> None:
    failed = failure_of(chain(director), JSONEvent("header", http=Http()))
    assert (failed.status, failed.reply_headers()) == (418, [("X-Why", "tea")])


def test_a_failure_is_cut_to_what_travels(director: Director) -> None:
    failed = failure_of(chain(director), JSONEvent("long"))
    assert (failed.status, failed.details, failed.message[:3]) == (400, {}, "xxx")
    assert len(failed.message) < MAX_FAILURE_BYTES


@pytest.mark.parametrize("headers", [[("Set-Cookie", "x" * 9000)], [("X", object())]])
def test_headers_that_cannot_travel_are_left_out(headers: list[tuple[str, str]]) -> None:
    http = Http(status=401, reply_headers=headers)
    assert Failed.of(Failure("X", "x", 401), http) == Failed(Failure("X", "x", 401))


def test_what_is_dealt_with_and_not_answered_is_no_failure(director: Director) -> None:
    with pytest.raises(NotAnswered):
        chain(director, Through).request(JSONEvent("end"), timeout_s=10)


class Collector(Actor):
    """Keeps what failed, and answers nobody."""

    def setup(self) -> None:
        self.kept: list[str] = []

    def consume(self, event: Event) -> None:
        self.kept.append(event.failure.kind if event.failure is not None else "")


class Excuse(Actor):
    """Answers for what failed."""

    def consume(self, event: Event) -> Event:
        made = event.replace("sorry")
        made.failure = None
        return made


def with_error_outbox(director: Director, cls: type[Actor], *, home: bool) -> Actor:
    """asker -> between -> judge -> asker, and judge.error to an actor of that class (-> asker)."""
    ask = director.register_actor(Asker, "asker")
    between, judge, box = (
        director.register_actor(kind, name) for kind, name in ((Through, "between"), (Judge, "judge"), (cls, "box"))
    )
    director.connect_queue(ask, between)
    director.connect_queue(between, judge)
    director.connect_queue(judge, ask)
    director.connect_error_queue(judge, box)
    if home:
        director.connect_queue(box, ask)
    return begin(director)


def test_a_failure_that_only_a_collector_got_is_the_answer(director: Director) -> None:
    actor = with_error_outbox(director, Collector, home=False)
    failed = failure_of(actor, JSONEvent("bad"))
    assert (failed.status, failed.message, failed.failure.actor) == (400, "not this one", "judge")
    assert failure_of(actor, JSONEvent("bug")).status == 500
    box = director.host("box").actor
    assert isinstance(box, Collector)
    assert box.kept == ["MalformedEvent", "ZeroDivisionError"], "the collector has both as well"
    assert director.host("judge").outboxes.dropped == {}


def test_an_answer_from_behind_the_error_outbox_goes_before_the_failure(director: Director) -> None:
    actor = with_error_outbox(director, Excuse, home=True)
    assert actor.request(JSONEvent("bad"), timeout_s=10).data == "sorry"


class Both(Actor):
    """Makes two of one: the first fails."""

    def consume(self, event: JSONEvent) -> Iterator[Event]:
        yield event.replace("bad")
        yield event.replace("fine")


def test_an_answer_is_better_than_a_failure(director: Director) -> None:
    assert chain(director, Both).request(JSONEvent("x"), timeout_s=10).data == "fine"


def cut_off(director: Director, source: str, destination: str) -> None:
    """From now on no session leads from the one to the other: as if they had said goodbye."""
    (connector,) = director.host(source).connectors[destination]
    for session in connector.sender.sessions.values():
        session.bye = True


@pytest.mark.parametrize("hops", [0, 3])
def test_an_answer_without_a_link_home_comes_up_with_the_acknowledgements(director: Director, hops: int) -> None:
    actor = chain(director, *[Through] * hops)
    cut_off(director, "judge", "asker")
    asked = [JSONEvent(f"n{n}", attributes={"n": n}) for n in range(200)]
    waiting = [gevent.spawn(actor.request, event, timeout_s=10) for event in asked]
    gevent.joinall(waiting, raise_error=True)
    answers = [one.value for one in waiting]
    assert [(one.data, one.attributes["n"]) for one in answers] == [(f"n{n}", n) for n in range(200)]
    assert [one.trace for one in answers] == [event.trace for event in asked]
    assert {one.reply_to for one in answers} == {None}
    until(lambda: director.host("asker").idle and director.host("judge").idle)
    assert director.host("judge").outboxes.dropped == {}


def test_a_second_answer_is_dropped_and_counted_also_when_it_comes_another_way(director: Director) -> None:
    actor = chain(director, Twice)
    cut_off(director, "judge", "asker")
    assert actor.request(JSONEvent("x"), timeout_s=10).data == "one"
    until(lambda: director.host("asker").idle)
    assert director.host("asker").outboxes.dropped == {"late-answer": 1}


class Twice(Actor):
    def consume(self, event: JSONEvent) -> Iterator[Event]:
        yield event.replace("one")
        yield event.replace("two")


def test_an_answer_finds_its_way_past_one_who_waits_in_between(director: Director) -> None:
    """asker -> between (which asks judge) -> asker; the judge answers the asker directly, and no link leads there."""
    ask, between = director.register_actor(Asker, "asker"), director.register_actor(Asks, "between")
    judge = director.register_actor(Judge, "judge")
    director.connect_queue(ask, between)
    director.connect_queue(between, judge)
    director.connect_queue(judge, ask)
    actor = begin(director)
    cut_off(director, "judge", "asker")
    assert actor.request(JSONEvent("x"), timeout_s=10).data == "x"


class Asks(Actor):
    """Asks in the middle of its consume, and does not mind that nobody answers it."""

    def consume(self, event: Event) -> None:
        with pytest.raises(NotAnswered):
            self.request(event, "judge", timeout_s=10)


# --- deadlines ------------------------------------------------------------------------------------------------------


class Slow(Actor):
    """Works on one event at a time, and notes what it knew of its deadline."""

    def setup(self) -> None:
        self.seen: list[tuple[object, float | None]] = []
        self.gate = gevent.event.Event()

    def consume(self, event: JSONEvent) -> Event:
        self.seen.append((event.data, event.deadline))
        self.gate.wait()
        return event


def slow(director: Director) -> tuple[Actor, Slow]:
    ask, through = director.register_actor(Asker, "asker"), director.register_actor(Through, "through")
    made = director.register_actor(Slow, "slow")
    director.connect_queue(ask, through)
    director.connect_queue(through, made)
    director.connect_queue(made, ask)
    actor, worker = begin(director), director.host("slow").actor
    assert isinstance(worker, Slow)
    return actor, worker


def test_an_event_knows_how_long_it_is_waited_for_wherever_it_is(director: Director) -> None:
    actor, worker = slow(director)
    worker.gate.set()
    actor.request(JSONEvent("asked"), timeout_s=60)
    actor.request(JSONEvent("anyway"), timeout_s=60, finish_expired=True)
    actor.send(JSONEvent("sent"))
    until(lambda: len(worker.seen) == 3)
    (_, asked), (_, anyway), (_, sent) = worker.seen
    assert asked is not None
    assert 50 < asked <= 60
    assert (anyway, sent) == (None, None)
    assert JSONEvent("new").deadline is None


def test_what_nobody_waits_for_any_more_is_not_begun_but_dropped_and_counted(director: Director) -> None:
    actor, worker = slow(director)
    first = gevent.spawn(actor.request, JSONEvent("first"), timeout_s=60)
    until(lambda: worker.seen)
    late = [gevent.spawn(actor.request, JSONEvent(f"late {n}"), timeout_s=0.2) for n in range(5)]
    anyway = gevent.spawn(actor.request, JSONEvent("anyway"), timeout_s=0.2, finish_expired=True)
    last = gevent.spawn(actor.request, JSONEvent("last"), timeout_s=60)
    gevent.joinall([*late, anyway])
    assert all(isinstance(one.exception, AnswerTimeout) for one in [*late, anyway])
    worker.gate.set()
    gevent.joinall([first, last], raise_error=True)
    assert [data for data, _ in worker.seen] == ["first", "anyway", "last"]
    until(lambda: director.host("asker").idle)
    assert director.host("slow").outboxes.dropped == {"expired": 5}
    assert director.host("asker").outboxes.dropped == {"late-answer": 1}
    assert director.host("slow").consumer.failed == {}  # type: ignore[union-attr]  # it consumes


def test_what_was_asked_for_and_cannot_be_sent_does_not_pile_up(director: Director) -> None:
    actor, _ = slow(director)
    cut_off(director, "asker", "through")
    with pytest.raises(AnswerTimeout):
        actor.request(JSONEvent("x"), timeout_s=0.1)
    gone = gevent.spawn(actor.request, JSONEvent("y"), timeout_s=60)
    (connector,) = director.host("asker").connectors["through"]
    until(lambda: connector.sender.backlog)
    gone.kill()
    assert (connector.sender.backlog, connector.sender.dropped) == (0, {"expired": 2})
    assert director.host("asker").outboxes.roots == 0


def test_one_who_asks_for_an_event_waits_no_longer_than_that_is_waited_for(director: Director) -> None:
    ask, between = director.register_actor(Asker, "asker"), director.register_actor(Impatient, "between")
    made = director.register_actor(Slow, "slow")
    director.connect_queue(ask, between)
    director.connect_queue(between, made)
    actor = begin(director)
    with pytest.raises((AnswerTimeout, RequestFailed)) as caught:
        actor.request(JSONEvent("x"), timeout_s=0.3)
    assert caught.value.status == 504
    until(lambda: director.host("between").consumer.failed)  # type: ignore[union-attr]  # it consumes


class Impatient(Actor):
    """Would wait for a minute."""

    def consume(self, event: Event) -> None:
        self.request(event, timeout_s=60)
