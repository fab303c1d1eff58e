"""The compose target on a Docker Engine: brought up, changed without an outage, and taken back to what ran."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from docker import DockerClient
from docker.errors import DockerException, ImageNotFound

from actorkit_kit import kit_folder
from actorkit_kit.deploy import engine, history, lock, meeting, ports, preconditions, replacement, replicas
from actorkit_kit.deploy.history import Revision
from actorkit_kit.deploy.replacement import Replacement
from actorkit_kit.deploy.replicas import Replica
from actorkit_kit.deploy.services import Service, read_services
from actorkit_kit.errors import KitError
from actorkit_kit.instance import ActorStatus
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import Image, Plan
from actorkit_kit.render import compose, folder
from actorkit_kit.render.observability import PROMETHEUS

OnStatus = Callable[[Sequence[ActorStatus]], None]
Tell = Callable[[str], None]

#: States of a container that somebody may depend on.
_RUNS: Final = ("running", "restarting", "paused")
#: Files in a deployment's folder that were not rendered.
_NOT_RENDERED: Final = (history.HISTORY, lock.LOCK_FILE, "images.json", ".env", *engine.OVERRIDES)


def deployment_folder(plan: Plan) -> Path:
    """Where a deployment's files are kept: beside the topology."""
    return kit_folder.place_in(plan.base, plan.topology)


@dataclass
class Deployer:
    """Brings one deployment to another state, or leaves it as it was. `tell` says what is done, a line for each."""

    client: DockerClient
    topology: str
    folder: Path
    prometheus: bool
    timeout_s: float
    on_status: OnStatus
    tell: Tell
    #: Leave a failed state as it is.
    keep: bool = False
    #: Variables for compose, beside those of the environment and of `.env`.
    variables: Mapping[str, str] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    _replacement: Replacement | None = None

    def deploy(self, rendered: Mapping[str, str | bytes], digest: str, reason: str = "") -> list[ActorStatus]:
        """Bring up what is rendered, beside what runs where something does; keep it as a revision when it is healthy.
        When it fails, what ran is put back.

        Raises:
            KitError: it did not come up; the message says which instance, and what it said last, and what runs now.
        """
        found = replicas.list_replicas(self.client, self.topology)
        runs = any(replica.state in _RUNS and replica.actor != PROMETHEUS for replica in found)
        home = self._home(found)
        before = files_that_ran(home) if found else {}
        stood = self._secrets_that_stand()
        had_volumes = bool(self.client.volumes.list(filters={"label": f"{replicas.TOPOLOGY_LABEL}={self.topology}"}))
        try:
            self._write(rendered)
            self._check({url for replica in found for url in replica.urls})
        except BaseException:
            self._forget(before if home == self.folder else {})
            raise
        try:
            if runs:
                # Those of a failed attempt that was kept run with what stood in the folder, not with what is kept.
                self._change(changed_secrets(before, rendered) | changed_secrets(stood, rendered))
            self._remove_prometheus(failed=True)
            state = self._up()
        except BaseException as exc:
            if self.keep:
                raise
            if runs:
                outcome = self._put_back(before, rendered, home)
            else:
                outcome = self._stop_again(before, home) if found else self._take_down(volumes=not had_volumes)
            if isinstance(exc, KitError):
                raise KitError(f"{exc}\n{outcome}") from exc
            raise
        if not self.prometheus:
            self._remove_prometheus()
        self._remember(rendered, digest, reason)
        return state

    def _secrets_that_stand(self) -> dict[str, str | bytes]:
        """What stands in the folder, kept or tried."""
        return {f"secrets/{name}": content for name, content in folder.read(self.folder / "secrets").items()}

    def _home(self, found: list[Replica]) -> Path:
        """The folder that what is there runs from: another one's, where this one takes its place."""
        others = sorted({replica.folder for replica in found if replica.folder} - names_of(self.folder))
        return Path(others[0]) if others else self.folder

    def _forget(self, before: Mapping[str, str | bytes]) -> None:
        """Let the folder hold what ran, not what was tried."""
        if before or history.revisions(self.folder):
            folder.write(before or files_that_ran(self.folder), self.folder, compose.PRIVATE)

    def _write(self, rendered: Mapping[str, str | bytes]) -> None:
        folder.write(rendered, self.folder, compose.PRIVATE)
        self.services = read_services(self._compose)

    def _check(self, ours: set[str]) -> None:
        """See that the actors' ports are free; Prometheus was looked at before anything was built."""
        ports.check_ports([service for service in self.services.values() if service.actor], ours)

    def _profile(self) -> tuple[str, ...]:
        return ("--profile", "observability") if self.prometheus else ()

    def _compose(self, *arguments: str) -> str:
        whole = [*self._profile(), *arguments]
        return engine.run_compose(whole, project=self.topology, folder=self.folder, variables=self.variables)

    def _wait(self, wanted: Mapping[str, int], among: frozenset[str] | None = None) -> list[ActorStatus]:
        return replicas.wait_healthy(self.client, self.topology, wanted, self.timeout_s, self.on_status, among=among)

    def _change(self, secrets: frozenset[str]) -> None:
        """Replace what has changed, beside what runs."""
        stale = frozenset(name for name, service in self.services.items() if service.secrets & secrets)
        change = Replacement(
            self.client, self.topology, self.services, self._compose, stale, here=names_of(self.folder)
        )
        self._replacement = change
        change.prepare()
        if change.new:
            self.tell(f"starting new instances of {', '.join(change.changed)}")
        change.start(self._wait)
        if change.new and not meeting.wait_met(self.client, self.topology, change.changed):
            self.tell("not every peer has met the new instances yet; what goes to them waits until then")
        if change.old:
            self.tell(f"the old instances of {', '.join(sorted(change.old))} finish what they hold")
        change.relieve(self._wait)
        change.settle()
        self._replacement = None

    def _remove_prometheus(self, *, failed: bool = False) -> None:
        """Remove the container of Prometheus; or only one that `failed`, which a deployment that was kept has left:
        its failures would count as those of the one that compose makes anew. What it has stored stays."""
        for replica in replicas.list_replicas(self.client, self.topology):
            if replica.actor == PROMETHEUS and (replica.failed or not failed):
                self.tell(f"removing {replica.container}" + (f", which {replica.failed}" if failed else ""))
                replacement.end(self.client.containers.get(replica.container))

    def _up(self) -> list[ActorStatus]:
        """Let compose do the rest: everything where nothing ran, and what stands beside the topology."""
        wanted = {name: service.replicas for name, service in self.services.items() if not service.foreign}
        arguments = [*self._profile(), "up", "--detach", "--remove-orphans", "--no-build", "--quiet-pull"]
        with tempfile.TemporaryFile("w+") as said:
            process = engine.compose(
                arguments,
                project=self.topology,
                folder=self.folder,
                variables=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
            try:
                return replicas.wait_healthy(
                    self.client,
                    self.topology,
                    wanted,
                    self.timeout_s,
                    self.on_status,
                    lambda: self._is_working(process, said),
                )
            finally:
                if process.poll() is None:
                    process.terminate()
                process.wait()

    def _is_working(self, process: subprocess.Popen[str], said: IO[str]) -> bool:
        """Whether compose still works.

        Raises:
            KitError: it failed; the message tells of the instance that it failed for, where there is one.
        """
        status = process.poll()
        if not status:
            return status is None
        said.seek(0)
        complaint = last_line(said.read())
        ill = replicas.first_unhealthy(replicas.list_replicas(self.client, self.topology))
        if ill is None or ill.container not in complaint:
            raise KitError(f"docker compose up failed: {complaint}")
        raise KitError(replicas.failure_report(self.client, ill, f"is {ill.health or ill.state}"))

    def _put_back(self, before: Mapping[str, str | bytes], tried: Mapping[str, str | bytes], home: Path) -> str:
        """Put back what ran, in the folder that it ran from, and wait until it is healthy; a sentence that says so."""
        if self._replacement is None and not before:
            return f'What ran before cannot be put back: there are no files of it in "{home}".'
        is_foreign, self.folder = home != self.folder, home
        kept = history.revisions(self.folder)
        name = f"what ran before (revision {kept[-1].number})" if kept else "what ran before"
        try:
            # Nothing was written into another one's folder yet.
            if self._replacement is None or not is_foreign:
                self._write(before)
            if self._replacement is None:
                # All had been replaced already, and what stands beside the topology failed.
                self._change(changed_secrets(tried, before))
                self._up()
            else:
                self._replacement.take_back()
                amounts, names = self._replacement.what_ran()
                self._wait(amounts, names)
        except (KitError, DockerException, OSError) as exc:
            return f"{name[0].upper()}{name[1:]} was put back, but is not healthy: {exc}"
        return f"{name[0].upper()}{name[1:]} was put back, and is healthy."

    def _stop_again(self, before: Mapping[str, str | bytes], home: Path) -> str:
        """Stop everything again, made as it was, where nothing had run; a sentence that says so."""
        try:
            self._compose("stop")
            self.folder = home
            self._write(before)
            self._compose("up", "--no-start", "--remove-orphans", "--no-build", "--quiet-pull")
        except (KitError, OSError) as exc:
            return f"Nothing of it ran before, and it could not be made as it was: {exc}"
        return "Nothing of it ran before, and nothing runs now: it is stopped, as it was; --keep leaves it for a look."

    def _take_down(self, *, volumes: bool) -> str:
        """Take down what did not come up. Volumes that were there before may hold dead letters and requests."""
        take_down(self.topology, self.folder, volumes=volumes)
        self._forget({})
        return "Everything of it was taken down again; --keep leaves it for a look."

    def _remember(self, rendered: Mapping[str, str | bytes], digest: str, reason: str) -> None:
        services = {name: service for name, service in self.services.items() if service.actor}
        before = history.revisions(self.folder)
        revision, unnamed = history.add(self.folder, rendered, services, digest, reason)
        if revision in before:
            self.tell(f"revision {revision.number} as before: nothing changed")
        else:
            self.tell(f"revision {revision.number}: {', '.join(revision.changes)}")
        for image in sorted(unnamed):
            if Image(image).is_own(self.topology):
                for name in Image(image).names:
                    with suppress(ImageNotFound, DockerException):
                        self.client.images.remove(name)

    def roll_back(self, number: int | None) -> tuple[Revision, list[ActorStatus]]:
        """Bring up a revision that ran before, the last but one without a number; it becomes the newest revision.

        Raises:
            UsageError: there is no such revision.
            KitError: an image of it is gone, or it did not come up.
        """
        revision = history.find(self.folder, number)
        for image in sorted(revision.images):
            try:
                engine.find_image(self.client, image)
            except DockerException as exc:
                raise KitError(
                    f'the image "{image}" of revision {revision.number} is gone. Deploy that version of the '
                    "code again: kit deploy TOPOLOGY"
                ) from exc
        files = history.files_of(self.folder, revision.number)
        return revision, self.deploy(files, revision.digest, f"back to revision {revision.number}")


def names_of(where: Path) -> frozenset[str]:
    """What a folder may be called in a label."""
    return frozenset((str(where), str(where.resolve())))


def files_that_ran(where: Path) -> dict[str, str | bytes]:
    """The files of the last revision. Without any, an older kit made the deployment: what stands in the folder. None,
    where it cannot be read: it is gone, or somebody else's."""
    try:
        kept = history.revisions(where)
        if kept:
            return history.files_of(where, kept[-1].number)
        found = folder.read(where)
    except OSError:
        return {}
    return {path: content for path, content in found.items() if path.split("/")[0] not in _NOT_RENDERED}


def changed_secrets(before: Mapping[str, str | bytes], now: Mapping[str, str | bytes]) -> frozenset[str]:
    """Secrets with another content. Compose does not look into files, and a label would tell."""
    return frozenset(
        path.removeprefix("secrets/")
        for path, content in now.items()
        if path.startswith("secrets/") and _bytes(before.get(path, content)) != _bytes(content)
    )


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def take_down(topology: str, where: Path | None, *, volumes: bool) -> None:
    """Stop and remove everything of a deployment, by the labels that compose gives; its volumes only on demand.

    Raises:
        KitError: compose could not.
    """
    here = where if where and (where / "compose.yaml").is_file() else None
    profile = ["--profile", "*"] if here else []
    arguments = [*profile, "down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    engine.run_compose(arguments, project=topology, folder=here)
    if here:
        # With a file, compose leaves networks that only an earlier one had.
        engine.run_compose(arguments[len(profile) :], project=topology)


def scale(
    client: DockerClient, topology: str, wanted: Mapping[str, int], on_status: OnStatus, timeout_s: float
) -> list[ActorStatus]:
    """Give actors other numbers of replicas; no other container is touched.

    Raises:
        UsageError: there is no such deployment or actor.
        KitError: there are fewer ports than replicas, compose could not, or new ones did not become healthy.
    """
    found = replicas.find_replicas(client, topology)
    where = replicas.compose_folder(found)
    services = read_services(lambda *arguments: engine.run_compose(arguments, project=topology, folder=where))
    preconditions.check_published(topology, services, wanted)
    there = Counter(replica.actor for replica in found)
    ours = [name for name, service in services.items() if not service.foreign]
    # All of them are named, each with the number that there is: compose gives a service that it starts without the
    # others another hash, and the next deployment would take it for one that has changed.
    amounts = [f"--scale={name}={wanted.get(name, there[name])}" for name in sorted(ours)]
    arguments = ["up", "--no-start", "--no-recreate", "--no-build", *amounts]
    engine.run_compose(arguments, project=topology, folder=where)
    for replica in replicas.list_replicas(client, topology):
        if replica.actor in wanted and replica.state == "created":
            replacement.start(replica.actor, client.containers.get(replica.container))
    return replicas.wait_healthy(client, topology, wanted, timeout_s, on_status)
