"""Where the console draws each actor and each line: laid out once, when there is a plan, by Graphviz."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from actorkit.console import plan as console
from actorkit_kit.errors import KitError
from actorkit_kit.plan.drawing import Line, drawn_lines, drawn_units, quote, run_graphviz
from actorkit_kit.plan.model import Plan, Unit
from actorkit_kit.topology.model import BOX

#: Points of an inch, in which Graphviz has sizes.
INCH: Final = 72.0
#: Width of a character of an actor's name, what is beside it, and the least width and the height of a box, in points.
CHARACTER: Final = 8.4
PADDING: Final = 28.0
LEAST_WIDTH: Final = 116.0
HEIGHT: Final = 66.0
#: Most actors that are drawn: with more of them nobody sees a thing, and the layout takes its time.
MOST_DRAWN: Final = 250
#: A label that keeps room for the numbers of a line: no text, so that no machine's fonts have a say.
NUMBERS: Final = '<<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="92" HEIGHT="40"><TR><TD></TD></TR></TABLE>>'


def picture(plan: Plan, admin: Callable[[Unit], Sequence[str]], letters: Callable[[Unit], str]) -> bytes:
    """The file that the console reads. `admin` gives the admin servers of a unit, `letters` the actor whose instances
    keep its dead letters."""
    # The same picture whatever the order of the units; where events come in comes first, so that it stands on the left.
    plan = replace(plan, units=tuple(sorted(plan.units, key=lambda unit: (not unit.begins, unit.name))))
    lines = list(drawn_lines(plan))
    boxes: Mapping[str, tuple[float, float, float, float]] = {}
    ways: Mapping[int, tuple[str, tuple[float, float]]] = {}
    size, why = (0.0, 0.0), ""
    if len(plan.units) > MOST_DRAWN:
        why = f"it has {len(plan.units)} actors, and no more than {MOST_DRAWN} are drawn. Here they are as a table."
    else:
        try:
            size, boxes, ways = _lay_out(json.loads(run_graphviz(_dot(plan, lines), "json0")))
        except KitError as exc:
            why = str(exc)
    alone = Counter((line.source, line.edge.outbox) for line in lines if line.edge)
    made = console.GraphPlan(
        topology=plan.topology,
        actors=tuple(_actor(unit, admin(unit), letters(unit), boxes.get(unit.name)) for unit in _units(plan)),
        lines=tuple(
            _line(line, alone[line.source, line.edge.outbox if line.edge else ""] == 1, *ways.get(n, ("", (0.0, 0.0))))
            for n, line in enumerate(lines)
        ),
        size=size,
        no_picture=why,
    )
    return msgspec.json.encode(made)


def _units(plan: Plan) -> list[Unit]:
    return [*drawn_units(plan), *(unit for unit in plan.units if unit.kind == BOX)]


def _actor(
    unit: Unit, admin: Sequence[str], letters: str, at: tuple[float, float, float, float] | None
) -> console.Actor:
    return console.Actor(
        name=unit.name,
        uses=unit.uses.rpartition(":")[2],
        kind=unit.kind,
        replicas=unit.replicas,
        begins=unit.begins,
        admin=tuple(admin),
        letters=letters,
        at=at,
    )


def _line(line: Line, alone: bool, way: str, at: tuple[float, float]) -> console.Line:
    return console.Line(
        source=line.source,
        destination=line.destination,
        outbox=line.edge.outbox if line.edge else "",
        inbox=line.edge.inbox if line.edge else "",
        service=line.service,
        label=line.label,
        style=line.style,
        alone=alone,
        way=way,
        at=at,
    )


def _dot(plan: Plan, lines: Sequence[Line]) -> str:
    """The graph with boxes as large as the page draws them; each line has its number."""
    text = [f"digraph {quote(plan.topology)} {{", "rankdir=LR; ranksep=0.5; nodesep=0.4;"]
    for unit in drawn_units(plan):
        width = _width(unit) / INCH
        text.append(f"{quote(unit.name)} [shape=box, fixedsize=true, width={width:.3f}, height={HEIGHT / INCH:.3f}];")
    for number, line in enumerate(lines):
        style = ", dir=both, constraint=false" if line.style == "broker" else f", label={NUMBERS}"
        text.append(f'{quote(line.source)} -> {quote(line.destination)} [id="{number}"{style}];')
    return "\n".join([*text, "}"])


def _width(unit: Unit) -> float:
    longest = max(len(unit.name), len(unit.uses.rpartition(":")[2]))
    return max(LEAST_WIDTH, longest * CHARACTER + PADDING)


_Layout = tuple[
    tuple[float, float],
    dict[str, tuple[float, float, float, float]],
    dict[int, tuple[str, tuple[float, float]]],
]


def _lay_out(graph: Mapping[str, Any]) -> _Layout:
    """Size, boxes by name, and curves by number out of Graphviz' JSON, whose y axis points up."""
    _, _, width, height = map(float, graph["bb"].split(","))
    boxes: dict[str, tuple[float, float, float, float]] = {}
    for node in graph.get("objects", ()):
        x, y = _point(node["pos"], height)
        boxes[node["name"]] = (x, y, round(float(node["width"]) * INCH), round(float(node["height"]) * INCH))
    ways = {}
    for edge in graph.get("edges", ()):
        way, middle = _way(edge["pos"], height)
        ways[int(edge["id"])] = way, _point(edge["lp"], height) if "lp" in edge else middle
    return (round(width), round(height)), boxes, ways


def _way(spline: str, height: float) -> tuple[str, tuple[float, float]]:
    """A spline of Graphviz (splineType) as a path of SVG, and its middle."""
    *ends, first, rest = _split(spline)
    points = [_point(text, height) for text in (first, *rest)]
    start = next((_point(text[2:], height) for text in ends if text.startswith("s,")), None)
    end = next((_point(text[2:], height) for text in ends if text.startswith("e,")), None)
    path = f"M{_text(start)} L{_text(points[0])}" if start else f"M{_text(points[0])}"
    path += "".join(f" C{' '.join(map(_text, points[n : n + 3]))}" for n in range(1, len(points) - 2, 3))
    path += f" L{_text(end)}" if end else ""
    curves = (len(points) - 1) // 3
    return path, _middle(points[3 * (curves // 2) :][:4] if curves % 2 else points[3 * (curves // 2) :][:1])


def _split(spline: str) -> tuple[Any, ...]:
    parts = spline.split(";")[0].split()
    ends = [part for part in parts if part[:2] in ("s,", "e,")]
    first, *rest = (part for part in parts if part not in ends)
    return (*ends, first, rest)


def _middle(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The middle of a cubic curve, or the one point."""
    if len(points) < 4:
        return points[0]
    weights = (1, 3, 3, 1)
    x, y = (sum(weight * point[axis] for weight, point in zip(weights, points, strict=True)) / 8 for axis in (0, 1))
    return round(x), round(y)


def _point(text: str, height: float) -> tuple[float, float]:
    x, y = map(float, text.split(","))
    return round(x), round(height - y)


def _text(point: tuple[float, float]) -> str:
    return f"{point[0]:g},{point[1]:g}"
