"""A new version beside the one that runs, without an outage: only what changed is replaced.

    prepare    new containers are created beside the old ones; nothing of the old is touched
    start      they start, become healthy, and meet their peers; nothing has ended yet
    relieve    the old ones get SIGTERM, all at once, and end when they have finished what they hold
    settle     when everything is healthy, the old ones are removed

A host's port belongs to one container. An instance that publishes one is started without the network that leads out,
on which the port is bound, and joins it as soon as its predecessor has ended. One that must be alone, because it writes
files of its own, is created beforehand, and started as soon as its predecessor has ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

from docker import DockerClient
from docker.errors import APIError, DockerException, NotFound

from actorkit_kit.deploy.replicas import ACTOR_LABEL, FOLDER_LABEL, TOPOLOGY_LABEL
from actorkit_kit.deploy.services import Compose, Service, starting_order
from actorkit_kit.errors import KitError

#: Labels of compose: which service a container is of, and the hash of the settings that it was made from.
SERVICE_LABEL: Final = "com.docker.compose.service"
HASH_LABEL: Final = "com.docker.compose.config-hash"
_NUMBER_LABEL: Final = "com.docker.compose.container-number"
#: Seconds to stop for a container that does not say how long it takes.
_STOP_S: Final = 10

#: Waits until so many instances of each actor, of the containers of these names, are healthy.
Wait = Callable[[Mapping[str, int], frozenset[str]], object]


@dataclass(frozen=True)
class Present:
    """The containers of one service: `old` are other than the service is now, `excess` are more than it has."""

    present: tuple[Any, ...]
    old: tuple[Any, ...]
    excess: tuple[Any, ...]

    @property
    def same(self) -> list[Any]:
        return [container for container in self.present if container not in self.old]

    @property
    def kept(self) -> list[Any]:
        """Those that stay."""
        return [container for container in self.same if container not in self.excess]


@dataclass
class Replacement:
    """One change of a deployment that runs. `stale` are services to replace although their settings are the same."""

    client: DockerClient
    topology: str
    services: Mapping[str, Service]
    compose: Compose
    stale: frozenset[str] = frozenset()
    #: Names of the folder that it runs from: what another folder made is old. Without any, that is not looked at.
    here: frozenset[str] = frozenset()
    #: Containers by service: `old` end, `new` take over. `ran` are the old ones that ran.
    old: dict[str, list[Any]] = field(default_factory=dict)
    new: dict[str, list[Any]] = field(default_factory=dict)
    ran: list[Any] = field(default_factory=list)
    #: Unchanged containers that do not run: they start before the new ones, which may need them.
    asleep: dict[str, list[Any]] = field(default_factory=dict)
    #: Ids of what was there before; None until that is known, and then nothing may be taken for new.
    _known: frozenset[str] | None = None
    #: What stands beside the topology and mounts another folder's files; compose makes it anew.
    _beside: list[Any] = field(default_factory=list)
    _joins: dict[str, list[tuple[str, list[str]]]] = field(default_factory=dict)

    @property
    def changed(self) -> list[str]:
        """The actors that get new instances, in the order of their start."""
        return [name for name in starting_order(self.services) if name in self.new]

    @property
    def gone(self) -> list[str]:
        """The actors that are in the topology no more."""
        return sorted(set(self.old) - set(self.services))

    def prepare(self) -> None:
        """Find out what has changed, and create its new containers.

        Raises:
            KitError: compose cannot create them.
        """
        there = self.compare()
        self._known = frozenset(container.id for found in there.values() for container in found.present)
        amounts = {}
        for name, service in self.services.items():
            if service.foreign:
                continue
            found = there[name]
            if not service.actor:
                amounts[name] = len(found.present)
                self._beside += [container for container in found.present if self._is_foreign(container)]
                continue
            if found.old or found.excess:
                self.old[name] = [*found.old, *found.excess]
            if ended := [container for container in found.kept if container.status == "exited"]:
                self.asleep[name] = ended
            amounts[name] = len(found.present) + max(0, service.replicas - len(found.same))
        self.old |= {name: list(found.present) for name, found in there.items() if name not in self.services}
        self.ran = [container for group in self.old.values() for container in group if container.status == "running"]
        # Compose must create what is new and touch nothing else; it leaves alone whatever there are enough of.
        scale = [f"--scale={name}={amount}" for name, amount in sorted(amounts.items())]
        self.compose("up", "--no-start", "--no-recreate", "--no-build", "--quiet-pull", *scale)
        self.new = self._fresh()

    def compare(self) -> dict[str, Present]:
        """What is there of each service, also of one that the topology has no more. Nothing is touched."""
        there = self._containers()
        found = {name: Present(tuple(there.get(name, ())), (), ()) for name in {*there, *self.services}}
        for name, service in self.services.items():
            if service.actor:
                present = found[name].present
                old = tuple(container for container in present if self._is_old(container, service))
                same = [container for container in present if container not in old]
                found[name] = Present(present, old, tuple(same[service.replicas :]))
        return found

    def _containers(self) -> dict[str, list[Any]]:
        """The containers of each actor, the oldest first."""
        label = f"{TOPOLOGY_LABEL}={self.topology}"
        found: dict[str, list[Any]] = {}
        for container in self.client.containers.list(all=True, filters={"label": label}, ignore_removed=True):
            name = container.labels.get(SERVICE_LABEL, "")
            if ACTOR_LABEL in container.labels or (name in self.services and not self.services[name].actor):
                found.setdefault(name, []).append(container)
        for group in found.values():
            group.sort(key=lambda container: int(container.labels.get(_NUMBER_LABEL, 0)))
        return found

    def _fresh(self) -> dict[str, list[Any]]:
        """The containers of actors that have been created since, by service."""
        found = {
            name: [container for container in present if container.id not in (self._known or ())]
            for name, present in self._containers().items()
            if name in self.services and self.services[name].actor
        }
        return {name: fresh for name, fresh in found.items() if fresh}

    def _is_old(self, container: Any, service: Service) -> bool:
        # What a kit that was killed has left behind was never started, or has not joined the network of its port.
        joined = set(container.attrs["NetworkSettings"]["Networks"])
        if container.status in ("created", "dead") or not service.networks <= joined:
            return True
        if (
            service.name in self.stale
            or self._is_foreign(container)
            or container.labels.get(HASH_LABEL) != service.digest
        ):
            return True
        try:
            return bool(container.attrs["Image"] != self.client.images.get(service.image).id)
        except NotFound:
            return False

    def _is_foreign(self, container: Any) -> bool:
        return bool(self.here) and container.labels.get(FOLDER_LABEL, "") not in self.here

    def start(self, wait: Wait) -> None:
        """Start what can be there beside the old ones, and wait until it is healthy.

        Raises:
            KitError: an instance did not start, or did not become healthy.
        """
        for name in starting_order(self.services):
            _in_parallel(_start_again, self.asleep.get(name, []))
        for name in self.changed:
            service = self.services[name]
            if service.alone:
                continue
            for container in self.new[name]:
                if service.published:
                    self._joins[container.id] = self._keep_in(container)
                start(name, container)
        beside = [name for name in self.changed if not self.services[name].alone]
        self._wait_for(beside, wait)

    def _keep_in(self, container: Any) -> list[tuple[str, list[str]]]:
        """Take a container out of the networks that lead out. Those networks, and its names in them."""
        left = []
        for name, joined in container.attrs["NetworkSettings"]["Networks"].items():
            network = self.client.networks.get(name)
            if not network.attrs.get("Internal"):
                aliases = [alias for alias in joined.get("Aliases") or () if not container.id.startswith(alias)]
                network.disconnect(container)
                left.append((name, aliases))
        return left

    def _wait_for(self, names: Iterable[str], wait: Wait) -> None:
        amounts = {name: len(self.new[name]) for name in names}
        if amounts:
            wait(amounts, frozenset(container.name for name in amounts for container in self.new[name]))

    def relieve(self, wait: Wait) -> None:
        """End the old ones, all at once; each instance that waited for one's port or files begins when it has ended.

        Raises:
            KitError: a new instance cannot take over.
        """
        names = [name for name in self.services if name in self.old or name in self.new]
        with ThreadPoolExecutor(max_workers=max(1, len(names) + len(self.gone))) as pool:
            jobs = [pool.submit(self._relieve_one, name) for name in [*names, *self.gone]]
        for job in jobs:
            job.result()
        self._wait_for([name for name in self.changed if self.services[name].alone], wait)

    def _relieve_one(self, name: str) -> None:
        old, new = self.old.get(name, []), self.new.get(name, [])
        service = self.services.get(name)
        if service and new and service.alone:
            _stop_all(old)
            for container in new:
                start(name, container)
        elif service and new and service.published:
            # One after the other: where there are several, the others are reached meanwhile.
            for leaving, coming in zip_longest(old, new):
                if leaving is not None:
                    _stop(leaving)
                if coming is not None:
                    self._join(name, coming)
        else:
            _stop_all(old)

    def _join(self, service: str, container: Any) -> None:
        for network, aliases in self._joins.pop(container.id, ()):
            try:
                self.client.networks.get(network).connect(container, aliases=aliases)
            except APIError as exc:
                raise KitError(f'"{service}" ({container.name}) cannot publish its port: {exc.explanation}') from exc

    def settle(self) -> None:
        """Remove the old containers."""
        _in_parallel(end, self._beside)
        _in_parallel(_remove, [container for group in self.old.values() for container in group])

    def what_ran(self) -> tuple[dict[str, int], frozenset[str]]:
        """How many of the old containers of each actor ran, and their names."""
        amounts = Counter(_service_of(container) for container in self.ran)
        return dict(amounts), frozenset(container.name for container in self.ran)

    def take_back(self) -> None:
        """Start those of the old containers again that ran, and end and remove the new ones.

        Not by way of compose, which would make them from what its file says. Without a look at what there was, nothing
        has been touched, and nothing is.

        Raises:
            KitError: one of them cannot be started, ended or removed; all the others were.
        """
        if self._known is None:
            return
        self.new = self._fresh()
        waiting = [name for name in self.new if self.services[name].alone or self.services[name].published]
        steps: list[tuple[Callable[[Any], None], list[Any]]] = [
            (_start_again, [container for container in self.ran if _service_of(container) not in waiting]),
            (end, [container for group in self.new.values() for container in group]),
            (_start_again, [container for container in self.ran if _service_of(container) in waiting]),
            (_stop, [container for group in self.asleep.values() for container in group]),
        ]
        failures = []
        for act, containers in steps:
            # What cannot be done to one is no reason to leave the others as they are.
            try:
                _in_parallel(act, containers)
            except (KitError, DockerException, OSError) as exc:
                failures.append(str(exc))
        if failures:
            raise KitError("; ".join(failures))


def _service_of(container: Any) -> str:
    return str(container.labels.get(SERVICE_LABEL, ""))


def _start_again(container: Any) -> None:
    start(_service_of(container), container)


def end(container: Any) -> None:
    """Stop a container, and remove it.

    Raises:
        KitError: it cannot be removed.
    """
    try:
        _stop(container)
    finally:
        _remove(container)


def start(service: str, container: Any) -> None:
    """Start a container.

    Raises:
        KitError: the engine cannot.
    """
    try:
        container.start()
    except APIError as exc:
        raise KitError(f'"{service}" ({container.name}) cannot be started: {exc.explanation}') from exc


def _stop_all(containers: Sequence[Any]) -> None:
    _in_parallel(_stop, containers)


def _stop(container: Any) -> None:
    """SIGTERM, and SIGKILL when the time that the container asks for is over."""
    with suppress(NotFound):
        container.stop(timeout=container.attrs["Config"].get("StopTimeout") or _STOP_S)


def _remove(container: Any) -> None:
    try:
        container.remove(force=True)
    except NotFound:
        return
    except DockerException as exc:
        raise KitError(f'the container "{container.name}" cannot be removed: {exc}') from exc


def _in_parallel(act: Callable[[Any], None], containers: Sequence[Any]) -> None:
    with ThreadPoolExecutor(max_workers=max(1, len(containers))) as pool:
        jobs = [pool.submit(act, container) for container in containers]
    for job in jobs:
        job.result()
