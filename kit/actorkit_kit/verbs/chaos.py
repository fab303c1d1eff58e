"""`kit chaos`: proves on this machine that a topology loses nothing."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from actorkit_kit.chaos import doses, network, rig
from actorkit_kit.chaos.faults import FAULT_KINDS, Fault, FaultKind, Victim, schedule
from actorkit_kit.chaos.outside import OUTSIDES
from actorkit_kit.chaos.trial import CALM_EVENTS, Trial, TrialOptions
from actorkit_kit.chaos.verdict import Verdict
from actorkit_kit.console import Output, note, result, result_json
from actorkit_kit.errors import UsageError
from actorkit_kit.load import load_plan
from actorkit_kit.local.processes import Local, socket_folder
from actorkit_kit.local.supervisor import Supervisor
from actorkit_kit.plan.model import Plan
from actorkit_kit.plan.planner import stop_waves
from actorkit_kit.verbs.options import OutputOption, TopologyArgument

#: Kind of fault → the seconds in which it happens once, where the command line names no fault.
USUAL_S: Final[dict[FaultKind, float]] = {"kill": 3.0, "stop": 10.0, "pause": 20.0, "scale": 15.0}
#: Units of a duration, in seconds.
UNITS_S: Final = {"": 1, "s": 1, "m": 60, "h": 3600}

#: Exit status after SIGTERM: 128 + SIGTERM.
EX_TERMINATED: Final = 143


def _seconds(text: str) -> float:
    """Read `60s`, `10m`, `1h` or `90`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if found is None or not float(found[1]):
        raise typer.BadParameter(f'"{text}" is no time. Write it as 60s, 10m or 1h.')
    return float(found[1]) * UNITS_S[found[2]]


def _amount(what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(min=0, metavar="N", help=what)
    return option


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def chaos(
        topology: TopologyArgument,
        duration_s: Annotated[
            float, typer.Option("--for", parser=_seconds, metavar="TIME", help="How long faults happen: 60s, 10m, 1h.")
        ] = "60s",  # type: ignore[assignment]  # the parser reads the default, too
        kill: Annotated[int | None, _amount("How many times a process gets SIGKILL.")] = None,
        kill_every_s: Annotated[
            float | None, typer.Option("--kill-every", min=0.01, metavar="SECONDS", help="Instead: one in this time.")
        ] = None,
        stop: Annotated[int | None, _amount("How many times one gets SIGTERM.")] = None,
        pause: Annotated[int | None, _amount("How many times one is paused (SIGSTOP).")] = None,
        pause_for_s: Annotated[
            float, typer.Option("--pause-for", min=0.01, metavar="SECONDS", help="How long a pause lasts.")
        ] = 5.0,
        partition: Annotated[int | None, _amount("How many times one is cut off from all others; needs root.")] = None,
        partition_for_s: Annotated[
            float, typer.Option("--partition-for", min=0.01, metavar="SECONDS", help="How long it is cut off.")
        ] = 5.0,
        scale: Annotated[int | None, _amount("How many times an actor gets one replica more, or loses it.")] = None,
        poison: Annotated[int | None, _amount("How many events end the process that consumes them.")] = None,
        kill_sources: Annotated[
            str | None,
            typer.Option(
                "--kill-sources",
                metavar="OUTSIDE",
                help="Sources and sinks may be victims too: sources take events from a file or a database.",
            ),
        ] = None,
        on: Annotated[list[str] | None, typer.Option("--on", metavar="ACTOR", help="Only to this actor.")] = None,
        sources: Annotated[
            list[str] | None, typer.Option("--from", metavar="BOX", help="Inbox that the counting source feeds.")
        ] = None,
        sinks: Annotated[
            list[str] | None, typer.Option("--to", metavar="BOX", help="Outbox that the counting sink hears.")
        ] = None,
        rate: Annotated[float, typer.Option(min=0.1, help="Events in a second.")] = 200.0,
        body: Annotated[
            Path | None, typer.Option(exists=True, dir_okay=False, help="What each event holds: .json, .xml, or text.")
        ] = None,
        seed: Annotated[int | None, typer.Option(help="The seed that the faults follow from.")] = None,
        settle_s: Annotated[
            float, typer.Option("--settle", min=1, metavar="SECONDS", help="Longest time to get over the faults.")
        ] = 120.0,
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell each fault.")] = False,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Run a topology on this machine under faults, and count whether anything is lost.

        A counting source stands in for the actors where events begin, a counting sink for those that nothing leads away
        from; or they are added with --from and --to. Faults follow from the seed. Then everything heals, and what
        arrived is compared with what was sent. Without any kind of fault named, there are some of all but partitions
        and poison.

        With --kill-sources file or --kill-sources database, the outside is a file that grows, or the outbox table of
        a database. Sources settle with it, sinks store by the event's key, and all of them are killed as well.

        Exit status 0 when nothing was lost, nothing arrived twice (at a sink that was never killed), and all poison was
        given up and nothing else; 1 otherwise.

        Example: kit chaos examples/chaos/topology.yaml --for 60s --kill 20 --pause 2 --seed 1
        """
        if kill is not None and kill_every_s is not None:
            raise UsageError("--kill and --kill-every say the same in two ways. Give one of them.")
        if kill_every_s is not None:
            kill = max(1, int(duration_s / kill_every_s))
        given: dict[FaultKind, int | None] = {
            "kill": kill,
            "stop": stop,
            "pause": pause,
            "partition": partition,
            "scale": scale,
        }
        if poison is None and all(amount is None for amount in given.values()):
            given = {kind: max(1, int(duration_s / each_s)) for kind, each_s in USUAL_S.items()}
        if kill_sources is not None and kill_sources not in OUTSIDES:
            raise UsageError(f'--kill-sources "{kill_sources}" is no outside. Choose one of: {", ".join(OUTSIDES)}.')
        if kill_sources is not None and poison:
            raise UsageError("--poison is given to events by a source that lives. Leave out --kill-sources.")
        amounts = {kind: amount for kind, amount in given.items() if amount}
        if "partition" in amounts and network.unable():
            raise UsageError(network.unable())
        plan = load_plan(topology, "local")
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kit-chaos-")))
            made = rig.build(plan, folder, rate, body, sources or (), sinks or (), kill_sources or "")
            for edge in (edge for unit in made.plan.units for edge in unit.edges):
                if edge.options.delivery == "at-most-once":
                    note(f"kit: {edge} is at-most-once; what it drops counts as lost")
            victims = _victims(made, on or ())
            seed = random.randrange(1 << 31) if seed is None else seed
            if poison:
                made = doses.give(made, doses.choose(seed, poison, CALM_EVENTS, int(rate * duration_s)))
            lasting: dict[FaultKind, float] = {"pause": pause_for_s, "partition": partition_for_s}
            faults = schedule(seed, duration_s, amounts, victims, lasting)
            exactly_once = not _sink_dies(made, faults)
            options = TrialOptions(seed, duration_s, settle_s, faults, exactly_once)
            verdict = _try(stack, made, options, "partition" in amounts, verbose)
        _tell(verdict, output)
        if not verdict.good:
            raise typer.Exit(1)


def _victims(made: rig.Rig, on: list[str] | tuple[str, ...]) -> list[Victim]:
    """The replicas that faults may happen to, and which. Our source stands for the outside, which does not die; our
    sink is killed only when it is named. Where sources settle with an outside, both die like any other."""
    names = [unit.name for unit in made.plan.units]
    for name in on:
        if name not in names:
            raise UsageError(f'no actor is named "{name}". There are: {", ".join(names)}.')
    found = []
    for unit in made.plan.units:
        kinds = set(FAULT_KINDS)
        ours = unit.name in made.sources or unit.name in made.sinks
        if made.outside and ours:
            kinds -= {"scale"}
        elif unit.name in made.sources or (unit.name in made.sinks and unit.name not in on):
            kinds = {"pause", "partition"}
        elif unit.kind != "actor" or unit.name in made.sinks:
            kinds -= {"scale"}
        if not on or unit.name in on:
            ordered = tuple(kind for kind in FAULT_KINDS if kind in kinds)
            found += [Victim(unit.name, number, ordered) for number in range(1, unit.replicas + 1)]
    return found


def _sink_dies(made: rig.Rig, faults: list[Fault]) -> bool:
    """Whether a sink may see an event twice; one that stores by key does not."""
    return not made.outside and any(
        fault.kind in ("kill", "stop") and fault.victim.actor in made.sinks for fault in faults
    )


def _try(stack: ExitStack, made: rig.Rig, options: TrialOptions, cuts: bool, verbose: bool) -> Verdict:
    plan = _without_ports(made.plan)
    box = made.folder / "dead-letters"
    with tempfile.NamedTemporaryFile("w", prefix=f"kit-chaos-{plan.topology}-", suffix=".log", delete=False) as log:

        def say(name: str, line: str) -> None:
            log.write(f"{name}: {line}\n")

        def detail(text: str) -> None:
            log.write(f"kit: {text}\n")
            if verbose:
                note(f"kit: {text}")

        sockets = stack.enter_context(socket_folder(plan))
        net = stack.enter_context(network.network(plan)) if cuts else None
        local = network.Namespaced(plan, sockets, box, net) if net else Local(plan, sockets, box)
        supervisor = Supervisor(local.processes(), stop_waves(plan), say, first_pause_s=0.0)
        trial = Trial(replace(made, plan=plan), local, supervisor, box, net, lambda text: note(f"kit: {text}"), detail)
        good = False
        try:
            verdict = asyncio.run(_run(trial, options))
            good = verdict.good and not verdict.unclean
        finally:
            if good:
                Path(log.name).unlink(missing_ok=True)
            else:
                note(f"kit: what the processes wrote is in {log.name}")
    return verdict


async def _run(trial: Trial, options: TrialOptions) -> Verdict:
    """Run it; SIGTERM, as ^C, ends it with nothing left behind."""
    terminated = asyncio.Event()
    running = asyncio.create_task(trial.run(options))

    def terminate() -> None:
        terminated.set()
        running.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await running
    except asyncio.CancelledError:
        if terminated.is_set():
            raise typer.Exit(EX_TERMINATED) from None
        raise


def _without_ports(plan: Plan) -> Plan:
    """Nothing is published: nobody shall disturb the count, and every actor has all of its replicas."""
    return replace(plan, units=tuple(replace(unit, ports=()) for unit in plan.units))


def _tell(verdict: Verdict, output: Output) -> None:
    for words in verdict.unclean:
        note(f"kit: {words}")
    if output is Output.JSON:
        result_json({**asdict(verdict), "good": verdict.good})
        return
    faults = ", ".join(f"{amount} {kind}" for kind, amount in verdict.faults.items())
    rows = [
        ("sent", f"{verdict.sent} events in {verdict.seconds:g} s, seed {verdict.seed}"),
        ("received", f"{verdict.received}"),
        ("duplicates", f"{verdict.duplicates}{'' if verdict.exactly_once else ' (a sink was killed)'}"),
        ("lost", f"{verdict.lost}{_traces(verdict)}"),
        ("failed", f"{verdict.failed}"),
        ("unacknowledged", f"{verdict.unacknowledged}"),
        ("faults", f"{faults or 'none'}; {verdict.restarts} restarts"),
        ("longest stall", f"{verdict.stall_s:.3f} s; slowest event {verdict.slowest_s:.3f} s"),
        ("verdict", "good" if verdict.good else "BAD"),
    ]
    if verdict.repeats:
        rows.insert(3, ("repeats", f"{verdict.repeats} that the sinks knew by their keys"))
    if verdict.poison:
        innocent = f"; {verdict.blamed} others with it" if verdict.blamed else ""
        rows.insert(5, ("poison", f"{verdict.poison} events, {verdict.given_up} given up{innocent}"))
    for name, value in rows:
        result(f"{name:<15} {value}")


def _traces(verdict: Verdict) -> str:
    return f": {', '.join(f'{trace:016x}' for trace in verdict.missing)}" if verdict.missing else ""
