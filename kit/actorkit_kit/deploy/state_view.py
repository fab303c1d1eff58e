"""The state of a deployment as a person sees it: a live table on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from actorkit_kit.console import Output, note, result_json, result_table
from actorkit_kit.deploy.deployment import ActorStatus

COLUMNS = ("ACTOR", "REPLICAS", "HEALTH", "PUBLISHED")


def cells(row: ActorStatus) -> tuple[str, str, str, str]:
    """What the table says about an actor."""
    return (
        row.actor,
        f"{row.healthy}/{row.wanted}",
        f"{row.health}: {row.why}" if row.why else row.health,
        " ".join(row.urls),
    )


def write_status(rows: Sequence[ActorStatus], output: Output, topology: str) -> None:
    """The state as a result."""
    if output is Output.JSON:
        actors = [
            {
                "actor": row.actor,
                "healthy": row.healthy,
                "wanted": row.wanted,
                "health": row.health,
                "why": row.why,
                "urls": list(row.urls),
            }
            for row in rows
        ]
        result_json({"topology": topology, "actors": actors})
    else:
        result_table(COLUMNS, map(cells, rows))


@contextmanager
def show_status() -> Iterator[Callable[[list[ActorStatus]], None]]:
    """A function that shows each state it is given."""
    if not sys.stderr.isatty():
        seen: set[str] = set()

        def on_status(rows: list[ActorStatus]) -> None:
            for row in rows:
                done = row.healthy >= row.wanted and row.health == "healthy"
                if done and row.actor not in seen:
                    seen.add(row.actor)
                    note(f"kit: {row.actor} is healthy ({row.healthy}/{row.wanted})")

        yield on_status
        return
    with Live(console=Console(stderr=True), transient=True) as live:

        def on_change(rows: list[ActorStatus]) -> None:
            table = Table(*COLUMNS, box=None)
            for row in rows:
                table.add_row(*cells(row), style="green" if row.healthy >= row.wanted else None)
            live.update(table)

        yield on_change
