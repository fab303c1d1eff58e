"""`kit plan`: what a deployment would change."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Final

import typer

from actorkit_kit.console import Output, note, result_json, result_table, write_result
from actorkit_kit.deploy import compose, compose_preview, helm_preview, preconditions, replicas
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.engine import connect
from actorkit_kit.deploy.preview import Preview
from actorkit_kit.deployments import find
from actorkit_kit.image import build
from actorkit_kit.load import load_plan
from actorkit_kit.plan.model import Plan
from actorkit_kit.target import Target
from actorkit_kit.verbs.options import (
    ContextOption,
    NamespaceOption,
    OutputOption,
    TargetOption,
    TopologyArgument,
)
from actorkit_kit.verbs.registry import named_in_registry

#: Exit status where something would change.
EX_CHANGES: Final = 4
_COLUMNS: Final = ("WHAT", "BECOMES", "WHY")


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command("plan")
    def show_plan(
        topology: TopologyArgument,
        target: TargetOption = None,
        diff: Annotated[
            bool, typer.Option("--diff", help="Show what it is made from as well, as a diff of manifests.")
        ] = False,
        prometheus: Annotated[
            bool, typer.Option("--prometheus/--no-prometheus", help="Whether Prometheus is part of it (compose).")
        ] = True,
        registry: Annotated[
            str, typer.Option("--registry", metavar="HOST[/PATH]", help="Where the images are: what kit push was told.")
        ] = "",
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Show what kit deploy would change of what runs, and change nothing.

        A line for each actor that would be new, replaced, scaled or gone, and why; actors without a line stay as they
        are. On Kubernetes the cluster is asked what it knows, and objects beside the actors are told of as well.

        --diff shows the files of the compose folder, or the manifests of the release, as `patch` reads it; secrets
        stand in it as hashes. What has been changed by hand beside kit and helm is not seen, but for the number of
        instances.

        Exit status 0 when nothing would change, 4 when something would, 1 when that cannot be told.

        Examples: kit plan; kit plan examples/orders/topology.yaml --diff; kit plan --target helm -n shop
        """
        cluster = Cluster(context, namespace)
        chosen = find.target_of(topology, Target(target) if target else None, cluster)
        plan = named_in_registry(build.identify(load_plan(topology, chosen.value)), registry)
        if chosen is Target.HELM:
            found, where = helm_preview.look(plan, cluster), cluster.where
        else:
            found, where = _on_engine(plan, prometheus=prometheus), "Docker"
        _write(plan, where, found, output, diff=diff)
        if found.changes or found.diff:
            raise typer.Exit(EX_CHANGES)


def _on_engine(plan: Plan, *, prometheus: bool) -> Preview:
    folder = compose.deployment_folder(plan)
    with closing(connect()) as client:
        found = replicas.list_replicas(client, plan.topology)
        preconditions.check_owner(plan.topology, found, folder)
        variables = preconditions.port_of_prometheus(found, folder) if prometheus else {}
        return compose_preview.look(client, plan, prometheus=prometheus, variables=variables)


def _write(plan: Plan, where: str, found: Preview, output: Output, *, diff: bool) -> None:
    if output is Output.JSON:
        rows = [asdict(change) for change in found.changes]
        result_json({"topology": plan.topology, "where": where, "changes": rows, "diff": found.diff if diff else ""})
        return
    if not found.changes:
        beside = ", but files that no instance reads" if found.diff else ""
        note(f"kit: nothing of {plan.topology} would change ({where}){beside}")
    else:
        result_table(_COLUMNS, [(one.subject, one.action, "; ".join(one.what)) for one in found.changes])
    if diff:
        write_result(found.diff, None)
