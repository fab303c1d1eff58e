"""Sections of a document: values are taken out of a mapping by their keys, and what is wrong with them is noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from actorkit.graph import NAME
from actorkit_kit.topology.findings import Findings
from actorkit_kit.topology.kinds import Key, Keys, bad_name, not_a_mapping, type_words
from actorkit_kit.topology.location import Location

T = TypeVar("T")


class Section:
    """A mapping at a location. What is absent or wrong is read as its key's default."""

    def __init__(self, findings: Findings, location: Location, content: Mapping[str, Any]) -> None:
        self.findings = findings
        self.location = location
        self.content = content

    def __contains__(self, key: Key[Any]) -> bool:
        return self.content.get(key.name) is not None

    def check_keys(self, known: Keys) -> None:
        """Note every key that is not known here, but for those that begin with `x-`."""
        self.findings.unknown_keys(self.location, self.content, (key.name for key in known.keys))

    def add(self, key: str, message: str) -> None:
        """Note a mistake in the value of a key."""
        self.findings.add((*self.location, key), message)

    def value(self, key: Key[T], default: T | None = None) -> T:
        """The value of a key; `default` stands in the place of the key's own default."""
        given = self.content.get(key.name)
        mistake = key.kind.mistake(given) if given is not None else ""
        if given is not None and not mistake and (given != "" or not key.required):
            return key.kind.read(given)
        if given is None and key.required:
            self.findings.add(self.location, f'"{key.name}" is missing. {key.required}')
        elif given == "" and key.required:
            self.add(key.name, f"this is empty. {key.required}")
        elif mistake:
            self.add(key.name, mistake)
        return key.kind.default if default is None else default

    def mapping(self, key: Key[Any]) -> dict[str, Any]:
        """A mapping as it is; empty when there is none."""
        value = self.content.get(key.name)
        if value is not None and not isinstance(value, dict):
            self.add(key.name, not_a_mapping(value))
        return value if isinstance(value, dict) else {}

    def section(self, key: Key[Any]) -> Section:
        """A mapping as a section."""
        return Section(self.findings, (*self.location, key.name), self.mapping(key))

    def sections(self, key: Key[Any]) -> Iterator[tuple[str, Section]]:
        """The mappings in a mapping, by name; bad names are noted and left out."""
        for name, value in self.mapping(key).items():
            location = (*self.location, key.name, name)
            if not NAME.match(name):
                self.findings.add(location, bad_name(name), key=True)
            elif value is not None and not isinstance(value, dict):
                message = f"this is {type_words(value)}, not a mapping. Write it as {name}: {{key: value}}."
                self.findings.add(location, message)
            else:
                yield name, Section(self.findings, location, value or {})
