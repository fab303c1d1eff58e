"""Documents: a topology as it was written, with the place of everything in it.

A YAML file and a Director give the same: plain mappings, lists, texts and numbers. Only a file has places.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from actorkit_kit.bounds import (
    HALF_A_PAIR,
    MAX_DEPTH,
    MAX_INTEGER,
    MAX_VALUES,
    NOT_FINITE,
    TOO_DEEP,
    TOO_LARGE,
)
from actorkit_kit.topology.location import Location, Place

_STANDARD: Final = "tag:yaml.org,2002:"
#: Tags of texts. Plain `=` and `<<` in the place of a value, and dates, are texts in YAML 1.2.
_TEXTS: Final = ("str", "timestamp", "value", "merge")


@dataclass(frozen=True)
class Document:
    """What was written. `label` names the document in messages, `base` is the folder that its paths start from.

    `mistakes` are the places where the text itself is wrong: location, place and message. `unreadable` are the
    locations of values that could not be read; None stands there. `laid`: location → where the value that stands there
    was written, when that is elsewhere (`targets`).
    """

    label: str
    base: Path
    data: Any
    values: Mapping[Location, Place] = field(default_factory=dict)
    keys: Mapping[Location, Place] = field(default_factory=dict)
    mistakes: tuple[tuple[Location, Place, str], ...] = ()
    unreadable: frozenset[Location] = frozenset()
    laid: Mapping[Location, Location] = field(default_factory=dict)

    def written(self, location: Location) -> Location:
        """Where the value at a location was written."""
        for length in range(len(location), 0, -1):
            source = self.laid.get(location[:length])
            if source is not None:
                return (*source, *location[length:])
        return location

    def place(self, location: Location, *, key: bool = False) -> Place:
        """Where the value (or the key) at that location stands, or its nearest ancestor."""
        if key and location in self.keys:
            return self.keys[location]
        while location and location not in self.values:
            location = location[:-1]
        return self.values.get(location, (0, 0))

    def is_readable(self, location: Location) -> bool:
        """Whether what stands there could be read, and what it is a part of."""
        return not self.unreadable or not any(
            location[:length] in self.unreadable for length in range(1, len(location) + 1)
        )


def parse(text: str, label: str, base: Path) -> Document:
    """Read YAML 1.2. Never fails: what cannot be read is among the mistakes."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _BoundedComposer
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Document(label, base, None, mistakes=(((), place, _syntax(text, exc, place[0])),))
    except ReaderError as exc:
        before = text[: exc.position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"no YAML file may hold the character U+{exc.character:04X}. Remove it, or write it as an escape."
        return Document(label, base, None, mistakes=(((), place, message),))
    except Exception as exc:  # noqa: BLE001 - not only YAMLError: "\UFFFFFFFF" is chr()'s OverflowError
        return Document(label, base, None, mistakes=(((), (1, 1), f"this is not YAML: {_one_line(str(exc))}"),))
    reader = _Reader(yaml)
    data = reader.read(root, ()) if root is not None else None
    return Document(label, base, data, reader.values, reader.keys, tuple(reader.mistakes), frozenset(reader.unreadable))


def _syntax(text: str, exc: MarkedYAMLError, line: int) -> str:
    if exc.problem == TOO_DEEP:
        return TOO_DEEP
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


class _BoundedComposer(Composer):
    """Composes nodes down to `MAX_DEPTH`: ruamel.yaml's own composer recurses until Python has had enough."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        #: An anchor may stand twice (YAML 1.2.2 § 7.1): an alias means the latest.
        self.warn_double_anchors = False
        self._nested = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._nested += 1
        try:
            if self._nested > MAX_DEPTH:
                raise ComposerError(None, None, TOO_DEEP, self.parser.peek_event().start_mark)
            return super().compose_node(parent, index)
        finally:
            self._nested -= 1


class _Reader:
    """Turns YAML nodes into plain values and notes where each of them stands."""

    def __init__(self, yaml: YAML) -> None:
        self._constructor = yaml.constructor
        self._open: set[int] = set()
        self.values: dict[Location, Place] = {}
        self.keys: dict[Location, Place] = {}
        self.mistakes: list[tuple[Location, Place, str]] = []
        self.unreadable: set[Location] = set()
        self._told: set[tuple[Place, str]] = set()
        self._read = 0

    def read(self, node: Node, location: Location) -> Any:
        self.values[location] = _place(node)
        self._read += 1
        if id(node) in self._open:
            return self._unreadable(node, location, "this alias makes the file endless. Write the value out.")
        if len(self._open) >= MAX_DEPTH:
            return self._unreadable(node, location, TOO_DEEP)
        if self._read > MAX_VALUES:
            return self._too_many(node, location)
        self._open.add(id(node))
        try:
            wanted = "map" if isinstance(node, MappingNode) else "seq" if isinstance(node, SequenceNode) else ""
            if wanted and node.tag != f"{_STANDARD}{wanted}":
                return self._unreadable(node, location, f'the tag "{node.tag}" is not known here. Remove it.')
            if isinstance(node, MappingNode):
                return self._mapping(node, location)
            if isinstance(node, SequenceNode):
                return [self.read(item, (*location, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, location)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, location: Location) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == f"{_STANDARD}merge":
                sources = value.value if isinstance(value, SequenceNode) else [value]
                for source in sources:
                    if isinstance(source, MappingNode):
                        merged = {**(self.read(source, location) or {}), **merged}
                    else:
                        self._mistake(source, location, "only a mapping can be merged. Name one: <<: *anchor.")
                continue
            if not isinstance(key, ScalarNode):
                self._mistake(key, location, "a key must be a text. Write it as name: value.")
                continue
            name = self._text(key, location)
            if name is None:
                continue
            if name in found:
                first = self.keys[(*location, name)][0]
                message = f'the key "{name}" stands here twice, first in line {first}. Remove one of them.'
                self._mistake(key, (*location, name), message)
                continue
            self.keys[(*location, name)] = _place(key)
            found[name] = self.read(value, (*location, name))
        self.values[location] = _place(node)
        return {**merged, **found}

    def _scalar(self, node: Node, location: Location) -> Any:
        kind = str(node.tag).removeprefix(_STANDARD)
        if kind not in ("int", "float", "bool", "null", *_TEXTS):
            return self._unreadable(node, location, f'the tag "{node.tag}" is not known here. Remove it.')
        if kind in _TEXTS:
            text = self._text(node, location)
            if text is None:
                self.unreadable.add(location)
            return text
        try:
            value = self._constructor.construct_object(node)
        except (YAMLError, ValueError, ArithmeticError, LookupError):
            written = str(node.value)
            shown = written if len(written) <= 40 else f"{written[:40]}…"
            return self._unreadable(node, location, f'"{shown}" is no {kind} that can be read. Correct it.')
        if isinstance(value, float) and not math.isfinite(value):
            return self._unreadable(node, location, NOT_FINITE)
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            return self._unreadable(node, location, TOO_LARGE)
        return value

    def _text(self, node: Node, location: Location) -> str | None:
        """A text. JSON, which is YAML, writes a character beyond U+FFFF as two escapes, a surrogate pair."""
        text = str(node.value)
        try:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            self._mistake(node, location, HALF_A_PAIR)
            return None

    def _too_many(self, node: Node, location: Location) -> None:
        message = (
            f"the file has more than {MAX_VALUES} values, aliases resolved. Divide it, or write no endless aliases."
        )
        self.unreadable.add(location)
        if not any(told == message for _, _, told in self.mistakes):
            self._mistake(node, location, message)

    def _unreadable(self, node: Node, location: Location, message: str) -> None:
        """Note a mistake that leaves nothing to be read."""
        self.unreadable.add(location)
        self._mistake(node, location, message)

    def _mistake(self, node: Node, location: Location, message: str) -> None:
        """Note a mistake; once, where many aliases lead to it."""
        told = (_place(node), message)
        if told not in self._told:
            self._told.add(told)
            self.mistakes.append((location, *told))


def _place(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1
