"""The planner: decides everything that a topology leaves open, once, for all targets."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import actorkit
from actorkit.graph import DEAD_LETTERS, Connection
from actorkit.params import FOLDER_FILES, folder_files, is_reference
from actorkit_actors.catalogue import SERVERS
from actorkit_kit.author_code import holds, survey
from actorkit_kit.classes.actor_class import ActorClass
from actorkit_kit.classes.known import entry_of, requirement
from actorkit_kit.plan.model import (
    FILES_DIR,
    INBOX_PORT,
    SECRETS_DIR,
    Image,
    Mount,
    Plan,
    Port,
    Scaling,
    Unit,
    Wait,
    WayIn,
    fits_a_variable,
    params_text,
)
from actorkit_kit.plan.mount_name import mount_name
from actorkit_kit.topology import order, scaling
from actorkit_kit.topology.check import Checked
from actorkit_kit.topology.model import BOX, Exposure, Node, Topology, secret_of
from actorkit_kit.topology.ports import container_port, port_parameter
from actorkit_kit.topology.server_check import sends_letters

#: Parameters of a broker in a Director. In a deployment a broker binds the inbox, and has no use for them.
_DIRECTORS: Final = ("host", "port")
#: How much longer what leads to an actor waits for its answer than the actor itself, in seconds.
ANSWER_MARGIN_S: Final = 5.0
#: Name of the file with parameters that are too long for a variable. Those of parameters have a dash in their names.
PARAMS_FILE: Final = "params.json"


def make_plan(checked: Checked) -> Plan:
    """The plan of a topology: names, images, files, ports, and the order in which units start."""
    topology = checked.topology
    edges: dict[str, list[Connection]] = defaultdict(list)
    for edge in topology.connections:
        edges[edge.source].append(edge)
    box = next((node.name for node in topology.actors.values() if node.kind == BOX), "")
    for name in topology.actors:
        if box and sends_letters(topology, name):
            edges[name].append(Connection(name, DEAD_LETTERS, box, name))
    receivers = {edge.destination for of_one in edges.values() for edge in of_one}
    units = [
        _unit(topology, node, checked.classes.get(name), tuple(edges[name]), name in receivers)
        for name, node in topology.actors.items()
    ]
    units = [_with_scaling(topology, unit, checked.classes.get(unit.name)) for unit in units]
    if topology.keys:
        units = [_with_keys(topology, unit) for unit in units]
    units = [_with_long_params(unit) for unit in units]
    plan = Plan(topology.name, actorkit.__version__, "", topology.base, tuple(units), topology.secret_files)
    waits = _waits(plan)
    plan = replace(plan, units=tuple(replace(unit, waits=waits[unit.name]) for unit in units))
    return replace(plan, digest=_digest(plan))


def _unit(
    topology: Topology, node: Node, actor_class: ActorClass | None, edges: tuple[Connection, ...], receives: bool
) -> Unit:
    actor_class = actor_class or ActorClass(node.class_path)
    mounts = tuple(_mounts(topology, node))
    keeps = {name: str(node.params.get(name, folder)) for name, folder in actor_class.keeps.items()}
    unit = Unit(
        name=node.name,
        kind=node.kind,
        uses=node.uses,
        class_path=node.class_path,
        image=_image(topology, node),
        replicas=node.replicas,
        params={**_params(topology, node, mounts), **keeps},
        receives=receives,
        edges=edges,
        uses_broker=actor_class.needs_broker(node.params),
        mounts=mounts,
        ports=tuple(_ports(node, actor_class)),
        egress=node.egress,
        environment_extra=node.env,
        drain_timeout_s=node.drain_timeout_s,
        memory_mb=node.resources.memory_mb,
        cpus=node.resources.cpus,
        begins=actor_class.begins,
        serves=actor_class.serves,
        listens={name: _host_parameter(actor_class, name) for name in actor_class.listens},
        keeps=keeps,
    )
    return unit if node.kind == "actor" else _as_server(unit, node)


def _as_server(unit: Unit, node: Node) -> Unit:
    """The unit of a server beside the graph: a broker, a registration service, Titanic, or the dead-letter box.

    A server whose catalogue entry names a `process` runs that class instead of its actor's: it then binds the inbox
    itself, and the image of the runtime holds all that it needs.
    """
    process = SERVERS[node.kind].process
    if not process:
        return replace(unit, begins=False, serves=unit.uses_broker)
    return replace(
        unit,
        class_path=process,
        image=Image(f"actorkit/runtime:{actorkit.__version__}"),
        params={name: value for name, value in unit.params.items() if name not in _DIRECTORS},
        receives=True,
        ports=tuple(Port(port.name, INBOX_PORT, port.port, port.public) for port in node.expose),
        begins=False,
        listens={},
    )


def _with_scaling(topology: Topology, unit: Unit, actor_class: ActorClass | None) -> Unit:
    """The unit with its scaling, where its topology has one: senders name the work that waits by the actor, brokers by
    the service."""
    scale = topology.actors[unit.name].scale
    if scale is None:
        return unit
    if scale.cpu:
        load = round(scale.cpu * unit.cpus * 10)
        return replace(unit, scaling=Scaling(scale.least, scale.most, cpu_millis=load))
    senders = {edge.source for edge in topology.connections if edge.destination == unit.name}
    upstreams: dict[str, tuple[str, ...]] = dict.fromkeys(sorted(senders), (unit.name,))
    services = scaling.services(topology.actors[unit.name], actor_class)
    if services:
        upstreams |= {node.name: services for node in topology.actors.values() if node.kind == "broker"}
    return replace(unit, scaling=Scaling(scale.least, scale.most, scale.waiting, upstreams=upstreams))


def _with_keys(topology: Topology, unit: Unit) -> Unit:
    """The unit with the topology's CURVE keys, which it may have as a secret already."""
    keys = _secret_mount(topology, topology.keys)
    return replace(unit, keys=keys.target, mounts=tuple(dict.fromkeys((*unit.mounts, keys))))


def _with_long_params(unit: Unit) -> Unit:
    """The unit with its parameters in a file where no variable of an environment can hold them."""
    text = params_text(unit)
    if fits_a_variable(text):
        return unit
    mount = Mount(PARAMS_FILE, Path(), f"{FILES_DIR}/{PARAMS_FILE}", content=text)
    return replace(unit, params_file=mount.target, mounts=(*unit.mounts, mount))


def _secret_mount(topology: Topology, name: str) -> Mount:
    secret = secret_of(topology, name)
    return Mount(
        name, secret.file or Path(), f"{SECRETS_DIR}/{mount_name(name)}", secret=True, variable=secret.variable
    )


def _image(topology: Topology, node: Node) -> Image:
    version = actorkit.__version__
    package = "" if node.build is not None and holds(node.build, node.class_path) else requirement(node.class_path)
    if node.build is not None or package:
        # Any code may come to see XML, whatever it says that it consumes, so what reads it is always there.
        return Image(f"{topology.name}/{node.name}:{version}", "xml", node.build, package)
    entry = entry_of(node.uses)
    return Image(f"actorkit/{entry.name}:{version}", entry.extra) if entry else Image(f"actorkit/runtime:{version}")


def _mounts(topology: Topology, node: Node) -> Iterator[Mount]:
    """One for each file or secret among the parameters; the parameter's name keeps files of one name apart."""
    for parameter, value in node.params.items():
        if not is_reference(value):
            continue
        form, given = next(iter(value.items()))
        if form == "secret":
            yield _secret_mount(topology, given)
            continue
        path = topology.base / given
        for source in folder_files(path) if form == "folder" else [path.resolve()]:
            name = f"{parameter}-{source.name}"
            yield Mount(name, source.resolve(), f"{FILES_DIR}/{mount_name(name)}")


def _params(topology: Topology, node: Node, mounts: tuple[Mount, ...]) -> dict[str, Any]:
    """The parameters, with the paths that files have in the container; the mounts are in their order."""
    targets = iter(mounts)
    params = {}
    for name, value in node.params.items():
        if not is_reference(value):
            params[name] = value
        elif "folder" in value:
            files = folder_files(topology.base / value["folder"])
            params[name] = {FOLDER_FILES: {file.name: next(targets).target for file in files}}
        else:
            params[name] = {"file": next(targets).target}
    return params


def _ports(node: Node, actor_class: ActorClass) -> Iterator[Port]:
    for exposure in node.expose:
        parameter = port_parameter(exposure, actor_class)
        container = container_port(node, actor_class, parameter) if parameter else exposure.port
        way_in = _way_in(exposure, node, actor_class) if exposure.host else None
        yield Port(exposure.name, container, exposure.port, exposure.public, parameter or "", way_in)


def _way_in(exposure: Exposure, node: Node, actor_class: ActorClass) -> WayIn:
    """The way to a port by a host's name. An actor that answers has a limit of its own, at which it says so itself."""
    declared = actor_class.parameter("timeout_s")
    given = node.params.get("timeout_s", json.loads(declared.default or "0") if declared else 0)
    limit = given + ANSWER_MARGIN_S if given else 0.0
    return WayIn(exposure.host, exposure.path, exposure.tls, exposure.gateway, limit)


def _host_parameter(actor_class: ActorClass, port: str) -> str:
    """The parameter with the address that goes with a port: `port` and `host`, `admin_port` and `admin_host`."""
    host = port.replace("port", "host") if "port" in port else "host"
    return host if actor_class.parameter(host) else ""


def _waits(plan: Plan) -> dict[str, tuple[Wait, ...]]:
    """Which units are started before which: unit → the units that it waits for.

    A sender waits for its receivers, a unit that uses brokers for the brokers, and a broker for the registration
    services that list it. A receiver outside of the sender's circle must be healthy first. Inside a circle no unit can
    be ready before the others: there a sender only starts after its receiver, and the edge that leads back to the
    front of the circle is left out.
    """
    graph = {unit.name: list(dict.fromkeys(_needs(unit, plan))) for unit in plan.units}
    circle = {name: number for number, members in enumerate(order.components(graph)) for name in members}
    open_graph = order.without_cycles(graph, [unit.name for unit in plan.units if unit.begins])
    position = {name: n for n, wave in enumerate(reversed(order.waves(open_graph))) for name in wave}
    return {
        name: tuple(
            Wait(other, circle[other] != circle[name]) for other in sorted(others, key=lambda o: (position[o], o))
        )
        for name, others in open_graph.items()
    }


def _needs(unit: Unit, plan: Plan) -> Iterator[str]:
    for edge in unit.edges:
        if edge.destination != unit.name:
            yield edge.destination
    yield from (other.name for other in plan.meets(unit))


def stop_waves(plan: Plan) -> list[tuple[str, ...]]:
    """The units in the order in which they stop without losing anything: first the units where events begin, then the
    units that those send to. Clients of the broker stop before the workers that answer them, and the broker stops last.
    """
    workers = [unit.name for unit in plan.units if unit.serves]
    graph: dict[str, list[str]] = {}
    for unit in plan.units:
        graph[unit.name] = [wait.unit for wait in unit.waits]
        if unit.uses_broker and not unit.serves:
            graph[unit.name] += workers
    return order.waves(order.without_cycles(graph, [unit.name for unit in plan.units if unit.begins]))


def _digest(plan: Plan) -> str:
    """SHA-256 of all that decides about the deployment: the plan, its files, users' code; no secret's content."""
    content = asdict(replace(plan, base=Path()))
    digest = hashlib.sha256(json.dumps(_relative(content, plan.base), sort_keys=True).encode())
    for unit in plan.units:
        files = [mount.source for mount in unit.mounts if not mount.secret and mount.content is None]
        if unit.image.build is not None:
            files += survey(unit.image.build, plan.secret_files).files.values()
        for file in files:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _relative(value: Any, base: Path) -> Any:
    """Paths as texts from the base, so that the same topology in another folder has the same digest."""
    if isinstance(value, Path):
        return str(value.relative_to(base)) if value.is_relative_to(base) else value.name
    if isinstance(value, Mapping):
        return {key: _relative(item, base) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_relative(item, base) for item in value]
    return value
