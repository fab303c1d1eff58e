"""`kit ui`: the console of what runs."""

from __future__ import annotations

import threading
import webbrowser
from typing import Annotated

import typer

from actorkit_kit.console import note, result
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.target import Target
from actorkit_kit.verbs.options import ContextOption, DeploymentArgument, NamespaceOption, WhereOption


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def ui(
        name: DeploymentArgument = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        open_: Annotated[bool, typer.Option("--open", help="Open it in a browser of this machine.")] = False,
    ) -> None:
        """Show where the console of what runs is: its graph in a browser, with what is on its way.

        That of kit run is there anyway. On Docker a service is started for it, which answers on this machine alone. On
        Kubernetes a release has one where its value console.enabled is true; a way to it is open until ^C.

        Example: kit ui orders
        """
        with find(Wanted(name, target, Cluster(context, namespace))) as deployment, deployment.console() as url:
            result(url)
            if open_ and not webbrowser.open(url):
                note(f"kit: there is no browser here; open {url}")
            if deployment.target is Target.HELM:
                note("kit: the way to it is open until ^C")
                threading.Event().wait()
