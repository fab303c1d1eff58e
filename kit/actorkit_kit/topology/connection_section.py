"""The section `connections`: chains of boxes, and connections with options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from actorkit.graph import RESERVED, Box, Connection, Delivery, Options, connect, hidden, parse_box
from actorkit_kit.topology import shape
from actorkit_kit.topology.findings import Findings, path_text, suggest
from actorkit_kit.topology.kinds import type_words
from actorkit_kit.topology.location import Location
from actorkit_kit.topology.section import Section

_ARROW: Final = "->"
_FORM: Final = '"web -> auth -> web", "a.error, b.error -> web" or {from: a, to: b, window: 64}'


class ConnectionSection:
    """Reads the connections of one document. `actors` are all names that the document gives to actors."""

    def __init__(self, findings: Findings, actors: Iterable[str]) -> None:
        self._findings = findings
        self._actors = frozenset(actors)
        self._found: dict[Connection, Location] = {}
        self._ends: dict[str, Location] = {}

    def read(self, content: Any) -> dict[Connection, Location]:
        """Every connection whose boxes exist, and where it stands."""
        if content is None:
            return {}
        if not isinstance(content, list):
            message = f"this is {type_words(content)}, not a list. Write a line each: - {_FORM}."
            self._findings.add(("connections",), message)
            return {}
        for index, item in enumerate(content):
            location: Location = ("connections", index)
            if isinstance(item, str):
                self._chain(location, item)
            elif isinstance(item, dict):
                self._mapping(location, item)
            else:
                self._findings.add(location, f"this is {type_words(item)}. Write a connection as {_FORM}.")
        return self._found

    def _chain(self, location: Location, text: str) -> None:
        stations = [part.strip() for part in text.split(_ARROW)]
        if len(stations) < 2 or not all(stations):
            self._findings.add(location, f'"{text}" connects nothing. Write it as {_FORM}.')
            return
        groups = [self._boxes(location, station) for station in stations]
        for group in groups[1:-1]:
            for box in group:
                if box.box:
                    message = f'in the middle of a chain "{box}" may be an inbox or an outbox.'
                    todo = f'Write two: "… -> {box}" or "… -> {box.actor}", and one that begins there.'
                    self._findings.add(location, f"{message} {todo}")
        middles = [
            [Box(box.actor) for box in group] if 0 < n < len(groups) - 1 else group for n, group in enumerate(groups)
        ]
        for sources, destinations in pairwise(middles):
            self._connect(location, sources, destinations, Options())

    def _mapping(self, location: Location, content: Mapping[str, Any]) -> None:
        section = Section(self._findings, location, content)
        section.check_keys(shape.CONNECTION)
        ends = []
        for key in (shape.FROM, shape.TO):
            section.value(key)
            given = content.get(key.name)
            if isinstance(given, str):
                ends.append(self._boxes((*location, key.name), given))
            elif isinstance(given, list) and all(isinstance(item, str) for item in given):
                parts = [self._boxes((*location, key.name, n), item) for n, item in enumerate(given)]
                ends.append([box for part in parts for box in part])
            elif given is not None:
                section.add(key.name, f"this is {type_words(given)}. Write a box, or a list of boxes.")
        options = Options(
            delivery=_delivery(section.value(shape.DELIVERY)),
            window=section.value(shape.WINDOW),
            key=section.value(shape.KEY),
        )
        if options.key and any(character in options.key for character in "?#&,= "):
            section.add("key", f'"{options.key}" is not a path in an event. Write it as data/customer.')
        if len(ends) == 2:
            self._connect(location, ends[0], ends[1], options)

    def _boxes(self, location: Location, text: str) -> list[Box]:
        inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        found = []
        for part in inner.split(","):
            try:
                box = parse_box(part)
            except ValueError as exc:
                self._findings.add(location, str(exc))
                continue
            if box.actor not in self._actors:
                self._findings.add(location, f'no actor is named "{box.actor}". {suggest(box.actor, self._actors)}')
                continue
            found.append(box)
        return found

    def _connect(self, location: Location, sources: list[Box], destinations: list[Box], options: Options) -> None:
        for destination in destinations:
            if destination.box in RESERVED:
                message = f'"{destination.box}" is an outbox of "{destination.actor}"; nothing can be sent to it.'
                self._findings.add(location, f'{message} Write "{destination} -> …", or another inbox.')
                continue
            for source in sources:
                if wrong := hidden(source, destination):
                    self._findings.add(location, wrong)
                connection = connect(source, destination, options)
                first = self._ends.setdefault(str(connection), location)
                if connection in self._found or first is not location:
                    where = path_text(first)
                    self._findings.add(
                        location, f'"{connection}" stands here twice, first in {where}. Remove one of them.'
                    )
                else:
                    self._found[connection] = location


def _delivery(text: str) -> Delivery:
    return "at-most-once" if text == "at-most-once" else "at-least-once"
