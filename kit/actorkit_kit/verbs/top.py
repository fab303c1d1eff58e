"""`kit top`: what is busy, what waits, what fails."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from actorkit_kit.console import Output, note, result, result_json, result_table
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.operating.rates import ActorRates, EdgeRates, Rates, ServiceRates, Watch
from actorkit_kit.verbs.options import ContextOption, DeploymentOption, NamespaceOption, OutputOption, WhereOption

#: Columns of the tables, each with whether it is a number.
ACTORS: Final = ("ACTOR", "REPLICAS", "HEALTH", "IN/s", "OUT/s", "FAILED/s", "WAITING", "OLDEST", "P95")
EDGES: Final = ("EDGE", "EVENTS/s", "BYTES/s", "WAITING", "OLDEST", "IN FLIGHT", "PEERS")
SERVICES: Final = ("SERVICE", "WORKERS", "BUSY", "WAITING", "OLDEST")
#: Time between the two readings of --once, in seconds.
ONCE_S: Final = 1.0


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def top(
        name: DeploymentOption = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        interval_s: Annotated[
            float, typer.Option("--interval", min=0.5, metavar="SECONDS", help="Time between two looks.")
        ] = 2.0,
        once: Annotated[
            bool, typer.Option("--once", help="Look for a second, write the tables, and end; as in a pipe.")
        ] = False,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Show what passes, waits and fails, by actor, edge and service, until ^C.

        Rates are those between two looks. What waits, and how old the oldest of it is, is told by those who send; P95
        is the time that 95 % of the consumes took at most. With -o json each look is a line.

        Examples: kit top; kit top -d orders -n shop --once -o json
        """
        with find(Wanted(name, target, Cluster(context, namespace))) as deployment:
            watch = Watch(deployment)
            watch.read()
            if once or (output is Output.TEXT and not sys.stdout.isatty()):
                time.sleep(ONCE_S)
                _write(watch.read(), output)
            elif output is Output.JSON:
                while True:
                    time.sleep(interval_s)
                    _write(watch.read(), output)
            else:
                _show(watch, interval_s, f"{deployment.name}, {deployment.where}")


def _write(rates: Rates, output: Output) -> None:
    if output is Output.JSON:
        result_json(rates.as_json())
        sys.stdout.flush()
        return
    for columns, rows in _tables(rates):
        if columns is not ACTORS:
            result("")
        result_table(columns, rows)
    for name in rates.silent:
        note(f"kit: {name} does not answer")


def _show(watch: Watch, interval_s: float, title: str) -> None:
    """The tables, written over again and again."""
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(interval_s)
            rates = watch.read()
            heading = Text(f"{title}   {time.strftime('%H:%M:%S')}   every {interval_s:g} s, ^C ends", style="dim")
            silent = [Text(f"{name} does not answer", style="red") for name in rates.silent]
            live.update(Group(heading, *map(_table, _tables(rates)), *silent), refresh=True)


def _table(columns_and_rows: tuple[Sequence[str], Iterable[Sequence[str]]]) -> Table:
    columns, rows = columns_and_rows
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in ("ACTOR", "HEALTH", "EDGE", "SERVICE") else "right")
    for row in rows:
        ill = "HEALTH" in columns and row[columns.index("HEALTH")] != "healthy"
        failing = "FAILED/s" in columns and row[columns.index("FAILED/s")] not in ("0", "")
        table.add_row(*map(Text, row), style="red" if ill else "yellow" if failing else None)
    return table


def _tables(rates: Rates) -> list[tuple[Sequence[str], list[Sequence[str]]]]:
    found: list[tuple[Sequence[str], list[Sequence[str]]]] = [(ACTORS, [_actor(row) for row in rates.actors])]
    if rates.edges:
        found.append((EDGES, [_edge(row) for row in rates.edges]))
    if rates.services:
        found.append((SERVICES, [_service(row) for row in rates.services]))
    return found


def _actor(row: ActorRates) -> Sequence[str]:
    return (
        row.actor,
        f"{row.healthy}/{row.wanted}",
        row.health,
        _number(row.in_per_s),
        _number(row.out_per_s),
        _number(row.failed_per_s),
        str(row.waiting),
        _seconds(row.oldest_waiting_s),
        "" if row.p95_s is None else _seconds(row.p95_s),
    )


def _edge(row: EdgeRates) -> Sequence[str]:
    named = row.actor if (row.outbox,) == row.destinations else f"{row.actor}.{row.outbox}"
    return (
        f"{named} -> {', '.join(row.destinations)}",
        _number(row.events_per_s),
        _number(row.bytes_per_s),
        str(row.waiting),
        _seconds(row.oldest_waiting_s),
        str(row.in_flight),
        str(row.peers),
    )


def _service(row: ServiceRates) -> Sequence[str]:
    return (row.service, str(row.workers), str(row.busy), str(row.waiting), _seconds(row.oldest_waiting_s))


def _number(value: float) -> str:
    return f"{value:.1f}" if 0 < value < 10 else f"{value:,.0f}"


def _seconds(value: float) -> str:
    """A time as a person reads it; "" for none."""
    if not value:
        return ""
    if value < 1:
        return f"{value * 1000:.3g} ms"
    return f"{value:.1f} s" if value < 100 else f"{value / 60:.0f} min"
