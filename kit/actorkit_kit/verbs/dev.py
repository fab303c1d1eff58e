"""`kit dev`: a topology that takes over what its author saves."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated, Final

import typer

from actorkit_kit import python_process
from actorkit_kit.console import Output, note
from actorkit_kit.dev.keys import Keys, read_keys
from actorkit_kit.dev.replace import Replacer
from actorkit_kit.dev.session import Session
from actorkit_kit.dev.terminal import Terminal
from actorkit_kit.dev.watch import changed_files, folders_of
from actorkit_kit.errors import UsageError
from actorkit_kit.load import load_plan
from actorkit_kit.local.console import LocalConsole, serve_console
from actorkit_kit.local.processes import replicas, socket_folder
from actorkit_kit.local.state import make_dead_letters_folder, publish_processes
from actorkit_kit.plan.model import Plan
from actorkit_kit.topology.findings import suggest
from actorkit_kit.topology.model import LOCAL
from actorkit_kit.verbs.options import OutputOption, TopologyArgument
from actorkit_kit.verbs.run import queue_signals, speaker, start, stop, tell_running

#: Python takes a compiled file for that of a source with the same second and size, and two saves may have both.
_ENVIRON: Final = {"PYTHONDONTWRITEBYTECODE": "1"}
#: So long nothing is saved before the classes are looked at once more, in seconds.
QUIET_S: Final = 0.5
_KEYS: Final = "keys: r replace all, s status, t run the tests, o open in a browser, q quit"
#: Port at which an actor listens for a debugger.
DEBUG_PORT: Final = 5678


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def dev(
        topology: TopologyArgument,
        timeout_s: Annotated[
            float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="Longest time until all are ready.")
        ] = 60.0,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not write what the processes write.")] = False,
        debug: Annotated[
            list[str] | None,
            typer.Option("--debug", metavar="ACTOR", help="Have it listen for a debugger (debugpy). May be repeated."),
        ] = None,
        debug_port: Annotated[
            int, typer.Option("--debug-port", min=1, max=65535, metavar="PORT", help="The first port for that.")
        ] = DEBUG_PORT,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Run a topology on this machine, and take over what is saved.

        As kit run; in addition it watches the topology, the code and the files of its actors. An instance whose code,
        files or parameters changed is replaced: the new one takes over, the old one finishes what it has, so that no
        event is lost. In a topology that changed, new actors start, gone ones drain, the rest stays. While there is a
        mistake in a file, what runs stays as it was, and the mistake is shown with its line.

        On a terminal: r replaces all, s shows the status, t runs the tests, o opens what is published, q quits. An
        actor that comes to a breakpoint() gets the terminal, with pdb on it.

        Example: kit dev examples/orders/topology.yaml
        """
        raise typer.Exit(asyncio.run(_Dev(topology, quiet, output, debug or (), debug_port).run(timeout_s)))


class _Dev:
    def __init__(self, reference: str, quiet: bool, output: Output, debug: Sequence[str], debug_port: int) -> None:
        self._debug = debug
        self._debug_port = debug_port
        self._testing: asyncio.Task[None] | None = None
        self._reference = reference
        self._quiet = quiet
        self._output = output
        self._published = ExitStack()
        self._watches = asyncio.Event()
        self._console: LocalConsole

    def _load(self) -> Plan:
        return load_plan(self._reference, LOCAL)

    async def run(self, timeout_s: float) -> int:
        """Run until a signal or the key q comes; the exit status."""
        signals = queue_signals()
        plan = self._load()
        box = make_dead_letters_folder(plan.base, plan.topology)
        with socket_folder(plan) as folder, self._published:
            terminal = Terminal(folder, speaker(plan, self._quiet))
            environ = {**_ENVIRON, **terminal.environ}
            replacer = Replacer(plan, folder, box, terminal.say, environ, self._debug_ports(plan))
            stopped = asyncio.create_task(signals.get())
            status = await start(replacer.start(timeout_s), stopped)
            if status is not None:
                return status
            async with serve_console(folder, terminal.say) as self._console:
                self._publish(replacer)
                session = Session(replacer, self._load, lambda line: note(f"kit: {line}"))
                with read_keys() as keys:
                    async with terminal.lending(keys):
                        await self._work(replacer, session, stopped, keys)
                return await stop(replacer, signals)

    def _debug_ports(self, plan: Plan) -> dict[str, int]:
        """Actor → the port at which its first instance listens for a debugger.

        Raises:
            UsageError: there is no such actor, or no debugpy.
        """
        ports, port = {}, self._debug_port
        for name in self._debug:
            units = {unit.name: unit for unit in plan.of_kind("actor")}
            if name not in units:
                raise UsageError(f'--debug: no actor is named "{name}". {suggest(name, units)}')
            ports[name], port = port, port + replicas(units[name])
        if ports and importlib.util.find_spec("debugpy") is None:
            raise UsageError("--debug needs debugpy, which is not installed. Install it: pip install debugpy")
        return ports

    def _publish(self, replacer: Replacer) -> None:
        """Tell others how the processes are reached now."""
        self._published.close()
        processes = [child.process for child in replacer.children]
        plan, console = replacer.plan, self._console
        self._published.enter_context(publish_processes(plan.base, plan.topology, processes, console.url))
        console.show(plan, processes)

    async def _work(
        self, replacer: Replacer, session: Session, stopped: asyncio.Task[signal.Signals], keys: Keys
    ) -> None:
        """Follow changes and keys until it is to stop. One thing is done after the other."""
        turn, over = asyncio.Lock(), asyncio.Event()
        watching = asyncio.create_task(self._watch(replacer, session, turn, over))
        pressing = asyncio.create_task(self._press(keys.pressed, replacer, session, turn))
        await asyncio.wait((stopped, watching, pressing), return_when=asyncio.FIRST_COMPLETED)
        over.set()
        pressing.cancel()
        if self._testing is not None:
            self._testing.cancel()
        await asyncio.gather(watching, pressing, return_exceptions=True)
        if error := watching.exception():
            await replacer.kill()
            raise error

    async def _watch(self, replacer: Replacer, session: Session, turn: asyncio.Lock, over: asyncio.Event) -> None:
        later: asyncio.Task[None] | None = None
        while not over.is_set():
            folders, is_begun = folders_of(replacer.plan), False
            async for files in changed_files(folders, over):
                if not is_begun:
                    # What was saved before has been seen by nobody.
                    is_begun = True
                    self._watches.set()
                    later = asyncio.create_task(self._look_again(replacer, session, turn))
                if not files:
                    continue
                if later is not None and not turn.locked():
                    later.cancel()
                async with turn:
                    if await session.follow(files):
                        self._publish(replacer)
                if session.is_to_look_again:
                    later = asyncio.create_task(self._look_again(replacer, session, turn))
                if folders_of(replacer.plan) != folders:
                    break
        if later is not None:
            later.cancel()

    async def _look_again(self, replacer: Replacer, session: Session, turn: asyncio.Lock) -> None:
        """Look at the classes once nothing has been saved for a while."""
        await asyncio.sleep(QUIET_S)
        if await session.look_again(turn):
            self._publish(replacer)

    async def _press(self, keys: asyncio.Queue[str], replacer: Replacer, session: Session, turn: asyncio.Lock) -> None:
        """Tell what runs, once its files are watched; then do what keys ask for, until q."""
        await self._watches.wait()
        tell_running(replacer.plan, replacer.children, self._output, self._console.url)
        note(f"kit: {_KEYS}")
        while (key := await keys.get()) != "q":
            if key == "t":
                self._test()
                continue
            async with turn:
                if key == "r":
                    await session.replace_all()
                    self._publish(replacer)
                elif key == "s":
                    tell_running(replacer.plan, replacer.children, self._output, self._console.url)
                elif key == "o":
                    _open(replacer)
                else:
                    note(f"kit: {_KEYS}")

    def _test(self) -> None:
        """Run the tests, beside all else; those that run go on."""
        if self._testing is None or self._testing.done():
            self._testing = asyncio.create_task(_run_tests(self._reference))
        else:
            note("kit: the tests run already")


async def _run_tests(reference: str) -> None:
    running = await asyncio.create_subprocess_exec(
        *python_process.command("actorkit_kit"),
        "test",
        reference,
        env=python_process.environ(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=sys.stderr,
    )
    try:
        status = await running.wait()
    except asyncio.CancelledError:
        running.terminate()
        await running.wait()
        raise
    note(f"kit: the tests {'hold' if status == 0 else 'do not hold'}")


def _open(replacer: Replacer) -> None:
    urls = [url for child in replacer.children for url in child.process.urls if url.startswith("http")]
    if not urls:
        note("kit: nothing is published over HTTP")
    elif not webbrowser.open(urls[0]):
        note(f"kit: there is no browser here; open {' '.join(urls)}")
