"""The stock actors by the name that a topology uses.

An actor's file says everything: it is called as the actor, with `_` for `-`, stands in the folder of its field, and
holds one class with a `NAME`. Files are read, not imported, and not before they are asked for.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

#: What a node of a topology is. An actor is part of the graph of events; the others serve it beside the graph, and each
#: has a section of that name in a topology, which is short for one actor.
Kind = Literal["actor", "broker", "registration", "titanic"]

#: Where the fields' folders are.
_FOLDER: Final = Path(__file__).parent
#: The line of a class that names the actor, and the one that says that it is no plain actor.
_NAMED: Final = re.compile(r'^    NAME(?:: [\w\[\]]+)? = "([a-z0-9-]+)"', re.MULTILINE)
_OF_KIND: Final = re.compile(r'^    KIND(?:: [\w\[\]]+)? = "([a-z-]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """An actor: `class_path` is `module:Class`, `extra` the extra of its distribution that it needs ("": none).

    `process` is what `python -m actorkit` runs in the place of the class, when that does not live in gevent's loop; the
    image of the runtime is enough for it. `package` and `version` are those of the distribution that published it, ""
    for a stock actor.
    """

    name: str
    class_path: str
    extra: str
    summary: str
    kind: Kind = "actor"
    process: str = ""
    package: str = ""
    version: str = ""


class Entries(Mapping[str, Entry]):
    """Entries by a word; `names` tells the actor's name by it. A file is parsed when its entry is asked for."""

    def __init__(self, names: Callable[[], Mapping[str, str]]) -> None:
        self._names = names

    def __repr__(self) -> str:
        return f"<Entries: {', '.join(self)}>"

    def __getitem__(self, word: str) -> Entry:
        return _entry(self._names()[word])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __contains__(self, word: object) -> bool:
        return word in self._names()


def file_of(name: str) -> Path:
    """The file of an actor.

    Raises:
        KeyError: there is no such actor.
    """
    return _files()[name]


@cache
def _files() -> dict[str, Path]:
    """Name → file, in alphabetical order."""
    found: dict[str, Path] = {}
    for path in _FOLDER.glob("*/*.py"):
        named = _NAMED.search(path.read_text(encoding="utf-8"))
        if named is not None:
            found[named[1]] = path
    return dict(sorted(found.items()))


@cache
def _names() -> dict[str, str]:
    """Name → name: the words of the catalogue are the names themselves."""
    return {name: name for name in _files()}


@cache
def _kinds() -> dict[str, str]:
    """Kind → name, of those beside the graph, in the order of `Kind`."""
    found: dict[str, str] = {}
    for name, path in _files().items():
        kind = _OF_KIND.search(path.read_text(encoding="utf-8"))
        if kind is not None:
            found[kind[1]] = name
    return {kind: found[kind] for kind in get_args(Kind) if kind in found}


@cache
def _entry(name: str) -> Entry:
    path = _files()[name]
    module = ".".join((__package__ or "", path.parent.name, path.stem))
    for declared in declarations(path.read_text(encoding="utf-8")):
        if declared.said.get("NAME") == name:
            said = declared.said
            kind: Kind = next((kind for kind in get_args(Kind) if kind == said.get("KIND")), "actor")
            return Entry(
                name=name,
                class_path=f"{module}:{declared.name}",
                extra=said.get("EXTRA", ""),
                summary=declared.summary,
                kind=kind,
                process=said.get("PROCESS", ""),
            )
    raise KeyError(name)


@dataclass(frozen=True)
class Declared:
    """What a class says of itself in words: its name, its docstring, and the texts among its attributes."""

    name: str
    doc: str
    said: Mapping[str, str]

    @property
    def summary(self) -> str:
        """The first line of the docstring, as a part of a sentence that ends elsewhere."""
        return self.doc.partition("\n")[0].removesuffix(".")


def declarations(source: str) -> Iterator[Declared]:
    """The classes of a Python file, unimported.

    Raises:
        SyntaxError: it is no Python.
    """
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            yield Declared(node.name, ast.get_docstring(node) or "", dict(_texts(node)))


def _texts(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Attribute → value, of those that are a text written down."""
    for statement in node.body:
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else []
        value = statement.value if isinstance(statement, ast.AnnAssign | ast.Assign) else None
        if isinstance(statement, ast.Assign):
            targets = [target for target in statement.targets if isinstance(target, ast.Name)]
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield from ((target.id, value.value) for target in targets if isinstance(target, ast.Name))


#: Name → entry, in alphabetical order.
CATALOGUE: Final[Mapping[str, Entry]] = Entries(_names)

#: Kind → the entry that a section of that name in a topology stands for.
SERVERS: Final[Mapping[str, Entry]] = Entries(_kinds)
