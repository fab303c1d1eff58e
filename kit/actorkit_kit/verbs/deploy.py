"""`kit deploy`: a topology on a Docker Engine or a Kubernetes cluster."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Annotated

import typer
from docker import DockerClient

from actorkit_kit.console import Output, note
from actorkit_kit.deploy import compose, helm, lock, preconditions, replicas, storage
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.engine import connect
from actorkit_kit.deployments import find, state_view
from actorkit_kit.deployments.compose_deployment import ComposeDeployment
from actorkit_kit.deployments.release import Release
from actorkit_kit.image.build import identify, recipes
from actorkit_kit.image.progress import build_outdated
from actorkit_kit.image.push import check_registry, push_units
from actorkit_kit.load import load_plan
from actorkit_kit.plan.model import Plan
from actorkit_kit.render.compose import render as render_compose
from actorkit_kit.target import Target
from actorkit_kit.verbs.options import (
    ContextOption,
    NamespaceOption,
    OutputOption,
    TargetOption,
    TopologyArgument,
)


@dataclass(frozen=True)
class _Options:
    """How it is deployed."""

    prometheus: bool
    timeout_s: float
    keep: bool
    replace: bool
    registry: str
    output: Output


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def deploy(
        topology: TopologyArgument,
        target: TargetOption = None,
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
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Build what is missing, start everything, wait until it is healthy.

        Where it runs already, only what changed is replaced: new instances start beside the old ones, and when they are
        ready, the old ones finish what they hold and end. When that fails, the message says which instance and why, and
        what ran before is put back.

        Without --target it goes to where it runs: to Docker, or to the release of it that was deployed from this
        folder. What runs nowhere goes to Docker.

        With --registry the images that it needs are pushed there first, and named by their digests there: that is what
        the nodes of a cluster pull, and a rollback where an image is gone. Log in before, with docker login.

        The files that it runs from are written to .kit/NAME beside the topology, with the history of what ran (kit
        history, kit rollback).

        Examples: kit deploy examples/orders/topology.yaml; kit deploy --target helm -n shop --registry
        registry.example.com
        """
        cluster = Cluster(context, namespace)
        options = _Options(prometheus, timeout_s, keep, replace, check_registry(registry) if registry else "", output)
        chosen = find.target_of(topology, Target(target) if target else None, cluster)
        plan = identify(load_plan(topology, chosen.value))
        with closing(connect()) as client:
            if chosen is Target.HELM:
                _to_cluster(client, plan, cluster, options)
            else:
                _to_engine(client, plan, options)


def _images(client: DockerClient, plan: Plan, registry: str) -> Plan:
    """Build the images that are missing, and push them to where they are to run from; the plan with their names."""
    build_outdated(client, plan)
    if not registry:
        return plan
    return push_units(client, plan, recipes(plan), registry, lambda name, _: _tell(f"pushed {name}"))


def _to_engine(client: DockerClient, plan: Plan, options: _Options) -> None:
    where = compose.deployment_folder(plan)
    with ExitStack() as stack:
        stack.enter_context(lock.hold(where, "deploy"))
        found = replicas.list_replicas(client, plan.topology)
        if not options.replace:
            preconditions.check_owner(plan.topology, found, where)
        variables = preconditions.check_prometheus(client, found, where) if options.prometheus else {}
        plan = _images(client, plan, options.registry)
        _tell(f"starting {plan.topology} from {where}")
        on_status = stack.enter_context(state_view.show_status())
        deployer = compose.Deployer(
            client,
            plan.topology,
            where,
            options.prometheus,
            options.timeout_s,
            on_status,
            tell=_tell,
            keep=options.keep,
            variables=variables,
        )
        deployer.deploy(render_compose(plan), plan.digest)
    deployment = ComposeDeployment(client, plan.topology)
    state_view.write_state(deployment, deployment.state(), options.output)


def _to_cluster(client: DockerClient, plan: Plan, cluster: Cluster, options: _Options) -> None:
    plan = _images(client, plan, options.registry)
    chart = helm.write_chart(plan)
    _tell(f"installing {plan.topology} in {cluster.where} from {chart}")
    ephemeral = storage.ends_with_its_pod(plan, cluster)
    if ephemeral:
        _tell("the cluster has no storage: dead letters, and what else actors keep, end with their pods")
    with state_view.show_status() as on_status:
        installer = helm.Installer(cluster, plan.topology, options.timeout_s, on_status, _tell, keep=options.keep)
        notes = installer.install(helm.chart_arguments(plan, chart, ephemeral=ephemeral), _hint(options.registry))
    if options.output is Output.TEXT:
        note(notes)
    release = Release(cluster, plan.topology, plan.topology)
    state_view.write_state(release, release.state(), options.output)


def _hint(registry: str) -> str:
    """What helps where a node has not an image."""
    if registry:
        return (
            "Can the nodes reach the registry, and may they pull? imagePullSecrets in the chart's values name a login."
        )
    return "Push the images and run them from there with --registry, or load them into the nodes, as kind load does."


def _tell(text: str) -> None:
    note(f"kit: {text}")
