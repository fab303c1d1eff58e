"""The sections `actors`, `secrets` and `defaults` of a topology, and those that are short for one actor: `broker`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from actorkit.settings import VARIABLES
from actorkit_actors.catalogue import CATALOGUE, SERVERS, Kind
from actorkit_kit.classes.lookup import entry_of, is_stock
from actorkit_kit.topology.findings import Findings, suggest
from actorkit_kit.topology.model import BROKER, USER_VARIABLES, Exposure, Node, Resources, Secret
from actorkit_kit.topology.section import Section, bad_name, kind

ACTOR_KEYS: Final = ("uses", "params", "replicas", "build", "expose", "env", "resources", "drain_timeout_s")
SHARED_KEYS: Final = ("env", "resources", "drain_timeout_s")
#: Keys of the sections that are short for one actor.
SERVER_KEYS: Final[dict[Kind, tuple[str, ...]]] = {
    "broker": ("clear", "params", "replicas", "expose", *SHARED_KEYS),
    "registration": ("clear", "params", "replicas", "expose", *SHARED_KEYS),
    "titanic": ("params", "replicas", *SHARED_KEYS),
}
#: More instances than anyone means.
MAX_REPLICAS: Final = 1000

_CLASS_PATH: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*\Z")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class _Shared:
    """What `defaults` may say for all."""

    env: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    drain_timeout_s: float = 20.0


class ActorSections:
    """Reads the nodes of one document."""

    def __init__(self, root: Section, base: Path) -> None:
        self._root = root
        self._findings: Findings = root.findings
        self._base = base
        defaults = root.section("defaults")
        defaults.only(*SHARED_KEYS)
        self._defaults = _Shared(**self._shared(defaults, _Shared()))

    def nodes(self) -> dict[str, Node]:
        """Every actor whose name and class are usable; with its mistakes taken out."""
        found = {}
        for name, section in self._root.sections("actors"):
            section.only(*ACTOR_KEYS)
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
        elif name == BROKER and entry_of(section.text("uses")) is not SERVERS["broker"]:
            message = 'the name "broker" is the broker\'s own. Choose another.'
        else:
            return False
        self._findings.add(section.location, message, key=True)
        return True

    def _servers(self) -> dict[str, Node]:
        """What the sections stand for."""
        return {kind: self.server(kind) for kind in SERVERS if kind in self._root.content}

    def server(self, kind: str) -> Node:
        """The actor that a section of that name is short for, also without one."""
        entry = SERVERS[kind]
        section = self._root.section(kind)
        known = SERVER_KEYS[entry.kind]
        section.only(*known)
        params = section.mapping("params")
        return Node(
            name=kind,
            uses=entry.name,
            class_path=entry.class_path,
            params={**params, "clear": True} if "clear" in known and section.flag("clear") else params,
            replicas=section.integer("replicas", 1, least=1, most=MAX_REPLICAS),
            expose=self._exposures(section) if "expose" in known else (),
            kind=entry.kind,
            location=section.location,
            **self._shared(section, self._defaults),
        )

    def _node(self, name: str, section: Section) -> Node | None:
        if "uses" in section.content and "uses" not in section:
            section.add("uses", 'this is nothing: in YAML null is no text. Write uses: "null" for the actor null.')
            return None
        uses = section.text(
            "uses", required="Say what the actor is: a name from `kit actors`, or package.module:Class."
        )
        class_path = self._class_path(section, uses) if uses else ""
        entry = entry_of(uses)
        build = self._folder(section)
        if class_path and not is_stock(class_path) and "build" not in section:
            section.add("uses", f'where is the code of "{uses}"? Add build: with the folder that holds it.')
            class_path = ""
        node = Node(
            name=name,
            uses=uses,
            class_path=class_path,
            params=section.mapping("params"),
            replicas=section.integer("replicas", 1, least=1, most=MAX_REPLICAS),
            build=build,
            expose=self._exposures(section),
            kind=entry.kind if entry else "actor",
            location=section.location,
            **self._shared(section, self._defaults),
        )
        return node if class_path and (build or is_stock(class_path)) else None

    def _class_path(self, section: Section, uses: str) -> str:
        entry = entry_of(uses)
        if entry is not None:
            return entry.class_path
        if ":" not in uses:
            section.add("uses", f'there is no actor "{uses}" in the catalogue. {suggest(uses, CATALOGUE)}')
        elif not _CLASS_PATH.match(uses):
            section.add("uses", f'"{uses}" is not a class. Write it as package.module:Class.')
        else:
            return uses
        return ""

    def _folder(self, section: Section) -> Path | None:
        given = section.text("build")
        if not given:
            return None
        folder = (self._base / given).resolve()
        if not folder.is_dir():
            section.add("build", f'there is no folder "{given}". Paths start from the folder of the topology.')
            return None
        return folder

    def secrets(self) -> dict[str, Secret]:
        """The declared secrets."""
        found = {}
        for name, section in self._root.sections("secrets"):
            section.only("file", "env")
            file, variable = section.text("file"), section.text("env")
            if bool(file) == bool(variable):
                self._findings.add(
                    section.location, "a secret comes from a file or from a variable. Give file: or env:."
                )
            elif variable and not _VARIABLE.match(variable):
                section.add("env", f'"{variable}" is not the name of a variable. Write letters, digits and _.')
            found[name] = Secret(name, self._base / file if file else None, variable)
        return found

    def _exposures(self, section: Section) -> tuple[Exposure, ...]:
        found = []
        for name, value in section.mapping("expose").items():
            location = (*section.location, "expose", name)
            if not re.match(r"[a-z]([a-z0-9_-]{0,38}[a-z0-9])?\Z", name):
                self._findings.add(location, bad_name(name), key=True)
                continue
            if isinstance(value, int) and not isinstance(value, bool):
                value = {"port": value}
                inner = Section(self._findings, location[:-1], {name: value["port"]})
                port = inner.integer(name, 0, least=1, most=65535)
                found += [Exposure(name, port)] if port else []
            elif isinstance(value, dict):
                inner = Section(self._findings, location, value)
                inner.only("port", "public")
                port = inner.integer("port", 0, least=1, most=65535)
                if "port" not in inner:
                    self._findings.add(location, '"port" is missing. Write the port on the host.')
                found += [Exposure(name, port, inner.flag("public"))] if port else []
            else:
                message = f"this is {kind(value)}. Write the port on the host, or {{port: 8080, public: true}}."
                self._findings.add(location, message)
        return tuple(found)

    def _shared(self, section: Section, defaults: _Shared) -> dict[str, Any]:
        inner = section.section("resources")
        inner.only("memory_mb", "cpus")
        return {
            "env": {**defaults.env, **self._env(section)},
            "resources": Resources(
                inner.integer("memory_mb", defaults.resources.memory_mb, least=16, most=1 << 20),
                inner.number("cpus", defaults.resources.cpus, above=0),
            ),
            "drain_timeout_s": section.number("drain_timeout_s", defaults.drain_timeout_s, above=0),
        }

    def _env(self, section: Section) -> Mapping[str, str]:
        inner = section.section("env")
        found = {}
        for name in inner.content:
            if not _VARIABLE.match(name):
                inner.add(name, f'"{name}" is not the name of a variable. Write letters, digits and _.')
            elif name in VARIABLES and name not in USER_VARIABLES:
                inner.add(name, f"{name} follows from the topology. Remove it.")
            elif name.startswith("ACTORKIT_") and name not in VARIABLES:
                inner.add(name, f"{name} is not a variable of the runtime. {suggest(name, USER_VARIABLES)}")
            else:
                found[name] = inner.text(name)
        return found
