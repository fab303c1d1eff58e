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
        token: Annotated[
            str, typer.Option("--token", metavar="INSTANCE", help="Write the token of an instance instead, for acting.")
        ] = "",
        open_: Annotated[bool, typer.Option("--open", help="Open it in a browser of this machine.")] = False,
    ) -> None:
        """Show where the console of what runs is: its graph in a browser, with what is on its way.

        That of kit run is there anyway. On Docker a service is started for it, which answers on this machine alone. On
        Kubernetes a release has one where its value console.enabled is true; a way to it is open until ^C.

        Whoever acts there (sends dead letters again, drops or reads them) is asked for the token of the instance that
        does it; --token tells it to whoever may enter that instance.

        Examples: kit ui orders; kit ui orders --token dead-letters-1
        """
        wanted = Wanted(name, target, Cluster(context, namespace))
        if token:
            with find(wanted) as deployment:
                result(deployment.token(token).strip())
            return
        with find(wanted) as deployment, deployment.console() as url:
            result(url)
            if open_ and not webbrowser.open(url):
                note(f"kit: there is no browser here; open {url}")
            if deployment.target is Target.HELM:
                note("kit: the way to it is open until ^C")
                threading.Event().wait()
