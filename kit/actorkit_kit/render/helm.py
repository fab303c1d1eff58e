"""The helm target: the chart of actorkit with the values of one plan in it.

Endpoints are templates: the names of Services begin with the release's name, which is known only when it is installed.
"""

from __future__ import annotations

import base64
import codecs
import re
import zlib
from math import ceil
from typing import Any, Final, NoReturn

from actorkit_kit import assets
from actorkit_kit.errors import KitError
from actorkit_kit.kit_folder import RENDERED
from actorkit_kit.plan.model import Mount, Plan, Port, Scaling, Unit, container_addresses, environment
from actorkit_kit.render import alerts, console, dashboard, mounts
from actorkit_kit.render.yamltext import Quoted, dump, header

#: Rendered folders that only their owner may enter.
PRIVATE: Final = ("secrets",)
#: The alerting rules and the dashboard in the chart, which writes the release and the numbers of pods into them.
ALERTS: Final = "monitoring/alerts.yaml"
DASHBOARD: Final = "monitoring/dashboard.json"
#: Seconds between the end of an instance's drain and its SIGKILL; the pause before the drain is part of it.
GRACE_MARGIN_S: Final = 12
#: The most that a ConfigMap or a Secret holds, in bytes.
MAX_OBJECT_BYTES: Final = 1 << 20
#: How often a release holds each file: in the chart and in its manifest; compressed, and then as base64.
COPIES: Final = 2
#: Characters that Helm writes as they are, in values (3) or manifests (4), and then does not read.
_UNFIT: Final = re.compile("[\x7f-\x9f\ufffe\uffff]")
#: Lines of the chart's values.yaml that a plan fills in.
_EMPTY: Final = re.compile(r"^(?P<key>topology|actors|secrets): .*\n", re.MULTILINE)
#: Variables whose values hold names of Services.
_ENDPOINTS: Final = ("ACTORKIT_BROKERS", "ACTORKIT_INBOXES")
_OUTBOX: Final = "ACTORKIT_OUTBOX_"


def render(plan: Plan) -> dict[str, str | bytes]:
    """Every file of the chart's folder by its path in it; the same bytes for the same plan.

    Raises:
        KitError: a file or a secret that the plan mounts cannot be read, or is too large.
    """
    _check_sizes(plan)
    chart = assets.asset("charts") / "actorkit"
    rendered: dict[str, str | bytes] = {
        str(path.relative_to(chart)): path.read_bytes()
        for path in assets.files_under(chart)
        if path.relative_to(chart).parts[0] != "ci"
    }
    rendered["values.yaml"] = header(plan) + _values(plan, (chart / "values.yaml").read_text())
    rules = alerts.rules(plan, lambda unit: f"@replicas({unit.name})", release=True)
    rendered[ALERTS] = header(plan) + dump(rules)
    rendered[DASHBOARD] = dashboard.dashboard(plan, release=True)
    # The chart writes names of Services and numbers of pods into it.
    rendered[console.FILE] = console.plan_file(plan, lambda name: name)
    rendered[".gitignore"] = f"{RENDERED}/secrets/\n"
    rendered |= {f"secrets/{name}": _secret(mount) for name, mount in mounts.secrets(plan).items()}
    return dict(sorted(rendered.items()))


def encoded_secrets(plan: Plan) -> set[str]:
    """Names of the secrets whose files in the chart hold base64."""
    return {name for name, mount in mounts.secrets(plan).items() if _is_encoded(mount)}


def _secret(mount: Mount) -> bytes:
    content = mounts.read(mount)
    return base64.b64encode(content) if _is_encoded(mount) else content


def _is_encoded(mount: Mount) -> bool:
    """Whether a secret's file in the chart holds base64: Helm leaves out a byte order mark that a file begins with."""
    return mounts.read(mount).startswith(codecs.BOM_UTF8)


def _check_sizes(plan: Plan) -> None:
    """See that what is mounted fits into Kubernetes' objects, and all of it into the Secret where Helm keeps a release.

    Raises:
        KitError: it does not.
    """
    whole = 0
    for unit in plan.units:
        contents = [file.content for file in mounts.files(unit)]
        whole += sum(len(zlib.compress(content)) for content in contents)
        if (size := sum(map(len, contents))) > MAX_OBJECT_BYTES:
            _too_large(f'the files of "{unit.name}" and its long parameters are {size} bytes', "a ConfigMap")
    for name, mount in mounts.secrets(plan).items():
        content = mounts.read(mount)
        whole += len(zlib.compress(content))
        if len(content) > MAX_OBJECT_BYTES:
            _too_large(f'the secret "{name}" is {len(content)} bytes', "a Secret")
    if (size := whole * COPIES * 4 // 3) > MAX_OBJECT_BYTES:
        _too_large(f"all files and secrets together make a release of {size} bytes", "the Secret where Helm keeps it")


def _too_large(what: str, where: str) -> NoReturn:
    todo = "Shorten them, or mount a volume with extraVolumes and extraVolumeMounts."
    raise KitError(f"{what}, more than the {MAX_OBJECT_BYTES} that {where} can hold. {todo}")


def _values(plan: Plan, template: str) -> str:
    """The values file of the chart, comments included, with the values of the plan in the place of its empty ones."""
    filled = {"topology": Quoted(plan.topology), "actors": _actors(plan), "secrets": _secrets(plan)}
    return _EMPTY.sub(lambda line: dump({line["key"]: filled[line["key"]]}), template)


def _actors(plan: Plan) -> dict[str, Any]:
    return {unit.name: _actor(plan, unit) for unit in sorted(plan.units, key=lambda unit: unit.name)}


def _secrets(plan: Plan) -> dict[str, Any]:
    return {
        name: {"existingSecret": Quoted(""), "key": Quoted(name), **({"encoded": True} if _is_encoded(mount) else {})}
        for name, mount in mounts.secrets(plan).items()
    }


def _actor(plan: Plan, unit: Unit) -> dict[str, Any]:
    host = "{{{{ include `actorkit.host` (list . `{}`) }}}}"
    variables = environment(plan, unit, container_addresses(host.format))
    endpoints = {name for name in variables if name in _ENDPOINTS or name.startswith(_OUTBOX)}
    encoded = {name: _base64(text.encode()) for name, text in variables.items() if _UNFIT.search(text)}
    repository, tag, digest = unit.image.parts
    peers = plan.reaches(unit)
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
        "env": {name: Quoted(variables[name]) for name in sorted(variables.keys() - endpoints - encoded.keys())},
    }
    if unit.scaling:
        actor["scale"] = _scale(unit.scaling)
    if encoded:
        actor["envBase64"] = encoded
    if endpoints:
        actor["endpoints"] = {name: Quoted(variables[name]) for name in sorted(endpoints)}
    if peers:
        actor["to"] = list(peers)
    if unit.ports:
        actor["ports"] = {port.name: _port(port) for port in sorted(unit.ports, key=lambda port: port.name)}
    if unit.egress:
        actor["egress"] = _egress(unit)
    if unit.keeps:
        actor["keeps"] = {parameter: {"target": Quoted(folder)} for parameter, folder in unit.volumes.items()}
    files = mounts.files(unit)
    if files:
        actor["files"] = {file.key: {"target": Quoted(file.target), **_content(file.content)} for file in files}
    secrets = mounts.secret_targets(unit)
    if secrets:
        actor["secrets"] = {name: {"target": Quoted(target)} for name, target in secrets.items()}
    return actor


def _port(port: Port) -> dict[str, Any]:
    """A published port, and what leads to it by a host's name."""
    found: dict[str, Any] = {"containerPort": port.container, "servicePort": port.published, "public": port.public}
    way = port.way_in
    if way is None:
        return found
    leading: dict[str, Any] = {"host": Quoted(way.host), "path": Quoted(way.path)}
    if way.timeout_s:
        leading["timeoutSeconds"] = ceil(way.timeout_s)
    if not way.gateway:
        return {**found, "ingress": {**leading, "tlsSecret": Quoted(way.tls)}}
    namespace, _, name = way.gateway.rpartition("/")
    return {**found, "route": {**leading, "gateway": {"name": Quoted(name), "namespace": Quoted(namespace)}}}


def _scale(scaling: Scaling) -> dict[str, Any]:
    """How many pods there are, and by what: the work that waits, and who tells it, or the load."""
    bounds = {"min": scaling.least, "max": scaling.most}
    if not scaling.waiting:
        return {**bounds, "cpu": Quoted(f"{scaling.cpu_millis}m")}
    upstreams = {name: [Quoted(one) for one in names] for name, names in sorted(scaling.upstreams.items())}
    return {**bounds, "waiting": scaling.waiting, "upstreams": upstreams}


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
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": _base64(data)}
    return {"base64": _base64(data)} if _UNFIT.search(text) else {"content": Quoted(text)}


def _base64(data: bytes) -> Quoted:
    return Quoted(base64.b64encode(data).decode())
