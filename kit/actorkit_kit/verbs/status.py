"""`kit status`: how a deployment is, or what `kit run` runs."""

from __future__ import annotations

from contextlib import closing

import typer

from actorkit_kit.console import Output, result, result_json
from actorkit_kit.deploy import deployment, state_view
from actorkit_kit.deploy.engine import connect
from actorkit_kit.deploy.work import with_work
from actorkit_kit.errors import KitError
from actorkit_kit.instance import InstanceStatus
from actorkit_kit.local.state import running_processes, running_topologies
from actorkit_kit.local.status import local_instances
from actorkit_kit.verbs.options import DeploymentArgument, OutputOption, Where, WhereOption, find_place, name_of

#: The instances of a topology, by its name.
_Found = list[tuple[str, list[InstanceStatus]]]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def status(name: DeploymentArgument = "", target: WhereOption = None, output: OutputOption = Output.TEXT) -> None:
        """Show the actors of a deployment or of kit run, or of all: replicas, health, published URLs, work that waits.

        WAITING is how many events an actor has before it, told by those that send to it; a line for each service says
        how many requests its brokers have.

        A line for each instance that is not well says why: which peer is missing and since when, which event it hangs
        at, how it ended. Its name is the one that it has in logs, metrics and dead letters. Exit status 0 when all are
        healthy, 1 otherwise.

        Example: kit status orders
        """
        states = _find_named(name, target) if name else _all(target)
        if not states and output is Output.TEXT:
            result("nothing is deployed on this engine, and kit run runs nothing")
        if not states and output is Output.JSON:
            result_json([])
        for topology, instances in states:
            if len(states) > 1 and output is Output.TEXT:
                result(f"{topology}:")
            state_view.write_status(state_view.actors_of(instances), output, topology, instances)
        if not all(instance.healthy for _, instances in states for instance in instances):
            raise typer.Exit(1)


def _find_named(name: str, target: Where | None) -> _Found:
    """The one that is meant: what `kit run` runs under the name, else a deployment.

    Raises:
        UsageError: there is none.
    """
    if target is not Where.COMPOSE:
        place = find_place(name)
        if place is not None and (target is Where.LOCAL or running_processes(*place)):
            return [(place[1], local_instances(*place))]
    with closing(connect()) as client:
        topology = name_of(name)
        return [(topology, with_work(client, topology, deployment.find_replicas(client, topology)))]


def _all(target: Where | None) -> _Found:
    """Everything that runs here. Without an engine it is what `kit run` runs.

    Raises:
        KitError: there is no engine, and nothing else either.
    """
    local = [] if target is Where.COMPOSE else running_topologies()
    found = [(topology, local_instances(base, topology)) for base, topology in local]
    if target is Where.LOCAL:
        return found
    try:
        with closing(connect()) as client:
            for topology in deployment.list_topologies(client):
                found.append((topology, with_work(client, topology, deployment.list_replicas(client, topology))))
    except KitError:
        if not found:
            raise
    return found
