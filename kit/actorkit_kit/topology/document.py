"""Documents: a topology as it was written, with the place of everything in it.

A YAML file and a Director give the same: plain mappings, lists, texts and numbers. Only a file has places.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

#: Where something is in a document: keys and, in lists, indexes.
Path = tuple[str | int, ...]

#: Line and column, from 1; (0, 0) when they are not known.
Place = tuple[int, int]

#: The most values that a file may have after its aliases are resolved.
MAX_VALUES: Final = 100_000

_STANDARD: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Document:
    """What was written. `label` names the document in messages, `base` is the folder that its paths start from.

    `mistakes` are those of the writing itself: place, path and message.
    """

    label: str
    base: FilePath
    data: Any
    values: Mapping[Path, Place] = field(default_factory=dict)
    keys: Mapping[Path, Place] = field(default_factory=dict)
    mistakes: tuple[tuple[Path, Place, str], ...] = ()

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Where the value (or the key) at that path stands, or its nearest ancestor."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, (0, 0))


def parse(text: str, label: str, base: FilePath) -> Document:
    """Read YAML 1.2. Never fails: what cannot be read is among the mistakes."""
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Document(label, base, None, mistakes=(((), place, _syntax(text, exc, place[0])),))
    except YAMLError as exc:
        return Document(label, base, None, mistakes=(((), (1, 1), f"this is not YAML: {_one_line(str(exc))}"),))
    reader = _Reader(yaml)
    data = reader.read(root, ()) if root is not None else None
    return Document(label, base, data, reader.values, reader.keys, tuple(reader.mistakes))


def _syntax(text: str, exc: MarkedYAMLError, line: int) -> str:
    lines = text.splitlines()
    written = lines[line - 1].strip() if line <= len(lines) else ""
    message = f"this is not YAML: {_one_line(exc.problem or str(exc))}"
    if "->" in written and written.lstrip("- ").startswith("["):
        return f'{message}. Put the connection in quotes: - "{written.removeprefix("-").strip()}"'
    if "\t" in (exc.problem or "") or "\\t" in (exc.problem or ""):
        return f"{message}. Indent with blanks, not with tabs."
    return f"{message}. Correct the line, or put the text in quotes."


def _one_line(text: str) -> str:
    return " ".join(text.split())


class _Reader:
    """Turns YAML nodes into plain values and notes where each of them stands."""

    def __init__(self, yaml: YAML) -> None:
        self._constructor = yaml.constructor
        self._open: set[int] = set()
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.mistakes: list[tuple[Path, Place, str]] = []

    def read(self, node: Node, path: Path) -> Any:
        self.values[path] = _place(node)
        if id(node) in self._open or len(self.values) > MAX_VALUES:
            return self._mistake(node, path, "this alias makes the file endless. Write the value out.")
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == f"{_STANDARD}merge":
                sources = value.value if isinstance(value, SequenceNode) else [value]
                for source in sources:
                    content = self.read(source, path)
                    merged = {**(content if isinstance(content, dict) else {}), **merged}
                continue
            if not isinstance(key, ScalarNode):
                self._mistake(key, path, "a key must be a text. Write it as name: value.")
                continue
            name = str(key.value)
            if name in found:
                first = self.keys[(*path, name)][0]
                message = f'the key "{name}" stands here twice, first in line {first}. Remove one of them.'
                self._mistake(key, (*path, name), message)
                continue
            self.keys[(*path, name)] = _place(key)
            found[name] = self.read(value, (*path, name))
        self.values[path] = _place(node)
        return {**merged, **found}

    def _scalar(self, node: Node, path: Path) -> Any:
        kind = str(node.tag).removeprefix(_STANDARD)
        if kind not in ("str", "int", "float", "bool", "null", "timestamp"):
            return self._mistake(node, path, f'the tag "{node.tag}" is not known here. Remove it.')
        if kind in ("str", "timestamp"):
            return str(node.value)
        value = self._constructor.construct_object(node)
        if isinstance(value, float) and not math.isfinite(value):
            return self._mistake(node, path, "this is not a finite number. Write another.")
        return value

    def _mistake(self, node: Node, path: Path, message: str) -> None:
        self.mistakes.append((path, _place(node), message))


def _place(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1
