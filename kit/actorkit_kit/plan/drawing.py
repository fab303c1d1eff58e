"""The graph of a topology as a picture: Mermaid, DOT and SVG."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from actorkit.graph import DEAD_LETTERS, RESERVED, Connection
from actorkit_kit import python_process
from actorkit_kit.errors import KitError
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import Plan, Unit
from actorkit_kit.topology.model import BOX


@dataclass(frozen=True)
class Line:
    """A line between two units. `style`: an event's way, a reserved outbox, or the way over the broker. `edge` is the
    connection that it stands for, `service` the name that requests on it ask for; each is there without the other."""

    source: str
    destination: str
    label: str
    style: str
    edge: Connection | None = None
    service: str = ""


#: Longest time for a picture, in seconds.
DRAW_TIMEOUT_S: Final = 60.0

#: Style of lines → Mermaid's arrow and DOT's attribute.
STYLES: Final = {"event": ("-->", "solid"), "reserved": ("-.->", "dashed"), "broker": ("<-.->", "dotted")}


def mermaid(plan: Plan) -> str:
    """A Mermaid flowchart; GitHub and many editors draw it."""
    lines = ["flowchart LR"]
    for unit in drawn_units(plan):
        begin, end = _brackets(unit)
        lines.append(f'    {_id(unit.name)}{begin}"{_title(unit, "<br/>")}"{end}')
    for line in drawn_lines(plan):
        arrow = STYLES[line.style][0]
        label = f'|"{line.label}"|' if line.label else ""
        lines.append(f"    {_id(line.source)} {arrow}{label} {_id(line.destination)}")
    return "\n".join(lines) + "\n"


def dot(plan: Plan) -> str:
    """A graph in Graphviz's DOT."""
    lines = [
        f"digraph {quote(plan.topology)} {{",
        "    rankdir=LR;",
        '    node [fontname="Helvetica", style=rounded];',
    ]
    lines.append('    edge [fontname="Helvetica", fontsize=10];')
    for unit in drawn_units(plan):
        title = quote(_title(unit, "\n"))
        lines.append(f"    {quote(unit.name)} [label={title}, shape={_shape(unit)}];")
    for line in drawn_lines(plan):
        attributes = f"style={STYLES[line.style][1]}"
        attributes += f", label={quote(line.label)}" if line.label else ""
        attributes += ", dir=both, constraint=false" if line.style == "broker" else ""
        lines.append(f"    {quote(line.source)} -> {quote(line.destination)} [{attributes}];")
    return "\n".join([*lines, "}"]) + "\n"


def svg(plan: Plan) -> str:
    """An SVG picture, laid out by the Graphviz that comes with pygraphviz.

    Raises:
        KitError: its Graphviz does not run here.
    """
    return run_graphviz(dot(plan), "svg")


def run_graphviz(graph: str, format_: str) -> str:
    """What Graphviz makes of a graph in DOT: a picture, or where each node and each line is.

    Raises:
        KitError: its Graphviz does not run here.
    """
    done = subprocess.run(
        [*python_process.command("actorkit_kit.plan.graphviz"), format_],
        input=graph.encode(),
        capture_output=True,
        env=python_process.environ(),
        timeout=DRAW_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise KitError(why_not_drawn(last_line(done.stderr.decode(errors="replace"))))
    return done.stdout.decode()


#: Format → what draws it.
FORMATS: Final[dict[str, Callable[[Plan], str]]] = {"mermaid": mermaid, "dot": dot, "svg": svg}


def quote(text: str) -> str:
    """A text as DOT quotes it, which knows escapes of a line end and of quotes, and none of other characters."""
    return json.dumps(text, ensure_ascii=False)


def drawn_units(plan: Plan) -> list[Unit]:
    """The units of the picture: not the dead-letter box, to which nearly every actor would have a line."""
    return [unit for unit in plan.units if unit.kind != BOX]


def drawn_lines(plan: Plan) -> Iterator[Line]:
    """The lines of the picture."""
    for unit in plan.units:
        for edge in unit.edges:
            if edge.outbox == DEAD_LETTERS:
                continue
            style = "reserved" if edge.outbox in RESERVED else "event"
            yield Line(unit.name, edge.destination, _label(edge), style, edge)
        # No request goes over a registration service: a unit that uses brokers is drawn to the brokers.
        for other in plan.meets(unit):
            if unit.kind == "broker" or other.kind == "broker":
                service = str(unit.params.get("service", ""))
                yield Line(unit.name, other.name, service, "broker", service=service)


def _label(edge: Connection) -> str:
    """The names that do not follow from the ends."""
    named_outbox = edge.outbox != edge.destination
    named_inbox = edge.inbox not in (edge.source, f"{edge.outbox}-{edge.source}")
    if named_outbox and named_inbox:
        return f"{edge.outbox} → {edge.inbox}"
    return edge.outbox if named_outbox else f"→ {edge.inbox}" if named_inbox else ""


def _title(unit: Unit, newline: str) -> str:
    uses = unit.uses.rpartition(":")[2]
    name = unit.name if unit.replicas == 1 else f"{unit.name} × {unit.replicas}"
    return name if unit.name in (uses, unit.kind) else f"{name}{newline}{uses}"


def _brackets(unit: Unit) -> tuple[str, str]:
    if unit.kind != "actor":
        return "{{", "}}"
    return ("([", "])") if unit.begins else ("[", "]")


def _shape(unit: Unit) -> str:
    return "hexagon" if unit.kind != "actor" else "oval" if unit.begins else "box"


def _id(name: str) -> str:
    """Mermaid's id of a unit; `end` and `graph` are words of Mermaid, `unit_end` is not."""
    return f"unit_{name.replace('-', '_')}"


def why_not_drawn(said: str) -> str:
    """What the drawing process ended with, and what to do."""
    library = re.search(r"ImportError: (\S+): cannot open shared object file", said)
    if library:
        todo = "Install it (on Debian: libglib2.0-0, libxrender1 and libxext6), or take --format mermaid or dot."
        return f"an SVG needs the system's {library[1]}, which is not here. {todo}"
    return f"Graphviz cannot draw this: {said}. Take --format dot, and look what it says there."
