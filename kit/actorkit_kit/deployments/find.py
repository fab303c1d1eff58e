"""Which deployment is meant: by what stands on the command line, and by what runs.

A name, or a topology, is looked for from near to far: what `kit run` runs, then the Docker Engine, then the namespace
of the cluster; the first is meant. Without any name it is that of `./topology.yaml`, else the only one there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from docker import DockerClient

from actorkit_kit.console import note
from actorkit_kit.deploy import history, preconditions, replicas
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.engine import connect
from actorkit_kit.deployments.compose_deployment import ComposeDeployment
from actorkit_kit.deployments.deployment import Deployment
from actorkit_kit.deployments.local_run import LocalRun
from actorkit_kit.deployments.release import Release, find_releases
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.files import is_file
from actorkit_kit.kit_folder import place_in
from actorkit_kit.local.state import kept_boxes, running_processes, running_topologies, state_folder
from actorkit_kit.target import Target
from actorkit_kit.topology.document import Document
from actorkit_kit.topology.load import DEFAULT_FILE, load_document


@dataclass(frozen=True)
class Wanted:
    """What the command line says of a deployment: its name or its topology, what runs it, and in which cluster."""

    reference: str = ""
    target: Target | None = None
    cluster: Cluster = field(default_factory=Cluster)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Where it may run, the nearest first. Who names a context or a namespace means a cluster."""
        if self.target is not None:
            return (self.target,)
        return (Target.HELM,) if self.cluster != Cluster() else tuple(Target)


@dataclass(frozen=True)
class Place:
    """A topology as its file names it: the folder that it is in, and its name. It may have mistakes meanwhile."""

    base: Path
    name: str


def is_topology(reference: str) -> bool:
    """Whether a topology is meant, not a deployment's name."""
    path = Path(reference)
    return ":" in reference or "/" in reference or bool(path.suffix) or is_file(Path(path, DEFAULT_FILE))


def place_of(reference: str) -> Place:
    """The place of a topology.

    Raises:
        UsageError: it cannot be read, or has no name.
    """
    document = load_document(reference)
    return Place(document.base, _name(document, reference))


def _name(document: Document, reference: str) -> str:
    name = document.data.get("name") if isinstance(document.data, dict) else None
    if not isinstance(name, str):
        raise UsageError(f'"{reference}" has no name:. Correct it; kit validate tells more.')
    return name


def target_of(reference: str, target: Target | None, cluster: Cluster) -> Target:
    """What a topology is deployed to: what is named, else where it runs, else Docker. A cluster is asked only where
    this folder has deployed there: a bare `kit deploy` must not change what somebody else has released.

    Raises:
        UsageError: it was deployed to a cluster, and runs neither there nor on Docker.
        KitError: what may run it does not answer.
    """
    if target is not None or cluster != Cluster():
        return target or Target.HELM
    place = place_of(reference)
    if not place_in(place.base, f"{place.name}-helm").is_dir():
        return Target.COMPOSE
    with closing(connect()) as client:
        if replicas.list_replicas(client, place.name):
            return Target.COMPOSE
    if place.name in (release.name for release in find_releases(cluster)):
        note(f"kit: {place.name} is a release in {cluster.where}; it is upgraded there")
        return Target.HELM
    raise UsageError(
        f'"{place.name}" was deployed to a cluster from this folder, but is not in {cluster.where}. '
        "Say where it is to run: --target helm -n NAMESPACE, or --target compose"
    )


@contextmanager
def find(wanted: Wanted, *, kept: str = "", changes: bool = False) -> Iterator[Deployment]:
    """The deployment that is meant, as long as the context is open.

    One that has ended is found too where it has left what is asked for: `kept` is "letters" or "history". `changes`: it
    is to be changed, so one that another folder has deployed under a topology's name is not meant.

    Raises:
        UsageError: there is none, or several are meant.
        KitError: what may run it does not answer, or another folder's runs under the name of the topology.
    """
    with ExitStack() as stack:
        seeker = _Seeker(wanted, stack)
        if kept == "letters":
            seeker.look_for_letters()
        yield seeker.find_named(kept, changes=changes) if seeker.name else seeker.find_only()


@contextmanager
def find_all(wanted: Wanted) -> Iterator[list[Deployment]]:
    """Everything that runs, as long as the context is open. What does not answer is told in a note, if anything does.

    Raises:
        KitError: nothing answers.
    """
    with ExitStack() as stack:
        seeker = _Seeker(wanted, stack)
        found = seeker.everything()
        if not found and seeker.silent and len(seeker.silent) == len(set(seeker.asked) - {Target.LOCAL}):
            raise seeker.silent[0]
        for error in seeker.silent:
            note(f"kit: {error}")
        yield found


#: Where deployments of a target are, in words; a cluster says that itself.
_PLACES: Final = {Target.LOCAL: "by kit run", Target.COMPOSE: "on this engine"}


class _Seeker:
    """One search. `silent` are those who were `asked` and did not answer."""

    def __init__(self, wanted: Wanted, stack: ExitStack) -> None:
        self._wanted = wanted
        self._stack = stack
        self.silent: list[KitError] = []
        self.asked: list[Target] = []
        reference = wanted.reference or (DEFAULT_FILE if is_file(Path(DEFAULT_FILE)) else "")
        self.place = place_of(reference) if reference and is_topology(reference) else None
        self.name = self.place.name if self.place else reference

    def look_for_letters(self) -> None:
        """Mean the topology whose letters `kit run` keeps in this folder, whatever its file is called, where nothing
        else is meant.

        Raises:
            UsageError: there are several.
        """
        if self.place is not None or Target.LOCAL not in self._wanted.targets:
            return
        base = Path.cwd()
        found = [name for name in kept_boxes(base) if self.name in ("", name)]
        if len(found) > 1:
            several = ", ".join(found)
            raise UsageError(f"letters of several topologies are kept here: {several}. Name one: -d {found[0]}")
        if found and found[0] not in [name for _base, name in running_topologies()]:
            self.place, self.name = Place(base, found[0]), found[0]

    def find_named(self, kept: str, *, changes: bool) -> Deployment:
        """The nearest deployment of the name."""
        for target in self._wanted.targets:
            found = self._look(target, kept)
            if found is not None:
                if changes and isinstance(found, ComposeDeployment) and self.place:
                    where = place_in(self.place.base, self.name)
                    containers = replicas.list_replicas(found.client, found.topology)
                    preconditions.check_meant(self.name, containers, where)
                return found
        if self.silent:
            raise KitError(f'"{self.name}" is not found, and not everybody answers: {self.silent[0]}')
        raise UsageError(f'"{self.name}" is not deployed {self._nowhere()}')

    def find_only(self) -> Deployment:
        """The only deployment there is."""
        found = self.everything()
        if len(found) == 1:
            return found[0]
        if not found and self.silent:
            raise self.silent[0]
        if not found:
            raise UsageError(f"nothing is deployed {self._nowhere()}")
        several = ", ".join(f"{one.name} ({one.where})" for one in found)
        raise UsageError(f"there are several deployments: {several}. Name one of them.")

    def everything(self) -> list[Deployment]:
        """Everything that runs where it may run."""
        found: list[Deployment] = []
        for target in self._wanted.targets:
            found += self._list(target)
        return found

    def _list(self, target: Target) -> list[Deployment]:
        """What runs on one target; nothing where that does not answer."""
        if not self._is_there(target):
            return []
        if target is Target.LOCAL:
            return [LocalRun(*place) for place in running_topologies()]
        try:
            if target is Target.HELM:
                return list(find_releases(self._wanted.cluster))
            client = self._client()
            return [ComposeDeployment(client, name) for name in replicas.list_topologies(client)]
        except KitError as exc:
            self.silent.append(exc)
            return []

    def _is_there(self, target: Target) -> bool:
        """Whether a target may be asked: a cluster is no matter of who has none, and has not named one."""
        is_there = target is not Target.HELM or self._wanted.targets == (target,) or self._wanted.cluster.is_configured
        if is_there and target not in self.asked:
            self.asked.append(target)
        return is_there

    def _look(self, target: Target, kept: str) -> Deployment | None:
        """The deployment of the name on one target; None where there is none, or the target does not answer."""
        if not self._is_there(target):
            return None
        if target is Target.LOCAL:
            return self._look_here(kept)
        try:
            return self._look_at_engine(kept) if target is Target.COMPOSE else self._look_at_cluster()
        except UsageError:
            raise
        except KitError as exc:
            self.silent.append(exc)
        return None

    def _look_here(self, kept: str) -> LocalRun | None:
        place = self.place
        if place is None:
            found = [Place(*one) for one in running_topologies() if one[1] == self.name]
            if len(found) > 1:
                several = ", ".join(f"{one.base} ({one.name})" for one in found)
                raise UsageError(f"several topologies run here: {several}. Name the folder of one: -d {found[0].base}")
            place = found[0] if found else None
        if self._wanted.target is Target.LOCAL and place is None:
            raise UsageError(f"kit run does not run {self.name}. Start it, or name its file: -d topology.yaml")
        if place is None:
            return None
        left = kept == "letters" and state_folder(place.base, place.name).is_dir()
        is_meant = left or self._wanted.target is Target.LOCAL or bool(running_processes(place.base, place.name))
        return LocalRun(place.base, place.name) if is_meant else None

    def _look_at_engine(self, kept: str) -> ComposeDeployment | None:
        client = self._client()
        if replicas.list_replicas(client, self.name):
            return ComposeDeployment(client, self.name)
        if self.place and kept == "history":
            where = place_in(self.place.base, self.name)
            return ComposeDeployment(client, self.name, where) if history.revisions(where) else None
        return None

    def _look_at_cluster(self) -> Release | None:
        found = [one for one in find_releases(self._wanted.cluster) if self.name in (one.name, one.topology)]
        exact = [one for one in found if one.name == self.name]
        if len(found) > 1 and not exact:
            several = ", ".join(one.name for one in found)
            raise UsageError(
                f'"{self.name}" is installed several times: {several}. Name the release: -d {found[0].name}'
            )
        return next(iter(exact or found), None)

    def _client(self) -> DockerClient:
        return self._stack.enter_context(closing(connect()))

    def _nowhere(self) -> str:
        """Where was looked, and what is there."""
        looked = [_PLACES[target] for target in self.asked if target in _PLACES]
        looked += [f"in {self._wanted.cluster.where}"] if Target.HELM in self.asked else []
        there = ", ".join(f"{one.name} ({one.where})" for one in self.everything())
        where = f"{', '.join(looked[:-1])} or {looked[-1]}" if len(looked) > 1 else looked[0]
        return f"{where}. " + (f"There are: {there}." if there else "Deploy with: kit deploy TOPOLOGY")
