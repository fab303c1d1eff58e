"""The sections `actors`, `secrets` and `defaults` of a topology, and the sections that are short for one server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from actorkit.settings import CLASS_PATH, DRAIN_TIMEOUT_S, VARIABLES
from actorkit_actors.catalogue import SERVERS, Kind
from actorkit_kit import requirements
from actorkit_kit.classes import known
from actorkit_kit.classes.known import entry_of, is_stock
from actorkit_kit.files import is_folder
from actorkit_kit.topology import egress, scaling, shape
from actorkit_kit.topology.findings import Findings, suggest
from actorkit_kit.topology.kinds import Key, Text, bad_name, type_words
from actorkit_kit.topology.model import (
    BOX,
    BROKER,
    DEFAULT_REPLICAS,
    LISTENING,
    USER_VARIABLES,
    Exposure,
    Node,
    Resources,
    Secret,
)
from actorkit_kit.topology.section import Section

#: Parameters that hold a port have underscores, and names of exposures may be theirs.
_PORT_NAME: Final = re.compile(r"[a-z]([a-z0-9_-]{0,38}[a-z0-9])?\Z")


@dataclass(frozen=True)
class _Shared:
    """What `defaults` may say for all."""

    env: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    drain_timeout_s: float = DRAIN_TIMEOUT_S


class ActorSections:
    """Reads the nodes of one document."""

    def __init__(self, root: Section, base: Path) -> None:
        self._root = root
        self._findings: Findings = root.findings
        self._base = base
        defaults = root.section(shape.DEFAULTS)
        defaults.check_keys(shape.IN_DEFAULTS)
        self._defaults = _Shared(**self._shared_keys(defaults, _Shared()))

    def nodes(self) -> dict[str, Node]:
        """Every actor whose name and class are usable; with its mistakes taken out."""
        found = {}
        for name, section in self._root.sections(shape.ACTORS):
            section.check_keys(shape.ACTOR)
            if self._is_taken(name, section):
                continue
            node = self._node(name, section)
            if node is not None:
                found[name] = node
        return found | self._servers()

    def _is_taken(self, name: str, section: Section) -> bool:
        """Whether the name is another's, which is noted."""
        if name in SERVERS and name in self._root.content:
            message = f'there is a section "{name}:", which is short for an actor of that name. Remove one of them.'
        elif name == BROKER and entry_of(str(section.content.get("uses"))) is not SERVERS["broker"]:
            message = 'the name "broker" is the broker\'s own. Choose another.'
        elif name == BOX and entry_of(str(section.content.get("uses"))) is not SERVERS[BOX]:
            message = 'the name "dead-letters" is the dead-letter box\'s own. Choose another.'
        else:
            return False
        self._findings.add(section.location, message, key=True)
        return True

    def _servers(self) -> dict[str, Node]:
        """What the sections stand for."""
        return {kind: self.server(kind) for kind in SERVERS if kind in self._root.content}

    def server(self, kind: str) -> Node:
        """The actor that a section of that name is short for, also when the section is not there."""
        entry = SERVERS[kind]
        section = self._root.section(shape.SECTIONS[kind])
        keys = shape.SERVER[entry.kind]
        section.check_keys(keys)
        return Node(
            name=kind,
            uses=entry.name,
            class_path=entry.class_path,
            params=self._params(section, entry.kind),
            replicas=section.value(shape.REPLICAS) if shape.REPLICAS in keys.keys else DEFAULT_REPLICAS,
            expose=self._exposures(section) if shape.EXPOSE in keys.keys else (),
            kind=entry.kind,
            location=section.location,
            **self._shared_keys(section, self._defaults),
        )

    def _params(self, section: Section, kind: Kind) -> dict[str, Any]:
        """The parameters as written. A server that listens is told that the topology may be in the clear."""
        given = section.mapping(shape.PARAMS)
        return {"clear": True, **given} if kind in LISTENING and self._root.value(shape.CLEAR) else given

    def _node(self, name: str, section: Section) -> Node | None:
        if shape.USES.name in section.content and shape.USES not in section:
            section.add("uses", 'this is nothing: in YAML null is no text. Write uses: "null" for the actor null.')
            return None
        uses = section.value(shape.USES)
        class_path = self._class_path(section, uses) if uses else ""
        entry = entry_of(uses)
        build = self._folder(section)
        collision = known.collision(uses)
        if collision:
            section.add("uses", collision)
        if class_path and entry is None and not is_stock(class_path) and shape.BUILD not in section:
            section.add("uses", f'where is the code of "{uses}"? Add build: with the folder that holds it.')
            class_path = ""
        scale = scaling.read(section)
        node = Node(
            name=name,
            uses=uses,
            class_path=class_path,
            params=self._params(section, entry.kind if entry else "actor"),
            replicas=section.value(shape.REPLICAS, max(scale.least, DEFAULT_REPLICAS) if scale else DEFAULT_REPLICAS),
            scale=scale,
            build=build,
            expose=self._exposures(section),
            egress=section.value(shape.EGRESS) or egress.read(section, shape.EGRESS.name),
            kind=entry.kind if entry else "actor",
            location=section.location,
            **self._shared_keys(section, self._defaults),
        )
        return node if class_path and (build or entry or is_stock(class_path)) else None

    def _class_path(self, section: Section, uses: str) -> str:
        entry = entry_of(uses)
        if entry is not None:
            return entry.class_path
        if ":" not in uses:
            section.add("uses", f'there is no actor "{uses}" in the catalogue. {suggest(uses, known.names())}')
        elif not CLASS_PATH.match(uses):
            section.add("uses", f'"{uses}" is not a class. Write it as package.module:Class.')
        else:
            return uses
        return ""

    def _folder(self, section: Section) -> Path | None:
        given = section.value(shape.BUILD)
        if not given:
            if section.content.get(shape.BUILD.name) == "":
                section.add("build", "this is empty. Name the folder with the code of the actor.")
            return None
        folder = self._base / given
        if not is_folder(folder):
            section.add("build", f'there is no folder "{given}". Paths start from the folder of the topology.')
            return None
        folder = folder.resolve()
        for message in requirements.mistakes(folder):
            section.add("build", message)
        return folder

    def secrets(self) -> dict[str, Secret]:
        """The declared secrets."""
        found = {}
        for name, section in self._root.sections(shape.SECRETS):
            section.check_keys(shape.SECRET)
            file, variable = section.value(shape.SECRET_FILE), section.value(shape.SECRET_VARIABLE)
            if bool(file) == bool(variable):
                message = "a secret comes from a file or from a variable. Give file: or env:."
                self._findings.add(section.location, message)
            elif variable and not shape.VARIABLE.match(variable):
                section.add("env", f'"{variable}" is not the name of a variable. Write letters, digits and _.')
            found[name] = Secret(name, self._base / file if file else None, variable)
        return found

    def _exposures(self, section: Section) -> tuple[Exposure, ...]:
        found = []
        for name, value in section.mapping(shape.EXPOSE).items():
            location = (*section.location, shape.EXPOSE.name, name)
            if not _PORT_NAME.match(name):
                self._findings.add(location, bad_name(name), key=True)
            elif isinstance(value, dict):
                exposure = _exposure(name, Section(self._findings, location, value))
                found += [exposure] if exposure.port else []
            elif isinstance(value, int) and not isinstance(value, bool):
                mistake = shape.PORT.kind.mistake(value)
                if mistake:
                    self._findings.add(location, mistake)
                else:
                    found.append(Exposure(name, value))
            else:
                todo = "Write the port on the host, or {port: 8080, public: true}."
                self._findings.add(location, f"this is {type_words(value)}. {todo}")
        return tuple(found)

    def _shared_keys(self, section: Section, defaults: _Shared) -> dict[str, Any]:
        resources = section.section(shape.RESOURCES)
        resources.check_keys(shape.IN_RESOURCES)
        return {
            "env": {**defaults.env, **self._env(section)},
            "resources": Resources(
                resources.value(shape.MEMORY, defaults.resources.memory_mb),
                resources.value(shape.CPU, defaults.resources.cpus),
            ),
            "drain_timeout_s": section.value(shape.DRAIN, defaults.drain_timeout_s),
        }

    def _env(self, section: Section) -> Mapping[str, str]:
        inner = section.section(shape.ENV)
        found = {}
        for name in inner.content:
            if not shape.VARIABLE.match(name):
                inner.add(name, f'"{name}" is not the name of a variable. Write letters, digits and _.')
            elif name in VARIABLES and name not in USER_VARIABLES:
                inner.add(name, f"{name} follows from the topology. Remove it.")
            elif name.startswith("ACTORKIT_") and name not in VARIABLES:
                inner.add(name, f"{name} is not a variable of the runtime. {suggest(name, USER_VARIABLES)}")
            else:
                found[name] = inner.value(Key(name, Text(), "a variable"))
        return found


def _exposure(name: str, section: Section) -> Exposure:
    """A port that is written in its long form."""
    section.check_keys(shape.EXPOSURE)
    found = Exposure(
        name,
        section.value(shape.PORT),
        section.value(shape.PUBLIC),
        section.value(shape.HOST),
        section.value(shape.PATH),
        section.value(shape.TLS),
        section.value(shape.GATEWAY),
    )
    for key in (shape.PATH, shape.TLS, shape.GATEWAY):
        if key in section and shape.HOST not in section:
            section.add(key.name, f"{key.name}: is of no use without host:. Add the host's name, as shop.example.")
    if found.tls and found.gateway:
        section.add("tls", "a Gateway has the certificates of its hosts itself. Remove tls: or gateway:.")
    return found
