"""`kit run`: a topology as processes on this machine."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Annotated, Any, Final, Protocol

import typer

from actorkit_kit.console import Output, colour, note, result_json, result_table
from actorkit_kit.errors import KitError
from actorkit_kit.load import load_plan
from actorkit_kit.local.child import Child
from actorkit_kit.local.console import serve_console
from actorkit_kit.local.processes import Local, replicas, socket_folder
from actorkit_kit.local.state import make_dead_letters_folder, publish_processes
from actorkit_kit.local.supervisor import Supervisor
from actorkit_kit.plan.model import Plan
from actorkit_kit.plan.planner import stop_waves
from actorkit_kit.topology.model import DATA_DIR
from actorkit_kit.verbs.options import OutputOption, TopologyArgument

#: Colours of names in the log, one unit each in turn: cyan, yellow, green, magenta, blue (ECMA-48 SGR).
COLOURS: Final = (36, 33, 32, 35, 34)


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def run(
        topology: TopologyArgument,
        timeout_s: Annotated[
            float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="Longest time until all are ready.")
        ] = 60.0,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not write what the processes write.")] = False,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Run a topology as processes on this machine, without Docker.

        One process for each replica. When all are ready a table of them (a line of JSON with -o json) goes to stdout;
        what they write goes to stderr. A process that dies is started again. ^C or SIGTERM stops everything, sources
        first, and waits until what is under way is finished; a second ^C does not wait.

        Example: kit run examples/orders/topology.yaml
        """
        status = asyncio.run(_run(load_plan(topology, "local"), timeout_s, quiet, output))
        raise typer.Exit(status)


async def _run(plan: Plan, timeout_s: float, quiet: bool, output: Output) -> int:
    signals = queue_signals()
    box = make_dead_letters_folder(plan.base, plan.topology)
    with socket_folder(plan) as folder:
        local = Local(plan, folder, box)
        _tell_where_files_are(plan, local)
        processes = local.processes()
        say = speaker(plan, quiet)
        supervisor = Supervisor(processes, stop_waves(plan), say)
        stopped = asyncio.create_task(signals.get())
        status = await start(supervisor.start(timeout_s), stopped)
        if status is not None:
            return status
        async with serve_console(folder, say) as console:
            console.show(plan, processes)
            with publish_processes(plan.base, plan.topology, processes, console.url):
                tell_running(plan, supervisor.children, output, console.url)
                await stopped
                return await stop(supervisor, signals)


def queue_signals() -> asyncio.Queue[signal.Signals]:
    """The signals that ask for an end, as they come."""
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    return signals


async def start(beginning: Coroutine[Any, Any, None], stopped: asyncio.Task[signal.Signals]) -> int | None:
    """Have everything start; the exit status where a signal comes first.

    Raises:
        KitError: it does not start.
    """
    starting = asyncio.create_task(beginning)
    await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return 130 if stopped.result() is signal.SIGINT else 0
    try:
        starting.result()
    except KitError:
        stopped.cancel()
        raise
    return None


class Stoppable(Protocol):
    """What runs and can be stopped."""

    @property
    def children(self) -> Sequence[Child]: ...

    async def stop(self) -> list[Child]: ...

    async def kill(self) -> None: ...


async def stop(supervisor: Stoppable, signals: asyncio.Queue[signal.Signals]) -> int:
    """Drain and end everything, or end it at once when a second signal comes; the exit status."""
    note("kit: stopping: waits until what is under way is finished; ^C again does not wait")
    stopping = asyncio.create_task(supervisor.stop())
    again = asyncio.create_task(signals.get())
    await asyncio.wait((stopping, again), return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        await supervisor.kill()
        await stopping
        return 130
    again.cancel()
    for child in supervisor.children:
        if child.restarts:
            note(f"kit: {child.process.name} was started again {child.restarts} times")
    left = stopping.result()
    for child in left:
        note(f"kit: {child.process.name} ended with status {child.status}: {child.last_words()}")
    if not left:
        note("kit: stopped; nothing was left unfinished")
    return 1 if left else 0


def _tell_where_files_are(plan: Plan, local: Local) -> None:
    """Tell where folders are that the topology gives, for they are those of a container."""
    for unit in plan.units:
        for parameter, folder in local.kept(unit).items():
            if unit.keeps[parameter] != DATA_DIR:
                note(f'kit: "{unit.name}" has its {parameter}, {unit.keeps[parameter]}, here in {folder}')


def tell_running(plan: Plan, running: Sequence[Child], output: Output, console: str) -> None:
    """Write the table of what runs, and where the console is."""
    rows: list[dict[str, Any]] = []
    for unit in plan.units:
        children = [child for child in running if child.process.unit.name == unit.name]
        members = [child.process for child in children]
        if len(members) < unit.replicas:
            note(f'kit: "{unit.name}" has a published port: 1 process instead of {unit.replicas} on this machine')
        admin = [member.admin for member in members]
        urls = [url for member in members for url in member.urls]
        pids = [child.pid for child in children]
        rows.append({"actor": unit.name, "replicas": replicas(unit), "admin": admin, "urls": urls, "pids": pids})
    if output is Output.JSON:
        result_json({"topology": plan.topology, "actors": rows, "console": console})
    else:
        table = [[row["actor"], str(row["replicas"]), " ".join(row["urls"]), " ".join(row["admin"])] for row in rows]
        result_table(("ACTOR", "REPLICAS", "PUBLISHED", "ADMIN"), table)
        note(f"kit: the console: {console}")
    sys.stdout.flush()


def speaker(plan: Plan, quiet: bool) -> Any:
    """What writes the lines of the processes, with their names before them."""
    width = max(len(f"{unit.name}-{unit.replicas}") for unit in plan.units)
    numbers = {unit.name: COLOURS[n % len(COLOURS)] for n, unit in enumerate(plan.units)}
    coloured = colour(sys.stderr)

    def say(name: str, line: str) -> None:
        if quiet:
            return
        prefix = f"{name:<{width}} |"
        note(
            f"\x1b[{numbers.get(name.rpartition('-')[0], COLOURS[0])}m{prefix}\x1b[0m {line}"
            if coloured
            else f"{prefix} {line}"
        )

    return say
