"""Mistakes in an author's class that a start would stumble over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from actorkit import Actor, Event, Position, Settlement, every
from actorkit.observe.figures import Figure
from actorkit_actors.catalogue import CATALOGUE
from actorkit_kit.classes.actor_class import class_of
from actorkit_kit.classes.contract import faults
from actorkit_kit.topology.check import check
from actorkit_kit.topology.document import parse

# What stands here is wrong on purpose, as an author's code may be.
# mypy: disable-error-code="override"


class Good(Actor):
    def consume(self, event: Event, *, times: int = 1) -> Event:
        return event


class Static(Actor):
    @staticmethod
    def consume(event: Event) -> Event:
        return event


class OfTheClass(Actor):
    @classmethod
    def consume(cls, event: Event) -> Event:
        return event


class Initialised(Actor):
    def __init__(self, name: str, params: Any, runtime: Any) -> None:
        super().__init__(name, params, runtime)
        self.count = 0

    def consume(self, event: Event) -> Event:
        return event


class Listens(Actor):
    LISTENS = {"port": 1}


class Coroutine(Actor):
    async def setup(self) -> None: ...

    async def consume(self, event: Event) -> Event:
        return event

    async def end_input(self) -> None: ...


class Batches(Actor):
    Params = Actor.BatchParams

    def consume_batch(self, events: list[Event]) -> None: ...


class AsyncBatches(Actor):
    class Params(Actor.BatchParams, frozen=True, kw_only=True):
        table: str = ""

    async def consume_batch(self, events: list[Event]) -> None: ...


class Ticks(Actor):
    class Params(Actor.Params, frozen=True, kw_only=True):
        interval_s: float = 1.0

    @every(1.5)
    def look(self) -> None: ...

    @every("interval_s")
    async def ask_for_more(self) -> None: ...


class AsyncSource(Actor):
    async def produce(self) -> AsyncIterator[Event]:
        yield Event()

    async def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None: ...

    async def give_back(self, positions: Sequence[Position]) -> None: ...


class SettlesOne(AsyncSource):
    async def settle(self, position: Position) -> None: ...


class AsyncFigures(Good):
    async def figures(self) -> AsyncIterator[Figure]:
        yield Figure("orders", "orders seen", 1)


class Nothing(Actor):
    pass


class NeverYields(Actor):
    async def produce(self) -> None: ...


class YieldsInSetup(Coroutine):
    async def setup(self) -> AsyncIterator[None]:
        yield


class Both(Batches):
    def consume(self, event: Event) -> None: ...


class NoSize(Actor):
    def consume_batch(self, events: list[Event]) -> None: ...


class OddTimer(Good):
    @every(1)  # type: ignore[type-var]
    def look(self, closely: bool) -> None: ...


class NoInterval(Good):
    @every("interval_s")
    def look(self) -> None: ...


class Never(Good):
    @every(0)
    def look(self) -> None: ...


class TooFew(Actor):
    def consume(self) -> None: ...


class TooMany(Actor):
    def consume(self, event: Event, context: object) -> None: ...


class NeedsMore(Good):
    def setup(self, pool: object) -> None: ...


class NoMethod(Actor):
    consume = None  # type: ignore[assignment]


class NoParams(Good):
    class Params:
        size: int = 1


class TakesData(Actor):
    def consume(self, event: dict[str, Any]) -> None: ...


class TakesNumbers(Actor):
    def consume(self, event: int) -> None: ...


class TakesLists(Batches):
    def consume_batch(self, events: list[str]) -> None: ...


class OtherArguments(Good):
    def __init__(self) -> None:
        self.pool = 1


class Forgetful(Good):
    def __init__(self, name: str, params: Any, runtime: Any) -> None:
        self.pool = 1


@pytest.mark.parametrize(
    "cls", [Good, Static, OfTheClass, Initialised, Listens, Coroutine, AsyncSource, Batches, Ticks, AsyncBatches]
)
def test_a_class_that_can_run_has_no_faults(cls: type[Actor]) -> None:
    assert list(faults(cls)) == []


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_stock_actors_have_none(name: str) -> None:
    assert list(faults(class_of(CATALOGUE[name].class_path))) == []


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (NeverYields, '"NeverYields.produce" is a coroutine, and events are yielded: write "yield event" in it.'),
        (YieldsInSetup, '"YieldsInSetup.setup" has a yield, and nobody would ask it for more. Remove the yield.'),
        (SettlesOne, '"SettlesOne.settle" takes other arguments than it is called with. Write def settle(self, '),
        (AsyncFigures, '"AsyncFigures.figures" is a coroutine, and nobody awaits it. Write def figures without async.'),
        (Both, '"Both" has both consume and consume_batch. Remove one of them.'),
        (
            NoSize,
            '"NoSize" has consume_batch, and its parameters have no batch_size and batch_wait_s. Write class Params(',
        ),
        (OddTimer, '"OddTimer.look" takes other arguments than it is called with. Write def look(self).'),
        (NoInterval, '"NoInterval.look" is called every "interval_s", and there is no such parameter. Name one that'),
        (Never, '"Never.look" is called every 0 s. Write more than 0.'),
        (
            Nothing,
            '"Nothing" has neither consume nor produce. Write consume(self, event), or produce(self) for a source',
        ),
        (TooFew, '"TooFew.consume" takes other arguments than it is called with. Write def consume(self, event).'),
        (TooMany, '"TooMany.consume" takes other arguments than it is called with. Write def consume(self, event).'),
        (NeedsMore, '"NeedsMore.setup" takes other arguments than it is called with. Write def setup(self).'),
        (
            NoParams,
            '"NoParams.Params" is no class of parameters. Write class Params(Actor.Params, frozen=True, kw_only=',
        ),
        (TakesNumbers, '"TakesNumbers" is given events, and annotated with int. Write Event, or one of JSONEvent, XML'),
        (TakesData, '"TakesData" is given events, and annotated with dict[str, typing.Any]. Write Event, or one of '),
        (TakesLists, '"TakesLists" is given events, and annotated with str. Write Event, or one of JSONEvent, XML'),
        (NoMethod, '"NoMethod.consume" cannot be called. Write def consume(self, event).'),
        (OtherArguments, "has an __init__ of its own with other arguments than (name, params, runtime). Remove it:"),
        (Forgetful, "has an __init__ of its own that does not call super().__init__. Remove it: write setup(self)"),
    ],
)
def test_a_class_that_cannot_run_is_told_what_to_do(cls: type[Actor], words: str) -> None:
    (fault,) = faults(cls)
    assert words in fault


def test_a_parameter_that_is_not_for_the_class_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(CODE.replace("events, more", "event"))
    text = (
        "name: t\nclear: true\nactors:\n  web: {uses: http-server, expose: {http: 8080}}\n"
        '  c: {uses: "p:Coro", build: ., params: {threads: 2}}\nconnections: [web -> c -> web]\n'
    )
    (finding,) = found(text, tmp_path)
    assert (
        "actors.c.params.threads: consume is a coroutine, which runs in no thread; `concurrency` is for it" in finding
    )


CODE = """\
from actorkit import Actor
class Coro(Actor):
    async def consume(self, events, more): return events
class Nothing(Actor): pass
"""

TOPOLOGY = """\
name: t
actors:
  web: {uses: http-server, params: {routes: [{path: "/a", outbox: nowhere}, {path: "/<queue>", outbox: c}]}}
  c: {uses: "p:Coro", build: ./code}
  n: {uses: "p:Nothing", build: ./code}
connections: [web -> c -> web, web -> n]
"""


def found(text: str, base: Path) -> Iterator[str]:
    return (str(finding) for finding in sorted(check(parse(text, "t.yaml", base)).findings))


def test_the_findings_of_a_topology_tell_each_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "p.py").write_text(CODE)
    web, route, coro, nothing = found(TOPOLOGY, tmp_path)
    assert web.startswith('t.yaml:3:67: actors.web.params.routes[0].outbox: "web" has no outbox "nowhere" that leads')
    assert "Connect it: web.nowhere -> …. Connected are: c, n." in web
    assert "actors.web.params.routes[1].outbox: this is never used: the path has <queue>" in route
    assert 'actors.c.uses: "Coro.consume" takes other arguments than it is called with' in coro
    assert 'actors.n.uses: "Nothing" has neither consume nor produce.' in nothing


def test_an_outbox_that_is_nearly_written_so_is_suggested(tmp_path: Path) -> None:
    text = (
        'name: t\nactors:\n  web: {uses: http-server, params: {routes: [{path: "/a", outbox: ordres}]}}\n'
        "  n: {uses: 'null'}\nconnections: [web.orders -> n]\n"
    )
    (finding,) = found(text, tmp_path)
    assert finding.endswith('"web" has no outbox "ordres" that leads anywhere. Did you mean "orders"?')
    assert list(found(text.replace("ordres", "orders"), tmp_path)) == []
