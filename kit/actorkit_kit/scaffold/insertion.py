"""A topology file with one more actor in it: a few lines are changed, all others stay byte for byte.

ruamel.yaml tells where everything stands. Whoever writes the new text has it read and checked again first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from actorkit.graph import parse_box
from actorkit_kit.errors import UsageError
from actorkit_kit.topology.findings import suggest

_ARROW: Final = "->"


@dataclass(frozen=True)
class _Edit:
    """Text that takes the place of what stands between two offsets."""

    begin: int
    end: int
    text: str


class Insertion:
    """The text of a topology without mistakes, into which an actor is put.

    Raises:
        UsageError: its actors do not have a line each, or one has that name.
    """

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._edits: list[_Edit] = []
        self._root: Node = YAML(typ="safe", pure=True).compose(text)
        actors = _value(self._root, "actors")
        if not isinstance(actors, MappingNode) or _is_flow(self._root) or _is_flow(actors):
            raise UsageError("actors: is not written with a line for each. Write it so, or add the actor by hand.")
        self._actors: list[tuple[Node, Node]] = actors.value
        if name in self._names:
            raise UsageError(f'the topology has an actor "{name}" already. Choose another name.')

    @property
    def _names(self) -> list[str]:
        return [key.value for key, _ in self._actors]

    def put_actor(self, entry: Mapping[str, str]) -> None:
        """Add the actor as the last one."""
        key, last = self._actors[-1]
        indent = " " * key.start_mark.column
        lines = [f"{indent}{self._name}:", *(f"{indent}  {name}: {value}" for name, value in entry.items())]
        self._put_after(last, lines)

    def put_after(self, box: str) -> None:
        """Lead what an actor sends, or puts into one outbox, through the new one: `auth -> web` becomes
        `auth -> place -> web`. Where it goes nowhere, the new actor is its end.

        Raises:
            UsageError: there is no such actor, or a connection cannot be divided.
        """
        self._check_box(box)
        connections = _value(self._root, "connections")
        if connections is None:
            self._put_after(self._root.value[-1][1], ["", "connections:", f"  - {box} {_ARROW} {self._name}"])
            return
        if not isinstance(connections, SequenceNode) or _is_flow(connections):
            raise UsageError("connections: is not written with a line for each. Write it so, or connect it by hand.")
        reached = [self._lead_through(item, box) for item in connections.value]
        if not any(reached):
            last = connections.value[-1]
            dash = self._text.rfind("-", 0, last.start_mark.index)
            indent = " " * (dash - self._text.rfind("\n", 0, dash) - 1)
            self._put_after(last, [f"{indent}- {box} {_ARROW} {self._name}"])

    def _check_box(self, box: str) -> None:
        try:
            actor = parse_box(box).actor
        except ValueError as exc:
            raise UsageError(f"--after: {exc}") from exc
        if actor not in self._names:
            raise UsageError(f'the topology has no actor "{actor}". {suggest(actor, self._names)}')

    def _lead_through(self, item: Node, box: str) -> bool:
        """Lead one connection through the new actor, if it comes from the box; whether it then leads to the new one."""
        if isinstance(item, MappingNode):
            self._lead_mapping(_value(item, "from"), box)
            return False
        stations = [part.strip() for part in item.value.split(_ARROW)]
        found: list[str] = []
        for number, station in enumerate(stations):
            found.append(station)
            if number < len(stations) - 1:
                self._refuse_beside(item, station.removeprefix("[").removesuffix("]").split(","), box)
                found += [self._name] if station == box else []
        if len(found) > len(stations):
            self._replace(item, f" {_ARROW} ".join(found))
        return len(found) > len(stations)

    def _lead_mapping(self, source: Node | None, box: str) -> None:
        """The same of a connection with options, which stay those of its second half."""
        if isinstance(source, ScalarNode) and source.value == box:
            self._replace(source, self._name)
        elif isinstance(source, SequenceNode):
            self._refuse_beside(source, [one.value for one in source.value], box)

    def _refuse_beside(self, node: Node, boxes: list[str], box: str) -> None:
        if len(boxes) > 1 and box in (one.strip() for one in boxes):
            line = node.start_mark.line + 1
            raise UsageError(f'line {line}: "{box}" stands beside others there. Give it a connection of its own first.')

    def _replace(self, node: Node, text: str) -> None:
        quote = getattr(node, "style", None) or ""
        self._edits.append(_Edit(node.start_mark.index, node.end_mark.index, f"{quote}{text}{quote}"))

    def _put_after(self, node: Node, lines: list[str]) -> None:
        """Add lines after the one on which a value ends."""
        end = self._text.find("\n", max(_ends(node)))
        at = len(self._text) if end < 0 else end
        self._edits.append(_Edit(at, at, "".join(f"\n{line}" for line in lines)))

    def text(self) -> str:
        """The whole new text."""
        text = self._text
        in_order = sorted(self._edits, key=lambda edit: edit.begin)  # those of one place as they came
        for edit in reversed(in_order):
            text = text[: edit.begin] + edit.text + text[edit.end :]
        return text if text.endswith("\n") else f"{text}\n"


def _value(node: Node, name: str) -> Node | None:
    """The value of a key; None where there is none, or nothing stands there."""
    pairs: list[tuple[Any, Any]] = node.value if isinstance(node, MappingNode) else []
    found = next((value for key, value in pairs if key.value == name), None)
    return None if isinstance(found, ScalarNode) and not found.value else found


def _is_flow(node: Node) -> bool:
    """Whether it stands in braces or brackets, or is empty."""
    return bool(getattr(node, "flow_style", False)) or not node.value


def _ends(node: Node) -> Iterator[int]:
    """Where the texts end that a node is made of: a block's own end is that of the blank lines and comments behind."""
    if isinstance(node, MappingNode) and not node.flow_style:
        for _, value in node.value:
            yield from _ends(value)
    elif isinstance(node, SequenceNode) and not node.flow_style:
        for value in node.value:
            yield from _ends(value)
    else:
        yield node.end_mark.index
