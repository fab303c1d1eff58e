"""The cast of a test run: a plan in which stand-ins, recorders and what sends the events of tests have their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from actorkit.graph import Box, Connection, connect
from actorkit_kit.plan.model import Image, Plan, Unit
from actorkit_kit.testing.wiring import Wiring
from actorkit_kit.topology import order
from actorkit_kit.topology.case import Case

#: The unit that sends events to inboxes.
SENDER: Final = "kit-test"
_RECORDER: Final = "kit-recorder"
_WORKER: Final = "kit-worker"
_ANSWERER: Final = "kit-answerer"
_PLAYERS: Final = "actorkit_kit.testing.players"
_MDP_WORKER: Final = "actorkit_actors.mdp.mdp_worker:MDPWorker"


@dataclass(frozen=True)
class Group:
    """Tests that one run is enough for: which actors and services something stands in for, and whether the rest of what
    begins by itself is silent."""

    stand_ins: frozenset[str]
    services: frozenset[str]
    is_put: bool


def group_of(plan: Plan, case: Case) -> Group:
    """The group of a test. Where it puts something, nothing else begins: its sources, and the servers that it does not
    ask, are silent."""
    asked = {put.server for put in case.puts}
    silent = {
        unit.name for unit in plan.units if case.puts and unit.begins and not unit.serves and unit.name not in asked
    }
    origins = {put.origin.actor for put in case.puts if put.origin is not None}
    workers = {unit.name for unit in plan.units if unit.serves and unit.params.get("service") in case.services}
    stand_ins = frozenset((*case.fakes, *origins, *silent, *workers))
    return Group(stand_ins, frozenset(case.services), bool(case.puts))


@dataclass(frozen=True)
class Cast:
    """`stand_ins`: unit → the outboxes that its class declares; `recorders`: unit → the outbox that it records;
    `doors`: an inbox → the outbox of the sender that leads there; `answerers`: service → the units that answer it."""

    plan: Plan
    stand_ins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    recorders: Mapping[str, Box] = field(default_factory=dict)
    doors: Mapping[Box, str] = field(default_factory=dict)
    answerers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def make_cast(wiring: Wiring, group: Group, cases: Iterable[Case], *, has_broker: bool) -> Cast:
    """The cast for the tests of a group. Without a broker, what asks for a service answers for it itself."""
    maker = _Maker(wiring)
    for name in sorted(group.stand_ins):
        maker.stand_in(name)
    for number, service in enumerate(sorted(group.services), 1):
        if has_broker:
            maker.serve(number, service)
        else:
            maker.answer(service)
    cases = list(cases)
    maker.open([put.to for case in cases for put in case.puts if put.to is not None])
    heard = [box for case in cases for one in case.expectations for box in wiring.outboxes(one)]
    for box in dict.fromkeys(heard):
        maker.record(box)
    return maker.cast()


def on_the_way_of(plan: Plan, case: Case) -> set[str]:
    """The actors that what a test puts can come to; all of them where it puts nothing."""
    graph = {unit.name: [edge.destination for edge in unit.edges] for unit in plan.units}
    for client in plan.units:
        if client.uses_broker and not client.serves:
            service = client.params.get("service")
            graph[client.name] += [
                unit.name for unit in plan.units if unit.serves and unit.params.get("service") == service
            ]
    starts = [put.to.actor if put.to is not None else put.server for put in case.puts if put.origin is None]
    for put in case.puts:
        if put.origin is not None:
            edges = plan.unit(put.origin.actor).edges
            starts += [edge.destination for edge in edges if put.origin.box in (None, edge.outbox)]
    return order.reachable(graph, starts) if case.puts else set(graph)


class _Maker:
    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._plan = wiring.plan
        self._units = {unit.name: replace(unit, ports=()) for unit in wiring.plan.units}
        self._stand_ins: dict[str, tuple[str, ...]] = {}
        self._recorders: dict[str, Box] = {}
        self._doors: dict[Box, str] = {}
        self._answerers: dict[str, tuple[str, ...]] = {}

    def cast(self) -> Cast:
        plan = replace(self._plan, units=tuple(self._units.values()))
        return Cast(plan, self._stand_ins, self._recorders, self._doors, self._answerers)

    def stand_in(self, name: str) -> None:
        """Have something stand in for an actor."""
        self._stand_ins[name] = self._wiring.declared_outboxes(name)
        self._units[name] = replace(self._new_unit(name, "StandIn"), edges=self._units[name].edges)

    def _new_unit(self, name: str, kind: str, edges: tuple[Connection, ...] = ()) -> Unit:
        """One of ours, with the topology's keys where the others have them."""
        other = self._plan.units[0]
        mounts = tuple(mount for mount in other.mounts if mount.target == other.keys)
        receives = name in self._units and self._units[name].receives
        return Unit(
            name,
            "actor",
            kind,
            f"{_PLAYERS}:{kind}",
            Image(""),
            receives=receives,
            edges=edges,
            keys=other.keys,
            mounts=mounts,
        )

    def serve(self, number: int, service: str) -> None:
        """Have something answer for a service."""
        worker, answerer = f"{_WORKER}-{number}", f"{_ANSWERER}-{number}"
        there, back = connect(Box(worker), Box(answerer)), connect(Box(answerer), Box(worker))
        self._units[worker] = replace(
            self._new_unit(worker, "", (there,)),
            class_path=_MDP_WORKER,
            params={"service": service},
            receives=True,
            uses_broker=True,
            serves=True,
            begins=True,
        )
        self._units[answerer] = replace(self._new_unit(answerer, "StandIn", (back,)), receives=True)
        self._stand_ins[answerer] = ()
        self._answerers[service] = (answerer,)

    def answer(self, service: str) -> None:
        """Have something stand in for all that ask for a service."""
        clients = [unit for unit in self._plan.units if unit.uses_broker and not unit.serves]
        asking = tuple(unit.name for unit in clients if unit.params.get("service") == service)
        for name in asking:
            self.stand_in(name)
        self._answerers[service] = asking

    def open(self, boxes: Iterable[Box]) -> None:
        """Have the sender lead to these inboxes."""
        edges = []
        for number, box in enumerate(dict.fromkeys(boxes), 1):
            self._doors[box] = f"to-{number}"
            edges.append(connect(Box(SENDER, f"to-{number}"), box))
            self._units[box.actor] = replace(self._units[box.actor], receives=True)
        if edges:
            self._units[SENDER] = self._new_unit(SENDER, "StandIn", tuple(edges))
            self._stand_ins[SENDER] = ()

    def record(self, box: Box) -> None:
        """Have what leaves an outbox recorded."""
        name = f"{_RECORDER}-{len(self._recorders) + 1}"
        unit = self._units[box.actor]
        edge = connect(box, Box(name))
        self._units[box.actor] = replace(unit, edges=(*unit.edges, edge))
        self._units[name] = replace(self._new_unit(name, "Recorder"), receives=True)
        self._recorders[name] = box
