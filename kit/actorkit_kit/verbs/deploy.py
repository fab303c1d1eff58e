"""`kit deploy`: a topology on a Docker Engine or a Kubernetes cluster."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from typing import Annotated

import typer

from actorkit_kit.console import Output, note, result
from actorkit_kit.deploy import compose, deployment, helm, preconditions, state_view
from actorkit_kit.deploy.engine import connect
from actorkit_kit.image import build
from actorkit_kit.image.progress import build_outdated
from actorkit_kit.load import load_plan
from actorkit_kit.plan.model import Plan
from actorkit_kit.verbs.options import OutputOption, TopologyArgument


class Target(StrEnum):
    """What is deployed to."""

    COMPOSE = "compose"
    HELM = "helm"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def deploy(
        topology: TopologyArgument,
        target: Annotated[Target, typer.Option("--target", "-t", help="What to deploy to.")] = Target.COMPOSE,
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
        namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the release (helm).")] = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Build what is missing, start everything, wait until it is healthy.

        The files that it runs from are written to .kit/NAME beside the topology. A deployment that does not come up is
        taken back; so is a change to one that ran before.

        Example: kit deploy examples/orders/topology.yaml
        """
        plan = load_plan(topology, target.value)
        with closing(connect()) as client:
            if target is Target.COMPOSE:
                where, found = compose.deployment_folder(plan), deployment.list_replicas(client, plan.topology)
                if not replace:
                    preconditions.check_owner(plan.topology, found, where)
                if prometheus:
                    preconditions.check_prometheus(client, found, where)
            before = build.image_ids(client, plan)
            build_outdated(client, plan)
            if target is Target.HELM:
                _helm(plan, namespace, timeout_s, keep)
                return
            note(f"kit: starting {plan.topology} from {compose.deployment_folder(plan)}")
            with state_view.show_status() as on_status:
                rows = compose.deploy(
                    client, plan, on_status, prometheus=prometheus, timeout_s=timeout_s, keep=keep, images_before=before
                )
        state_view.write_status(rows, output, plan.topology)


def _helm(plan: Plan, namespace: str, timeout_s: float, keep: bool) -> None:
    note(f"kit: installing {plan.topology} from {helm.chart_folder(plan)}")
    result(helm.install(plan, namespace, timeout_s, keep))
