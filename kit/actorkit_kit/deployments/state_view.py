"""The state of a deployment as a person sees it: a live table on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace

from rich.console import Console
from rich.live import Live
from rich.table import Table

from actorkit_kit.console import Output, note, result, result_json, result_table
from actorkit_kit.deployments.deployment import Deployment, OnStatus, State
from actorkit_kit.instance import ActorStatus, InstanceStatus

COLUMNS = ("ACTOR", "REPLICAS", "HEALTH", "PUBLISHED")


def cells(row: ActorStatus) -> tuple[str, str, str, str]:
    """What the table says about an actor."""
    return (
        row.actor,
        f"{row.healthy}/{row.wanted}",
        f"{row.health}: {row.why}" if row.why else row.health,
        " ".join(row.urls),
    )


def write_state(deployment: Deployment, state: State, output: Output) -> None:
    """The state as a result: a row for each actor, then a line for each instance that something is to be said about."""
    waiting = sum_up(instance.waiting for instance in state.instances)
    services = sum_up(instance.services for instance in state.instances)
    if output is Output.JSON:
        result_json(
            {
                "deployment": deployment.name,
                "topology": deployment.topology,
                "target": deployment.target,
                "where": deployment.where,
                "actors": [asdict(row) for row in state.actors],
                "instances": [asdict(instance) for instance in state.instances],
                "waiting": waiting,
                "services": services,
            }
        )
        return
    named = {instance.actor for instance in state.instances}
    shown = [cells(replace(row, why="") if row.actor in named else row) for row in state.actors]
    if waiting:
        work = [str(waiting.get(row.actor, "")) for row in state.actors]
        result_table((*COLUMNS, "WAITING"), [(*row, count) for row, count in zip(shown, work, strict=True)])
    else:
        result_table(COLUMNS, shown)
    for instance in state.instances:
        if line := _line(instance):
            result(line)
    for service, count in services.items():
        if count:
            result(f"service {service}: {count} requests wait or are being done")


def sum_up(told: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """What waits by name, of all who tell of it."""
    found: dict[str, int] = {}
    for one in told:
        for name, count in one.items():
            found[name] = found.get(name, 0) + count
    return dict(sorted(found.items()))


def _line(instance: InstanceStatus) -> str:
    """What is to be said about an instance; "" for nothing."""
    again = f"started again {instance.restarts} times" if instance.restarts else ""
    if instance.healthy:
        return f"{instance.name}: healthy, {again}" if again else ""
    said = f"{instance.name}: {instance.health}" + (f": {instance.why}" if instance.why else "")
    return f"{said} ({again})" if again else said


@contextmanager
def show_status() -> Iterator[OnStatus]:
    """A function that shows each state it is given."""
    if not sys.stderr.isatty():
        seen: set[str] = set()

        def on_status(rows: Sequence[ActorStatus]) -> None:
            for row in rows:
                done = row.healthy >= row.wanted and row.health == "healthy"
                if done and row.actor not in seen:
                    seen.add(row.actor)
                    note(f"kit: {row.actor} is healthy ({row.healthy}/{row.wanted})")

        yield on_status
        return
    with Live(console=Console(stderr=True), transient=True) as live:

        def on_change(rows: Sequence[ActorStatus]) -> None:
            table = Table(*COLUMNS, box=None)
            for row in rows:
                table.add_row(*cells(row), style="green" if row.healthy >= row.wanted else None)
            live.update(table)

        yield on_change
