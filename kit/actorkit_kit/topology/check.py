"""Checks: a document becomes a topology, and every mistake in it a finding, all in one go."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from actorkit.errors import SettingsError
from actorkit.params import Problem, is_reference
from actorkit.transport import topology_keys
from actorkit_kit.classes import lookup
from actorkit_kit.classes.actor_class import ActorClass, ClassReply, ClassRequest
from actorkit_kit.classes.known import is_stock, out_of_reach
from actorkit_kit.errors import KitError
from actorkit_kit.files import is_file, is_folder
from actorkit_kit.topology import graph_check, scaling, server_check, shape, targets, values
from actorkit_kit.topology.actor_section import ActorSections
from actorkit_kit.topology.case import Case
from actorkit_kit.topology.case_section import CaseSection
from actorkit_kit.topology.connection_section import ConnectionSection
from actorkit_kit.topology.document import Document
from actorkit_kit.topology.findings import Finding, Findings
from actorkit_kit.topology.kinds import type_words
from actorkit_kit.topology.location import Location
from actorkit_kit.topology.model import BOX, BROKER, LOCAL, ON_NETWORKS, TARGETS, Node, Topology, secret_of
from actorkit_kit.topology.section import Section


@dataclass(frozen=True)
class Checked:
    """A topology and what was found; it can be used only when there are no findings. `classes`: actor → its class.

    `on_networks` are mistakes where other machines may be between its instances: in all targets but `kit run`. `unset`
    are variables with secrets that are not set: nothing can be started here and now, but all else can be done. `tests`
    are those that stand in the topology itself.
    """

    topology: Topology
    classes: Mapping[str, ActorClass]
    findings: tuple[Finding, ...] = ()
    on_networks: tuple[Finding, ...] = ()
    unset: tuple[Finding, ...] = ()
    tests: tuple[Case, ...] = ()


def check(document: Document, target: str = "") -> Checked:
    """Find every mistake of a topology in a target; without one, of what holds in all that say nothing else.

    Never fails on a document, whatever stands in it.
    """
    document = targets.for_target(document, target)
    findings = Findings(document)
    for location, place, message in document.mistakes:
        findings.put(location, place, message)
    if not isinstance(document.data, dict):
        if not document.mistakes:
            message = (
                f"this is {type_words(document.data)}, not a topology. Begin with name:, actors: and connections:."
            )
            findings.add((), message)
        return Checked(Topology("", document.base, {}), {}, tuple(findings))
    if not values.check_values(findings, document):
        return Checked(Topology("", document.base, {}), {}, tuple(findings))
    root = Section(findings, (), document.data)
    root.check_keys(shape.TOPOLOGY)
    targets.check(root)
    name = root.value(shape.NAME)
    if not root.mapping(shape.ACTORS):
        findings.add(("actors",), f"there are no actors. {shape.ACTORS.required}")
    sections = ActorSections(root, document.base)
    nodes, secrets = sections.nodes(), sections.secrets()
    connections = ConnectionSection(findings, root.mapping(shape.ACTORS)).read(document.data.get("connections"))
    keys = _keys_secret(root)
    topology = Topology(
        name=name,
        base=document.base,
        actors=nodes,
        connections=tuple(connections),
        secrets=secrets,
        keys=keys,
        clear=root.value(shape.CLEAR),
        secret_files=targets.secret_files(document),
    )
    if keys:
        _keys(findings, topology)
    classes, named_outboxes = _classes(findings, topology)
    broker = server_check.missing_broker(topology, classes)
    if broker is not None:
        topology = replace(topology, actors={**nodes, BROKER: replace(sections.server("broker"), location=broker)})
        classes |= _classes(findings, replace(topology, actors={BROKER: topology.actors[BROKER]}))[0]
    topology = _with_box(topology, sections, target)
    classes = {name: known for name, known in classes.items() if name in topology.actors}
    if BOX in topology.actors and BOX not in classes:
        classes |= _classes(findings, replace(topology, actors={BOX: topology.actors[BOX]}))[0]
    _ports(findings, topology)
    for node in topology.actors.values():
        values.check_sizes(findings, node)
    graph_check.check(findings, topology, classes, connections)
    scaling.check(findings, topology, classes)
    graph_check.check_named_outboxes(findings, topology, named_outboxes)
    on_networks = Findings(document)
    server_check.check(findings, on_networks, topology, classes)
    for node in topology.actors.values():
        if node.build is None and out_of_reach(node.class_path):
            on_networks.add((*node.location, "uses"), out_of_reach(node.class_path))
    unset = Findings(document)
    _variables(unset, topology)
    tests = CaseSection(topology, classes, document.base).read(root)
    return Checked(topology, classes, tuple(findings), tuple(on_networks), tuple(unset), tests)


def _with_box(topology: Topology, sections: ActorSections, target: str) -> Topology:
    """The topology with its dead-letter box, which need not be written down. `kit run` has none."""
    boxes = [name for name, node in topology.actors.items() if node.kind == BOX]
    if target == LOCAL:
        others = {name: node for name, node in topology.actors.items() if name not in boxes}
        return replace(topology, actors=others)
    if target not in ON_NETWORKS or boxes or not server_check.can_have_letters(topology):
        return topology
    return replace(topology, actors={**topology.actors, BOX: sections.server(BOX)})


def check_all(document: Document) -> tuple[Finding, ...]:
    """Every mistake in every target, in the order of the file. A mistake of some targets alone tells which."""
    if not targets.has_targets(document):
        checked = check(document)
        return tuple(sorted({*checked.findings, *checked.on_networks, *checked.unset}))
    found: dict[Finding, list[str]] = defaultdict(list)
    for target in TARGETS:
        checked = check(document, target)
        on_networks = checked.on_networks if target in ON_NETWORKS else ()
        for finding in {*checked.findings, *checked.unset, *on_networks}:
            found[finding].append(target)
    return tuple(sorted(_with_targets(finding, where) for finding, where in found.items()))


def _with_targets(finding: Finding, where: list[str]) -> Finding:
    if tuple(where) in (TARGETS, ON_NETWORKS) or finding.path.startswith(shape.TARGETS.name):
        return finding
    told = f"target{'s' if len(where) > 1 else ''} {' and '.join(where)}"
    return replace(finding, message=f"in the {told}: {finding.message}")


def _keys_secret(root: Section) -> str:
    if shape.KEYS not in root:
        return ""
    section = root.section(shape.KEYS)
    section.check_keys(shape.IN_KEYS)
    return section.value(shape.KEYS_SECRET)


def _keys(findings: Findings, topology: Topology) -> None:
    """See that the secret with the CURVE keys is there and holds a pair."""
    location: Location = ("keys", "secret")
    found = _secret(findings, topology, location, topology.keys)
    if "file" in found:
        try:
            topology_keys.read(Path(found["file"]))
        except SettingsError as exc:
            reason = exc.message.partition(", and ")[2] or exc.message
            findings.add(location, f'the secret "{topology.keys}" is of no use: {reason} Make one with kit keys.')


def _variables(unset: Findings, topology: Topology) -> None:
    """See that the variables are set that hold secrets which something uses."""
    values_given = (value for node in topology.actors.values() for value in node.params.values())
    used = {str(value["secret"]) for value in values_given if is_reference(value) and "secret" in value}
    for name in sorted({*used, topology.keys}):
        variable = secret_of(topology, name).variable
        if variable and variable not in os.environ:
            unset.add(("secrets", name, "env"), f"the variable {variable} is not set. Set it to the secret's content.")


def _ports(findings: Findings, topology: Topology) -> None:
    owners: dict[int, str] = {}
    for node in topology.actors.values():
        for exposure in node.expose:
            location: Location = (*node.location, "expose", exposure.name)
            if exposure.port in owners:
                message = f'port {exposure.port} is published by "{owners[exposure.port]}" already. Choose another.'
                findings.add(location, message)
            if exposure.host and node.kind != "actor":
                message = f'"{node.name}" speaks ZeroMQ, and a host\'s name leads to HTTP. Remove host:.'
                findings.add((*location, "host"), message)
            owners.setdefault(exposure.port, node.name)


def _classes(findings: Findings, topology: Topology) -> tuple[dict[str, ActorClass], dict[str, dict[Location, str]]]:
    """The classes of actors, and the outboxes that parameters name by the location where they do."""
    by_folder: dict[Path | None, list[Node]] = defaultdict(list)
    for node in topology.actors.values():
        by_folder[node.build].append(node)
    found, named = dict[str, ActorClass](), dict[str, dict[Location, str]]()
    for folder, nodes in by_folder.items():
        requests = [ClassRequest(node.class_path, _readable(findings, topology, node)) for node in nodes]
        try:
            descriptions = lookup.look_up(requests, folder)
        except KitError as exc:
            findings.add((*nodes[0].location, "uses"), str(exc))
            continue
        for node, description in zip(nodes, descriptions, strict=True):
            _judge(findings, node, description)
            if description.actor_class is not None:
                found[node.name] = description.actor_class
            for path, outbox in description.named_outboxes.items():
                named.setdefault(node.name, {})[(*node.location, "params", *_steps(path))] = outbox
    return found, named


def _readable(findings: Findings, topology: Topology, node: Node) -> dict[str, Any]:
    """The parameters, with the paths of files and secrets on this machine; a missing file is noted."""
    params = {}
    for name, value in node.params.items():
        params[name] = value
        if not is_reference(value):
            continue
        form, given = next(iter(value.items()))
        location: Location = (*node.location, "params", name, form)
        if not isinstance(given, str) or not given:
            findings.add(
                location, f"this is {type_words(given) if given != '' else 'empty'}. Write the name of a {form}."
            )
            params[name] = {"secret": ""}
        elif form == "file":
            params[name] = _file(findings, topology, location, given)
        elif form == "folder":
            params[name] = _folder(findings, topology, location, given)
        else:
            params[name] = _secret(findings, topology, location, given)
    return params


def _file(findings: Findings, topology: Topology, location: Location, given: str) -> dict[str, str]:
    path = topology.base / given
    if is_file(path):
        return {"file": str(path)}
    findings.add(location, f'there is no file "{given}". Paths start from the folder of the topology.')
    return {"secret": given}


def _folder(findings: Findings, topology: Topology, location: Location, given: str) -> dict[str, str]:
    path = topology.base / given
    if is_folder(path):
        return {"folder": str(path)}
    findings.add(location, f'there is no folder "{given}". Paths start from the folder of the topology.')
    return {"secret": given}


def _secret(findings: Findings, topology: Topology, location: Location, given: str) -> dict[str, str]:
    secret = secret_of(topology, given)
    if secret.file is None:
        return {"secret": given}
    if is_file(secret.file):
        return {"file": str(secret.file)}
    shown = secret.file.relative_to(topology.base) if secret.file.is_relative_to(topology.base) else secret.file
    todo = f'Write it there, or say under "secrets" where it is: {given}: {{file: …}} or {{env: …}}.'
    findings.add(location, f'the secret "{given}" has no file "{shown}". {todo}')
    return {"secret": given}


def _judge(findings: Findings, node: Node, description: ClassReply) -> None:
    if description.error and not _is_requirement(node, description.missing):
        where = f' in "{node.build.name}"' if node.build and description.missing else ""
        todo = "" if description.error.endswith("?") else f". {_todo(node)}"
        findings.add((*node.location, "uses"), f"{description.error}{where}{todo}")
    for fault in description.faults:
        findings.add((*node.location, "uses"), fault)
    for problem in description.problems:
        location: Location = (*node.location, "params", *_steps(problem.path))
        findings.add(location, _sentence(problem), key=problem.message.startswith("there is no"))


def _todo(node: Node) -> str:
    if is_stock(node.class_path):
        return "Install what the stock actors need: pip install 'actorkit[kit]'."
    return "Correct uses: or build:, or the code."


def _is_requirement(node: Node, missing: str) -> bool:
    """Whether the image may install a module that is missing here: then nothing is known about the class."""
    module = node.class_path.partition(":")[0]
    installs = node.build is not None and any(
        (node.build / name).is_file() for name in ("requirements.txt", "pyproject.toml")
    )
    return bool(missing) and installs and missing.partition(".")[0] != module.partition(".")[0]


def _sentence(problem: Problem) -> str:
    message = problem.message if problem.message.endswith((".", "?")) else f"{problem.message}."
    return f"{message} Add it." if message.endswith("is required.") else message


def _steps(path: str) -> Location:
    return tuple(int(index) if index else name for index, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", path))
