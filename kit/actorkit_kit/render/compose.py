"""The compose target: a folder that `docker compose up` runs, with or without `kit`.

Secrets are bind-mounted files: the engine cannot copy one that comes from a variable into a container whose root is
read-only. A file is readable by the container's user, so its folder, not its mode, keeps other users of the host out:
`PRIVATE` names the folders that want mode 0700.
"""

from __future__ import annotations

from typing import Any, Final

from actorkit_kit.errors import KitError
from actorkit_kit.kit_folder import RENDERED
from actorkit_kit.plan.model import (
    ADMIN_PORT,
    INBOX_PORT,
    USER_ID,
    Plan,
    Port,
    Unit,
    container_addresses,
    environment,
)
from actorkit_kit.render import console, dotenv, mounts, observability
from actorkit_kit.render.observability import OPEN_FILES, PIDS
from actorkit_kit.render.yamltext import Anchor, Merge, Quoted, dump, header

#: Rendered folders that only their owner may enter.
PRIVATE: Final = ("secrets",)
#: Seconds between the end of an instance's drain and its SIGKILL.
GRACE_MARGIN_S: Final = 10

_LOGGING: Final = {"driver": "json-file", "options": {"max-file": Quoted("3"), "max-size": Quoted("10m")}}
_HARDENED: Final = {
    "cap_drop": ["ALL"],
    "init": True,
    "logging": _LOGGING,
    "pull_policy": "missing",
    "read_only": True,
    "restart": "unless-stopped",
    "security_opt": [Quoted("no-new-privileges:true")],
    "stop_signal": "SIGTERM",
}


def render(plan: Plan) -> dict[str, str | bytes]:
    """Every file of the folder by its path in it; the same bytes for the same plan.

    Raises:
        KitError: a file or a secret that the plan mounts cannot be read.
    """
    rendered: dict[str, str | bytes] = {
        ".env.example": dotenv.env_example(plan),
        ".gitignore": f"{RENDERED}/.env\n/secrets/\n",
        "compose.yaml": _compose(plan),
        console.FILE: console.plan_file(plan, lambda name: name),
        **observability.files(plan),
    }
    for unit in plan.units:
        rendered |= {f"files/{unit.name}/{file.key}": file.content for file in mounts.files(unit)}
    rendered |= {f"secrets/{name}": mounts.read(mount) for name, mount in mounts.secrets(plan).items()}
    return dict(sorted(rendered.items()))


def _compose(plan: Plan) -> str:
    hardened = {
        **_HARDENED,
        "expose": [Quoted(INBOX_PORT), Quoted(ADMIN_PORT)],
        "healthcheck": {
            "interval": "5s",
            "retries": 3,
            "start_interval": "500ms",
            "start_period": "30s",
            "test": ["CMD", "/opt/actorkit/bin/ready"],
            "timeout": "3s",
        },
        "tmpfs": [Quoted("/tmp:mode=1777,size=64m")],
        "ulimits": {"nofile": {"hard": OPEN_FILES, "soft": OPEN_FILES}},
        "user": Quoted(f"{USER_ID}:{USER_ID}"),
    }
    actor = Anchor("actor", dict(sorted(hardened.items())))
    shared = Anchor(
        "environment",
        {
            # The engine's name server alone knows which replica a container is.
            "ACTORKIT_INSTANCE": Quoted("@dns"),
            "ACTORKIT_LOG_FORMAT": Quoted("${ACTORKIT_LOG_FORMAT:-json}"),
            "ACTORKIT_LOG_LEVEL": Quoted("${ACTORKIT_LOG_LEVEL:-info}"),
        },
    )
    services: dict[str, Any] = {unit.name: Merge(actor, _service(plan, unit, shared)) for unit in plan.units}
    beside = {name: {**_HARDENED, **service} for name, service in observability.services(plan, _labels(plan)).items()}
    for name in (*beside, console.NAME):
        if name in services:
            raise KitError(f'an actor cannot be named "{name}" in a compose deployment. Name it otherwise.')
    services |= {name: dict(sorted(service.items())) for name, service in beside.items()}
    services[console.NAME] = Merge(actor, console.service(plan, shared))
    kept = [volume(unit, parameter) for unit in plan.units for parameter in unit.volumes]
    document = {
        "name": plan.topology,
        "x-actor": actor,
        "x-environment": shared,
        "services": dict(sorted(services.items())),
        "networks": {
            "data": {"internal": True, "labels": _labels(plan)},
            "edge": {"labels": _labels(plan)},
            **({"egress": {"labels": _labels(plan)}} if any(unit.egress for unit in plan.units) else {}),
        },
        "volumes": {name: {"labels": _labels(plan)} for name in sorted({observability.PROMETHEUS, *kept})},
    }
    document |= {kind: found for kind, found in (("configs", _configs(plan)), ("secrets", _secrets(plan))) if found}
    return header(plan, "Do not edit: put changes into compose.override.yaml, and settings into .env.") + dump(document)


def _labels(plan: Plan, **more: str) -> dict[str, Any]:
    return {f"io.actorkit.{key}": Quoted(text) for key, text in sorted({"topology": plan.topology, **more}.items())}


def _service(plan: Plan, unit: Unit, shared: Anchor) -> dict[str, Any]:
    variables = environment(plan, unit, container_addresses(lambda name: name))
    service: dict[str, Any] = {
        "deploy": {
            "replicas": unit.replicas,
            "resources": {
                "limits": {"cpus": Quoted(f"{unit.cpus:g}"), "memory": Quoted(f"{unit.memory_mb}M"), "pids": PIDS},
                "reservations": {"memory": Quoted(f"{unit.memory_mb // 2}M")},
            },
        },
        "environment": Merge(shared, {name: Quoted(_escape(value)) for name, value in variables.items()}),
        "image": Quoted(unit.image.tag),
        "labels": {
            **_labels(plan, actor=unit.name, kind=unit.kind),
            "org.opencontainers.image.version": Quoted(plan.version),
        },
        "networks": ["data", *(["edge"] if unit.ports else []), *(["egress"] if unit.egress else [])],
        "stop_grace_period": f"{unit.drain_timeout_s + GRACE_MARGIN_S:g}s",
    }
    if unit.waits:
        service["depends_on"] = {wait.unit: _dependency(plan, wait.unit, wait.healthy) for wait in unit.waits}
        service["depends_on"] = dict(sorted(service["depends_on"].items()))
    if unit.ports:
        ports, names = sorted(unit.ports, key=lambda port: port.name), dotenv.port_variables(plan)
        service["ports"] = [_port(unit, port, names[unit.name, port.name]) for port in ports]
    mounted = mounts.files(unit)
    if mounted:
        # Compose does not look into files: the label makes it replace a container whose files have changed.
        service["labels"]["io.actorkit.files"] = Quoted(mounts.digest(mounted))
        service["configs"] = [{"source": f"{unit.name}.{file.key}", "target": _escape(file.target)} for file in mounted]
    service["labels"] = dict(sorted(service["labels"].items()))
    mounted_at = {volume(unit, parameter): target for parameter, target in unit.volumes.items()}
    if mounted_at:
        service["volumes"] = [{"source": name, "target": at, "type": "volume"} for name, at in mounted_at.items()]
    targets = mounts.secret_targets(unit)
    if targets:
        service["secrets"] = [{"source": name, "target": _escape(target)} for name, target in targets.items()]
    return dict(sorted(service.items()))


def _escape(value: str) -> str:
    """A value that compose does not interpolate."""
    return value.replace("$", "$$")


def _dependency(plan: Plan, name: str, healthy: bool) -> dict[str, Any]:
    dependency: dict[str, Any] = {"condition": "service_healthy" if healthy else "service_started"}
    if plan.unit(name).kind == "broker":
        dependency["restart"] = True
    return dependency


def _port(unit: Unit, port: Port, variable: str) -> dict[str, Any]:
    """A published port; one for each replica, counted up from the first, where there are several."""
    published = f"${{{variable}:-{port.published}}}"
    if unit.replicas > 1:
        published = f"{port.published}-{port.published + unit.replicas - 1}"
    address = {} if port.public else {"host_ip": Quoted("127.0.0.1")}
    return {**address, "protocol": "tcp", "published": Quoted(published), "target": port.container}


def volume(unit: Unit, parameter: str) -> str:
    """The volume with the files that a unit keeps, named after a parameter: `titanic-folder`."""
    return f"{unit.name}-{parameter}"


def _configs(plan: Plan) -> dict[str, Any]:
    paths = {**observability.CONFIGS, console.NAME: console.FILE}
    found: dict[str, Any] = {name: {"file": f"./{path}"} for name, path in paths.items()}
    for unit in plan.units:
        found |= {f"{unit.name}.{file.key}": {"file": f"./files/{unit.name}/{file.key}"} for file in mounts.files(unit)}
    return dict(sorted(found.items()))


def _secrets(plan: Plan) -> dict[str, Any]:
    return {name: {"file": f"./secrets/{name}"} for name in mounts.secrets(plan)}
