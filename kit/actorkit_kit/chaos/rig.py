"""The rig: a plan with a counting source and a counting sink where events begin and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from actorkit.graph import RESERVED, Box, Connection, connect, parse_box
from actorkit_kit.chaos.outside import OUTSIDES, Outside
from actorkit_kit.chaos.records import DATABASE
from actorkit_kit.errors import UsageError
from actorkit_kit.plan.model import Image, Plan, Unit

#: Names of the actors that are added.
SOURCE: Final = "chaos-source"
SINK: Final = "chaos-sink"

#: A sink that is killed on purpose is no reason to give up the event that it has at the moment, however often.
MOST_DELIVERIES: Final = 1000

_PROBES: Final = "actorkit_kit.chaos.probes"
_SETTLING: Final = "actorkit_kit.chaos.settling"


@dataclass(frozen=True)
class Rig:
    """`plan` is to be run. The source is one unit, the sinks may be several (a front is both); their files are in
    `folder`."""

    plan: Plan
    sources: tuple[str, ...]
    sinks: tuple[str, ...]
    folder: Path
    #: What the sources take their events from, if they are to be killed: one of OUTSIDES.
    outside: str = ""
    #: Events in a second that one source makes.
    rate: float = 0.0

    def orders(self, source: str) -> Path:
        """What the outside has for a source."""
        return self.folder / f"{source}.orders"

    def outsides(self) -> dict[str, Outside]:
        """What gives orders to the sources, by their names; to be made once."""
        if not self.outside:
            return {}
        store, _ = OUTSIDES[self.outside]
        topology = self.plan.topology
        return {
            source: Outside(store(self.orders(source)), self.made_file(source), topology, source, self.rate)
            for source in self.sources
        }

    def made_file(self, source: str) -> Path:
        """What a source made."""
        return self.folder / f"{source}.made"

    def quota(self, source: str) -> Path:
        """How many events it shall make."""
        return self.folder / f"{source}.quota"

    def poison_file(self, source: str) -> Path:
        """What it made that ends whoever consumes it."""
        return self.folder / f"{source}.poisoned"

    def seen(self, sink: str) -> Path:
        """What arrived at a sink."""
        return _seen(self.folder, sink, self.outside)


def _seen(folder: Path, sink: str, outside: str) -> Path:
    return folder / f"{sink}.seen{DATABASE if outside else ''}"


def build(
    plan: Plan,
    folder: Path,
    rate: float,
    body: Path | None,
    sources: Sequence[str] = (),
    sinks: Sequence[str] = (),
    outside: str = "",
) -> Rig:
    """Put source and sink around a plan.

    With boxes given, a source is added that feeds the inboxes `sources`, a sink that hears the outboxes `sinks`, and
    the actors stay as they are. Without boxes, the source takes the place of the actors where events begin, and the
    sink the place of the actors where events end. With an `outside`, sources settle with it, and sinks store by key.

    Raises:
        UsageError: there is no place for one of them.
    """
    maker = _Maker(plan, folder, rate / max(1, len(_fronts(plan)) if not sources else 1), body, outside)
    if sources:
        maker.feed([_box(plan, text) for text in sources])
    else:
        maker.replace_fronts()
    if sinks:
        maker.hear([_box(plan, text) for text in sinks])
    elif sources or not maker.sinks:
        maker.replace_ends()
    else:
        maker.replace_ends(needed=False)
    return maker.rig()


def _fronts(plan: Plan) -> list[Unit]:
    """Where events begin: sources and servers, not the workers that answer for them at the broker."""
    return [unit for unit in plan.units if unit.begins and not unit.serves]


def _ends(plan: Plan) -> list[Unit]:
    """Where events end: what nothing but errors and logs leads away from."""
    return [
        unit
        for unit in plan.units
        if unit.kind == "actor" and not unit.begins and all(edge.outbox in RESERVED for edge in unit.edges)
    ]


def _box(plan: Plan, text: str) -> Box:
    try:
        box = parse_box(text)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    if box.actor not in {unit.name for unit in plan.units if unit.kind == "actor"}:
        names = ", ".join(unit.name for unit in plan.units if unit.kind == "actor")
        raise UsageError(f'no actor is named "{box.actor}". There are: {names}.')
    return box


class _Maker:
    def __init__(self, plan: Plan, folder: Path, rate: float, body: Path | None, outside: str) -> None:
        self._plan = plan
        self._folder = folder
        self._rate = rate
        self._outside = outside
        self._params: dict[str, Any] = {"body": str(body.resolve())} if body else {}
        self._units = {unit.name: unit for unit in plan.units}
        self.sources: list[str] = []
        self.sinks: list[str] = []

    def rig(self) -> Rig:
        units = tuple(self._units.values())
        plan = replace(self._plan, units=units)
        return Rig(plan, tuple(self.sources), tuple(self.sinks), self._folder, self._outside, self._rate)

    def feed(self, boxes: Sequence[Box]) -> None:
        """Add a source that leads to these inboxes."""
        edges = tuple(connect(Box(SOURCE), box) for box in boxes)
        for box in boxes:
            self._units[box.actor] = replace(self._units[box.actor], receives=True)
        self._put_source(self._new_unit(SOURCE, receives=False, edges=edges))

    def hear(self, boxes: Sequence[Box]) -> None:
        """Add a sink that these outboxes lead to; and errors, so that what fails is not taken for lost."""
        errors = [
            Box(unit.name, "error") for unit in self._units.values() if any(e.outbox == "error" for e in unit.edges)
        ]
        for box in dict.fromkeys((*boxes, *errors)):
            unit = self._units[box.actor]
            self._units[box.actor] = replace(unit, edges=(*unit.edges, connect(box, Box(SINK))))
        self._put_sink(self._new_unit(SINK))

    def _new_unit(self, name: str, *, receives: bool = True, edges: tuple[Connection, ...] = ()) -> Unit:
        """One more unit, with the topology's keys where the others have them."""
        other = self._plan.units[0]
        return Unit(
            name,
            "actor",
            name,
            "",
            Image(""),
            receives=receives,
            edges=edges,
            keys=other.keys,
            mounts=other.mounts,
            drain_timeout_s=other.drain_timeout_s,
        )

    def replace_fronts(self) -> None:
        """Have sources stand where events begin."""
        fronts = _fronts(self._plan)
        if not fronts:
            raise UsageError("no event begins in this topology. Say where the counting source sends: --from ACTOR.")
        for unit in fronts:
            edges = tuple(edge for edge in unit.edges if edge.outbox not in RESERVED)
            if not edges:
                raise UsageError(f'"{unit.name}" leads nowhere. Say where the counting source sends: --from ACTOR.')
            self._put_source(replace(unit, edges=edges))

    def replace_ends(self, needed: bool = True) -> None:
        """Have sinks stand where events end."""
        ends = _ends(self._plan)
        if not ends and needed:
            raise UsageError("no event ends in this topology. Say what the counting sink hears: --to ACTOR.outbox.")
        for unit in ends:
            self._put_sink(replace(unit, edges=()))

    def _put_source(self, unit: Unit) -> None:
        name = unit.name
        if self._outside:
            self._put_settling_source(unit)
            return
        params = {
            **self._params,
            "rate": self._rate,
            "made": str(self._folder / f"{name}.made"),
            "quota": str(self._folder / f"{name}.quota"),
        }
        kind = "Source"
        if unit.receives:
            kind = "Front"
            params["seen"] = str(self._folder / f"{name}.seen")
            self.sinks.append(name)
            self._drop_logs_to(name)
        self._units[name] = replace(_counting(unit, kind, params), begins=True)
        self.sources.append(name)

    def _put_settling_source(self, unit: Unit) -> None:
        if unit.receives:
            raise UsageError(
                f'"{unit.name}" is a server, whose clients ask again themselves. Say where the sources that are killed '
                "send, and what the sinks hear: --from ACTOR --to ACTOR.outbox."
            )
        _, kind = OUTSIDES[self._outside]
        params = {**self._params, "outside": str(self._folder / f"{unit.name}.orders")}
        self._units[unit.name] = replace(_counting(unit, kind, params, _SETTLING), begins=True)
        self.sources.append(unit.name)

    def _put_sink(self, unit: Unit) -> None:
        params: dict[str, Any] = {"seen": str(_seen(self._folder, unit.name, self._outside))}
        kind, module = ("KeyedSink", _SETTLING) if self._outside else ("Sink", _PROBES)
        if self._outside:
            params["max_deliveries"] = MOST_DELIVERIES
        self._units[unit.name] = _counting(unit, kind, params, module)
        self.sinks.append(unit.name)
        self._drop_logs_to(unit.name)

    def _drop_logs_to(self, name: str) -> None:
        """What actors log is no event to count."""

        def counts(edge: Connection) -> bool:
            return edge.destination != name or edge.outbox != "log"

        self._units = {
            key: replace(unit, edges=tuple(edge for edge in unit.edges if counts(edge)))
            for key, unit in self._units.items()
        }


def _counting(unit: Unit, kind: str, params: dict[str, Any], module: str = _PROBES) -> Unit:
    """The unit with one of ours in it: one process, no files but the keys, no ports."""
    return replace(
        unit,
        uses=kind,
        class_path=f"{module}:{kind}",
        image=Image(""),
        replicas=1,
        params=params,
        uses_broker=False,
        mounts=tuple(mount for mount in unit.mounts if mount.target == unit.keys),
        ports=(),
        begins=False,
        serves=False,
        listens={},
    )
