"""`kit trace`: the way of one event."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from actorkit.console.way import Hop
from actorkit_kit.console import Output, result_json, result_table
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.operating.way import find_way
from actorkit_kit.verbs.options import ContextOption, DeploymentOption, NamespaceOption, OutputOption, WhereOption

_COLUMNS: Final = ("TIME", "ACTOR", "INSTANCE", "INBOX", "FROM", "TOOK", "ATTEMPTS", "BYTES", "WHAT")


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def trace(
        trace: Annotated[str, typer.Argument(metavar="TRACE", help="What logs, dead letters and HTTP answers name.")],
        name: DeploymentOption = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Show the way of an event over the graph: where it was, when, for how long, how often it was tried, and why it
        failed.

        It is put together from what each instance remembers: its last failures, the way of what kit send puts in, and
        of all other events one trace of so many as ACTORKIT_SAMPLE says, the same ones everywhere: kit dev records all,
        a deployment none unless it is told to. Older failures are in the dead-letter box: kit dlq list --trace TRACE.

        Example: kit trace 000000005d1c7f2a
        """
        if not re.fullmatch(r"[0-9a-fA-F]{1,16}", trace):
            raise UsageError(f'"{trace}" is no trace: it has 16 hexadecimal digits, as 000000005d1c7f2a.')
        wanted = trace.lower().zfill(16)
        with find(Wanted(name, target, Cluster(context, namespace))) as deployment:
            way = find_way(deployment, wanted)
            if not way.hops:
                raise KitError(_unknown(deployment.name, wanted, way.sampled_every))
            if output is Output.JSON:
                result_json({"trace": wanted, "hops": [hop.as_json() for hop in way.hops]})
            else:
                result_table(_COLUMNS, [_row(hop) for hop in way.hops])


def _unknown(name: str, trace: str, every: int) -> str:
    """What is said of a trace that nobody remembers."""
    kept = f"one trace of {every}" if every else "no trace (set ACTORKIT_SAMPLE)"
    return (
        f"no instance of {name} remembers {trace}: each keeps its last failures, and {kept}. Look at: kit logs, kit dlq"
    )


def _row(hop: Hop) -> tuple[str, ...]:
    moment = datetime.fromtimestamp(hop.time, UTC).strftime("%H:%M:%S.%f")[:-3]
    took = f"{hop.seconds * 1000:.2f} ms" if hop.seconds is not None else ""
    what = hop.failure or ("redelivered" if hop.redelivered else "")
    return (moment, hop.actor, hop.instance, hop.inbox, hop.sender, took, str(hop.attempts), str(hop.bytes), what)
