"""`kit services`: what brokers know."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from actorkit.mdp.cli import BrokerReport
from actorkit_kit.console import Output, note, result_json, result_table
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.verbs.options import (
    BrokerOption,
    ContextOption,
    DeploymentOption,
    KeysOption,
    NamespaceOption,
    OutputOption,
    WhereOption,
    named_brokers,
)

COLUMNS = ("BROKER", "SERVICE", "WORKERS", "BUSY", "IDLE", "QUEUE", "OLDEST")


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def services(
        broker: BrokerOption = None,
        keys: KeysOption = None,
        name: DeploymentOption = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """List the services of every broker: their workers, and the requests that wait.

        A worker is one place for a request: an mdp-worker has `capacity` of them, shared out over services and brokers.
        OLDEST is the age of the request that waits for longest, in seconds.

        Exit status 0 when every broker answered, 1 otherwise.

        Examples: kit services -n shop; kit services --broker tcp://127.0.0.1:5550 -o json
        """
        asked = named_brokers(broker or (), keys)
        if asked is not None:
            reports = asked.services()
        else:
            with find(Wanted(name, target, Cluster(context, namespace))) as deployment:
                reports = deployment.brokers().services()
        if output is Output.JSON:
            result_json([_as_json(report) for report in reports])
        else:
            result_table(COLUMNS, (row for report in reports for row in _rows(report)))
        for report in reports:
            if report.error:
                note(f"kit: {report.broker}: {report.error}")
        if any(report.error for report in reports):
            raise typer.Exit(1)


def _rows(report: BrokerReport) -> Iterator[tuple[str, ...]]:
    if not report.services:
        yield report.broker, "no answer" if report.error else "none", "", "", "", "", ""
    for name, found in sorted(report.services.items()):
        numbers = (found.workers, found.busy, found.workers - found.busy, found.queue)
        yield report.broker, name, *map(str, numbers), f"{found.oldest_s:.1f}" if found.queue else ""


def _as_json(report: BrokerReport) -> dict[str, object]:
    services = {
        name: {
            "workers": found.workers,
            "busy": found.busy,
            "idle": found.workers - found.busy,
            "queue": found.queue,
            "oldest_s": round(found.oldest_s, 3),
        }
        for name, found in report.services.items()
    }
    return {"broker": report.broker, "services": services, "error": report.error}
