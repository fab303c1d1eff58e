"""The way of one event over the graph of a deployment."""

from __future__ import annotations

from actorkit.console.way import Way, read_way
from actorkit_kit.deployments.deployment import Deployment
from actorkit_kit.errors import KitError


def find_way(deployment: Deployment, trace: str) -> Way:
    """What the instances of a deployment remember of a trace.

    Raises:
        KitError: none of them answers.
    """
    names = [one.name for one in deployment.state().instances]
    with deployment.pages() as pages:
        found = pages.get("/recent", names).values()
    if not any(page.status == 200 for page in found):
        raise KitError(f'no instance of "{deployment.name}" tells what happened. See: kit status {deployment.name}')
    return read_way(found, trace)
