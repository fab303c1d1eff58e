"""A deployment: one topology that runs, whatever runs it. Verbs know what stands here, and nothing of targets.

`LocalRun` is that of `kit run`, `ComposeDeployment` that of a Docker Engine, `Release` that of a Kubernetes cluster.
What a target cannot do raises a `UsageError` that says what to do instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from actorkit_kit.deploy.log_lines import LogLine
from actorkit_kit.deployments.pages import Pages
from actorkit_kit.errors import UsageError
from actorkit_kit.instance import ActorStatus, InstanceStatus
from actorkit_kit.remote.brokers import Brokers
from actorkit_kit.remote.dead_letters import DeadLetterBox
from actorkit_kit.target import Target

#: Is shown each state on the way to another one.
OnStatus: TypeAlias = Callable[[Sequence[ActorStatus]], None]


@dataclass(frozen=True)
class State:
    """How a deployment is at one moment."""

    actors: tuple[ActorStatus, ...]
    instances: tuple[InstanceStatus, ...]

    @property
    def healthy(self) -> bool:
        return all(row.healthy >= row.wanted and row.health == "healthy" for row in self.actors)


@dataclass(frozen=True)
class PastRevision:
    """What ran, or was tried: `state` is `deployed` for what runs now."""

    number: int
    time: str
    state: str
    changes: str


class Deployment(Protocol):
    """One topology that runs. `name` is what `-d` calls it: the topology's own, or that of the release."""

    @property
    def name(self) -> str: ...

    @property
    def topology(self) -> str: ...

    @property
    def target(self) -> Target: ...

    @property
    def where(self) -> str:
        """Where it runs, for people: "Docker", "the namespace "shop" of the context "prod""."""

    def state(self) -> State:
        """How its actors and instances are, each that is not well with the reason; and how much work waits.

        Raises:
            KitError: what runs it does not tell.
        """

    def logs(self, actors: Sequence[str], tail: int, *, follow: bool) -> Iterator[LogLine]:
        """The last lines of each instance, in the order of time; with `follow` then what comes, until it is closed.

        Raises:
            KitError: they cannot be had.
        """

    def scale(self, wanted: Mapping[str, int], timeout_s: float, on_status: OnStatus) -> None:
        """Give actors other numbers of instances, and wait until they are healthy.

        Raises:
            UsageError: it has no such actor, or that number cannot be.
            KitError: they did not become healthy.
        """

    def history(self) -> list[PastRevision]:
        """What has run, the last one last.

        Raises:
            KitError: it cannot be read.
        """

    def roll_back(self, number: int | None, timeout_s: float, on_status: OnStatus) -> str:
        """Go back to a revision (without a number the last that ran before the present one), and wait until it is
        healthy; a sentence that says so.

        Raises:
            UsageError: there is no such revision.
            KitError: it did not come up; the message says what runs now.
        """

    def down(self, timeout_s: float, *, volumes: bool) -> None:
        """End it, each instance after it has finished what it holds; with `volumes` what it keeps goes too.

        Raises:
            KitError: it could not be ended.
        """

    def brokers(self) -> Brokers:
        """Its brokers.

        Raises:
            UsageError: it has none.
            KitError: none runs.
        """

    def dead_letters(self, *, alive: bool) -> DeadLetterBox:
        """Its dead letters; `alive`: they are wanted from actors that run now, as a retry is.

        Raises:
            UsageError: it has no box.
            KitError: the box does not run, or actors that have to run do not.
        """

    def pages(self) -> AbstractContextManager[Pages]:
        """What asks the admin servers of instances for pages, many at a time, as long as the context is open.

        Raises:
            KitError: there is no way to them.
        """

    def admin(self, instance: str) -> AbstractContextManager[str]:
        """The address, `host:port` on this machine, at which the admin server of an instance is reached as long as the
        context is open.

        Raises:
            UsageError: it has no such instance.
            KitError: there is no way to it.
        """

    def console(self) -> AbstractContextManager[str]:
        """The URL of its console on this machine, as long as the context is open.

        Raises:
            UsageError: it has none, and what to do.
            KitError: it does not start, or there is no way to it.
        """

    def token(self, instance: str) -> str:
        """The token of the admin server of an instance, for what wants it; whoever may not enter the instance does not
        get it.

        Raises:
            UsageError: it has no such instance, or that one has no token.
            KitError: it cannot be had.
        """


def check_actors(deployment: Deployment, actors: Sequence[str]) -> None:
    """See that a deployment has actors of these names.

    Raises:
        UsageError: it lacks one.
    """
    there = {row.actor for row in deployment.state().actors} if actors else set()
    for actor in actors:
        if actor not in there:
            raise UsageError(f'"{deployment.name}" has no actor "{actor}". It has: {", ".join(sorted(there))}.')


def no_token(instance: str) -> UsageError:
    """What is said where an instance has no token."""
    return UsageError(f'"{instance}" lets nobody act: it is a broker, or runs an older version. Deploy it again.')


def no_instance(name: str, instance: str, there: Sequence[str]) -> UsageError:
    """What is said where a deployment has no instance of a name."""
    return UsageError(f'"{name}" has no instance "{instance}". It has: {", ".join(sorted(there))}.')
