"""Actors of flows against a plain pass: source → pass → sink beside source → router → sink, and so on, in the same
round. A router decides by an attribute, by a pattern, or by an XPath; a splitter makes ten events of one; a join makes
one of ten again.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.ports import free_port

from benchmarks import report
from benchmarks.edge import actor, result

#: Events in one measurement.
COUNT = 60_000
#: Parts of an event that is taken apart.
PARTS = 10

ORDER = "<order><item n='1'>tea</item><item n='2'>rice</item></order>"
LINES = "\n".join(f"line {number}" for number in range(PARTS))


def router(**condition: Any) -> tuple[str, dict[str, Any]]:
    """A router with one rule."""
    params = {"rules": [{"when": condition, "to": "next"}]}
    return "actorkit_actors.flow.router:Router", params


PASS: tuple[str, dict[str, Any]] = ("benchmarks.actors:Pass", {})
SPLITTER: tuple[str, dict[str, Any]] = ("actorkit_actors.flow.splitter:Splitter", {})
JOIN: tuple[str, dict[str, Any]] = (
    "actorkit_actors.flow.event_join:EventJoin",
    {"key": {"at": "attributes/whole"}, "count_at": "attributes/parts"},
)

#: The rows: (actors between source and sink, the source's text, its events, events at the sink), by name.
SHAPES: dict[str, tuple[list[tuple[str, dict[str, Any]]], str, int, int]] = {
    "router, attribute": ([router(at="attributes/kind", equals="order")], ORDER, COUNT, COUNT),
    "router, pattern": ([router(at="data", regex="rice")], ORDER, COUNT, COUNT),
    "router, XPath": ([router(xpath="/order/item[@n='2']", equals="rice")], ORDER, COUNT, COUNT),
    "splitter, parts": ([SPLITTER], LINES, COUNT // PARTS, COUNT),
    "splitter, join; parts": ([SPLITTER, JOIN], LINES, COUNT // PARTS, COUNT // PARTS),
}


def chain(
    between: list[tuple[str, dict[str, Any]]], text: str, count: int, arrive: int, folder: Path, warm_up: int
) -> float:
    """Events per second at the sink."""
    file = folder / "flow"
    file.unlink(missing_ok=True)
    ends = [f"tcp://127.0.0.1:{free_port()}" for _ in range(len(between) + 1)]
    sink = {"count": arrive, "file": str(file), "warm_up": warm_up}
    processes = [actor("sink", "Sink", sink, ACTORKIT_INBOX=ends[-1])]
    for number, (cls, params) in enumerate(between):
        variables = {"ACTORKIT_INBOX": ends[number], "ACTORKIT_OUTBOX_NEXT": f"{ends[number + 1]}#in"}
        processes.append(actor(f"between-{number}", "", params, **{"ACTORKIT_CLASS": cls, **variables}))
    source = {"count": count, "text": text}
    processes.append(actor("source", "Texts", source, ACTORKIT_OUTBOX_NEXT=f"{ends[0]}#in"))
    return result(file, processes)[0]


def measure(runs: int) -> report.Rows:
    """One row for each shape: the median of the ratios to a plain pass of the same round."""
    figures: dict[str, list[float]] = {shape: [] for shape in SHAPES}
    passes: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(runs):
            passes.append(chain([PASS], ORDER, COUNT, COUNT, folder, COUNT // 10))
            for shape, (between, text, count, arrive) in SHAPES.items():
                rate = chain(between, text, count, arrive, folder, arrive // 10)
                figures[shape].append(rate * PARTS if shape.endswith("; parts") else rate)
    return [_row(shape, passes, rates) for shape, rates in figures.items()]


def _row(shape: str, passes: list[float], rates: list[float]) -> dict[str, Any]:
    ratios = [rate / base for rate, base in zip(rates, passes, strict=True)]
    made = {
        "shape": shape,
        "pass_per_s": round(statistics.median(passes)),
        "events_per_s": round(statistics.median(rates)),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }
    print(
        f"{shape:24} pass {made['pass_per_s']:9,}/s  {made['events_per_s']:9,}/s  {made['ratio']:.3f}x  "
        f"{made['ratios']}",
        flush=True,
    )
    return made


if __name__ == "__main__":
    report.run(__doc__, measure)
