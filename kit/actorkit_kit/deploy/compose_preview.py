"""What `kit deploy` would change on a Docker Engine: what runs there, beside what the topology says now."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import DockerClient

from actorkit_kit.deploy import compose, engine, history, preview, replicas
from actorkit_kit.deploy.preview import Change, Preview
from actorkit_kit.deploy.replacement import Present, Replacement
from actorkit_kit.deploy.services import Service, read_services
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import folder
from actorkit_kit.render.compose import PRIVATE, render
from actorkit_kit.render.observability import PROMETHEUS
from actorkit_kit.render.yamltext import load

#: Files by path in a deployment's folder.
Files = Mapping[str, str | bytes]


def look(client: DockerClient, plan: Plan, *, prometheus: bool, variables: Mapping[str, str]) -> Preview:
    """What would change. The deployment's folder is read, with its overrides, and nothing is written there.

    Raises:
        KitError: the engine or compose does not tell.
    """
    where = compose.deployment_folder(plan)
    found = replicas.list_replicas(client, plan.topology)
    before: Files = compose.files_that_ran(where) if found else {}
    after = render(plan)
    services = _services(plan, where, after, prometheus=prometheus, variables=variables)
    changed = compose.changed_secrets(before, after)
    stale = frozenset(name for name, service in services.items() if service.secrets & changed)
    there = Replacement(client, plan.topology, services, _none, stale, here=compose.names_of(where)).compare()
    settings = _Settings(_compose_services(before), _compose_services(after), before, after, changed)
    changes = [
        change for name, present in there.items() for change in _actor(name, services.get(name), present, settings)
    ]
    has_prometheus = any(replica.actor == PROMETHEUS for replica in found)
    if has_prometheus and not prometheus:
        changes.append(Change(PROMETHEUS, "gone"))
    changes += [Change(f"secret {name}", "changed") for name in sorted(changed)]
    return Preview(preview.in_order(changes), preview.diff_of(_texts(before), _texts(after)))


def _none(*_arguments: str) -> str:
    """What compose is asked where nothing is to be changed."""
    return ""


def _services(
    plan: Plan, where: Path, rendered: Files, *, prometheus: bool, variables: Mapping[str, str]
) -> dict[str, Service]:
    """The services as compose reads them: with the overrides and settings of the folder that they run from."""
    profile = ["--profile", "observability"] if prometheus else []
    with tempfile.TemporaryDirectory(prefix="kit-plan-") as place:
        folder.write(rendered, Path(place), PRIVATE)
        return read_services(
            lambda *arguments: engine.run_compose(
                [*profile, *arguments],
                project=plan.topology,
                folder=where,
                rendered=Path(place),
                variables=variables,
            )
        )


@dataclass(frozen=True)
class _Settings:
    """What the compose files say of each service, and all files, before and after; and which secrets are others."""

    services_before: Mapping[str, Any]
    services_after: Mapping[str, Any]
    before: Files
    after: Files
    secrets: frozenset[str]

    def reasons(self, service: Service) -> Iterator[str]:
        """What is other of a service: its settings, its files and its secrets."""
        name = service.name
        if name in self.services_before and name in self.services_after:
            for told in preview.differences(self.services_before[name], self.services_after[name]):
                # Files are told by their names; how many instances there are is no reason to replace one.
                if not told.startswith(("labels.", "deploy.replicas", "image:")):
                    yield told
        start = f"files/{name}/"
        for path in sorted({*self.before, *self.after}):
            if path.startswith(start) and _bytes(self.before.get(path)) != _bytes(self.after.get(path)):
                yield f"file {path.removeprefix(start)}"
        yield from (f"secret {secret}" for secret in sorted(service.secrets & self.secrets))


def _actor(name: str, service: Service | None, there: Present, settings: _Settings) -> Iterator[Change]:
    """What becomes of the containers of one service; None: it is in the topology no more."""
    if service is None:
        yield Change(name, "gone", (preview.instances(len(there.present)),))
    elif service.foreign:
        return
    elif not there.present:
        yield Change(name, "new", (preview.instances(service.replicas),))
    elif there.old or (not service.actor and _is_other(there, service)):
        yield Change(name, "replaced", (*_image(there, service), *settings.reasons(service)))
    elif stopped := [container for container in there.kept if container.status == "exited"]:
        yield Change(name, "started", (f"{preview.instances(len(stopped))} had ended",))
    if service and there.present and service.actor and len(there.present) != service.replicas:
        yield Change(name, "scaled", (f"{len(there.present)} → {preview.instances(service.replicas)}",))


def _is_other(there: Present, service: Service) -> bool:
    """Whether compose would make anew what stands beside the actors."""
    return any(container.labels.get("com.docker.compose.config-hash") != service.digest for container in there.present)


def _image(there: Present, service: Service) -> Iterator[str]:
    images = sorted({container.attrs["Config"]["Image"] for container in there.present} - {service.image})
    if images:
        yield f"image {', '.join(images)} → {service.image}"


def _compose_services(files: Files) -> Mapping[str, Any]:
    """The services of a rendered compose file, their shared settings merged into them."""
    found = load(_bytes(files.get("compose.yaml")).decode()) or {}
    services: Mapping[str, Any] = found.get("services", {})
    return services


def _texts(files: Files) -> dict[str, str]:
    """Files as they are compared: of a secret the place alone, of what is no text its size."""
    return {path: _text(path, _bytes(content)) for path, content in files.items()}


def _text(path: str, content: bytes) -> str:
    if path.startswith("secrets/"):
        return preview.hidden(content)
    try:
        # Headers name the digest of the topology, which each change of it changes.
        return history.without_header(content).decode()
    except UnicodeDecodeError:
        return preview.hidden(content)


def _bytes(content: str | bytes | None) -> bytes:
    return content.encode() if isinstance(content, str) else content or b""
