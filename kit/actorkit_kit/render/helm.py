"""The helm target: the chart of actorkit with the values of one plan in it.

Endpoints are templates: the names of Services begin with the release's name, which is known only when it is installed.
"""

from __future__ import annotations

import base64
import codecs
import io
from typing import Any, Final

from ruamel.yaml import YAML

from actorkit_kit import assets
from actorkit_kit.errors import KitError
from actorkit_kit.plan.model import Mount, Plan, Unit, container_addresses, environment
from actorkit_kit.render import mounts
from actorkit_kit.render.yamltext import Quoted, header, tree

#: Rendered folders that only their owner may enter.
PRIVATE: Final = ("secrets",)
#: Seconds between the end of an instance's drain and its SIGKILL; the pause before the drain is part of it.
GRACE_MARGIN_S: Final = 12
#: Variables whose values hold names of Services.
_BROKERS: Final = "ACTORKIT_BROKERS"
_OUTBOX: Final = "ACTORKIT_OUTBOX_"


def render(plan: Plan) -> dict[str, str | bytes]:
    """Every file of the chart's folder by its path in it; the same bytes for the same plan.

    Raises:
        KitError: a file or a secret that the plan mounts cannot be read, or Helm would change it.
    """
    chart = assets.asset("charts") / "actorkit"
    rendered: dict[str, str | bytes] = {
        str(path.relative_to(chart)): path.read_bytes()
        for path in assets.files_under(chart)
        if path.relative_to(chart).parts[0] != "ci"
    }
    rendered["values.yaml"] = header(plan) + _values(plan, (chart / "values.yaml").read_text())
    rendered[".gitignore"] = "# What must not leave this machine.\n/secrets/\n"
    rendered |= {f"secrets/{name}": _secret(mount) for name, mount in mounts.secrets(plan).items()}
    return dict(sorted(rendered.items()))


def _secret(mount: Mount) -> bytes:
    content = mounts.read(mount)
    if content.startswith(codecs.BOM_UTF8):
        raise KitError(f'the secret "{mount.name}" begins with a byte order mark, which Helm leaves out. Remove it.')
    return content


def _values(plan: Plan, template: str) -> str:
    """The values file of the chart, comments included, with the values of the plan in it."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    values = yaml.load(template)
    values["topology"] = tree(Quoted(plan.topology))
    for key, found in (("actors", _actors(plan)), ("secrets", _secrets(plan))):
        node = tree(found)
        if found:
            node.ca.comment = None
            values[key] = node
    out = io.StringIO()
    yaml.dump(values, out)
    return out.getvalue()


def _actors(plan: Plan) -> dict[str, Any]:
    return {unit.name: _actor(plan, unit) for unit in sorted(plan.units, key=lambda unit: unit.name)}


def _secrets(plan: Plan) -> dict[str, Any]:
    return {name: {"existingSecret": Quoted(""), "key": Quoted(name)} for name in mounts.secrets(plan)}


def _actor(plan: Plan, unit: Unit) -> dict[str, Any]:
    host = "{{{{ include `actorkit.host` (list . `{}`) }}}}"
    variables = environment(plan, unit, container_addresses(host.format))
    endpoints = {name for name in variables if name == _BROKERS or name.startswith(_OUTBOX)}
    repository, tag, digest = unit.image.parts
    peers = {edge.destination for edge in unit.edges}
    peers |= {other.name for other in plan.meets(unit)}
    actor: dict[str, Any] = {
        "kind": unit.kind,
        "image": {"repository": Quoted(repository), "tag": Quoted(tag)}
        | ({"digest": Quoted(digest)} if digest else {}),
        "replicas": unit.replicas,
        "receives": unit.receives,
        "terminationGracePeriodSeconds": round(unit.drain_timeout_s + GRACE_MARGIN_S),
        "resources": {
            "requests": {"cpu": Quoted(_cpu_request(unit.cpus)), "memory": Quoted(f"{unit.memory_mb // 2}Mi")},
            "limits": {"cpu": Quoted(f"{unit.cpus:g}"), "memory": Quoted(f"{unit.memory_mb}Mi")},
        },
        "env": {name: Quoted(value) for name, value in variables.items() if name not in endpoints},
    }
    if endpoints:
        actor["endpoints"] = {name: Quoted(variables[name]) for name in sorted(endpoints)}
    if peers:
        actor["to"] = sorted(peers)
    if unit.ports:
        actor["ports"] = {
            port.name: {"containerPort": port.container, "servicePort": port.published, "public": port.public}
            for port in sorted(unit.ports, key=lambda port: port.name)
        }
    if unit.egress:
        actor["egress"] = _egress(unit)
    if unit.keeps:
        actor["keeps"] = {parameter: {"target": Quoted(folder)} for parameter, folder in sorted(unit.keeps.items())}
    files = mounts.files(unit)
    if files:
        actor["files"] = {file.key: {"target": Quoted(file.target), **_content(file.content)} for file in files}
    secrets = mounts.secret_targets(unit)
    if secrets:
        actor["secrets"] = {name: {"target": Quoted(target)} for name, target in secrets.items()}
    return actor


def _egress(unit: Unit) -> list[dict[str, Any]]:
    """What an actor reaches outside: blocks of addresses or names, and ports. An empty entry stands for all."""
    found: list[dict[str, Any]] = []
    for one in unit.egress:
        host = {"cidr" if one.is_block else "host": Quoted(one.host)} if one.host else {}
        found.append({**host, **({"port": one.port} if one.port else {})})
    return found


def _cpu_request(cpus: float) -> str:
    """The CPU request: a twentieth of the limit, in thousandths of a CPU."""
    return f"{max(10, round(cpus * 50))}m"


def _content(data: bytes) -> dict[str, Any]:
    try:
        return {"content": Quoted(data.decode())}
    except UnicodeDecodeError:
        return {"base64": Quoted(base64.b64encode(data).decode())}
