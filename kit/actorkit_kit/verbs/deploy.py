"""`kit deploy`: a topology on a Docker Engine or a Kubernetes cluster."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Annotated

import typer

from actorkit_kit.console import Output, note, result
from actorkit_kit.deploy import compose, deployment, helm, lock, preconditions, state_view, storage
from actorkit_kit.deploy.engine import connect
from actorkit_kit.image.build import identify, recipes
from actorkit_kit.image.progress import build_outdated
from actorkit_kit.image.push import check_registry, push_units
from actorkit_kit.load import load_plan
from actorkit_kit.plan.model import Plan
from actorkit_kit.render.compose import render as render_compose
from actorkit_kit.verbs.options import DeployTarget, OutputOption, TargetOption, TopologyArgument


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def deploy(
        topology: TopologyArgument,
        target: TargetOption = DeployTarget.COMPOSE,
        prometheus: Annotated[
            bool, typer.Option("--prometheus/--no-prometheus", help="Whether Prometheus is part of it (compose).")
        ] = True,
        timeout_s: Annotated[
            float, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest time until all are healthy.")
        ] = 180.0,
        keep: Annotated[bool, typer.Option("--keep", help="Leave a failed deployment as it is, to look at.")] = False,
        replace: Annotated[
            bool, typer.Option("--replace", help="Take the place of a deployment of the same name from another folder.")
        ] = False,
        registry: Annotated[
            str,
            typer.Option("--registry", metavar="HOST[/PATH]", help="Push the images there, and run them from there."),
        ] = "",
        namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the release (helm).")] = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Build what is missing, start everything, wait until it is healthy.

        Where it runs already, only what changed is replaced: new instances start beside the old ones, and when they are
        ready, the old ones finish what they hold and end. When that fails, what ran before is put back.

        With --registry the images that it needs are pushed there first, and named by their digests there: that is what
        the nodes of a cluster pull, and a rollback where an image is gone. Log in before, with docker login.

        The files that it runs from are written to .kit/NAME beside the topology, with the history of what ran (kit
        history, kit rollback).

        Example: kit deploy examples/orders/topology.yaml
        """
        registry = check_registry(registry) if registry else ""
        plan = identify(load_plan(topology, target.value))
        with closing(connect()) as client, ExitStack() as stack:
            where = compose.deployment_folder(plan)
            if target is DeployTarget.COMPOSE:
                stack.enter_context(lock.hold(where, "deploy"))
                found = deployment.list_replicas(client, plan.topology)
                if not replace:
                    preconditions.check_owner(plan.topology, found, where)
                variables = preconditions.check_prometheus(client, found, where) if prometheus else {}
            build_outdated(client, plan)
            if registry:
                plan = push_units(client, plan, recipes(plan), registry, lambda name, _: _tell(f"pushed {name}"))
            if target is DeployTarget.HELM:
                _helm(plan, namespace, timeout_s, keep)
                return
            note(f"kit: starting {plan.topology} from {where}")
            with state_view.show_status() as on_status:
                deployer = compose.Deployer(
                    client,
                    plan.topology,
                    where,
                    prometheus,
                    timeout_s,
                    on_status,
                    tell=_tell,
                    keep=keep,
                    variables=variables,
                )
                rows = deployer.deploy(render_compose(plan), plan.digest)
        state_view.write_status(rows, output, plan.topology)


def _tell(text: str) -> None:
    note(f"kit: {text}")


def _helm(plan: Plan, namespace: str, timeout_s: float, keep: bool) -> None:
    note(f"kit: installing {plan.topology} from {helm.chart_folder(plan)}")
    ephemeral = storage.ends_with_its_pod(plan, namespace)
    if ephemeral:
        note("kit: the cluster has no storage: dead letters, and what else actors keep, end with their pods")
    result(helm.install(plan, namespace, timeout_s, keep, ephemeral))
