"""Sections of a document: typed values are taken out of a mapping, and what is wrong with them is noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from actorkit.graph import NAME, NAME_RULE
from actorkit_kit.topology.document import Location
from actorkit_kit.topology.findings import Findings

#: How kinds of values are called in messages.
KINDS: Final = {
    dict: "a mapping",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


class Section:
    """A mapping at a location. Every getter gives its default when the value is absent or wrong."""

    def __init__(self, findings: Findings, location: Location, content: Mapping[str, Any]) -> None:
        self.findings = findings
        self.location = location
        self.content = content

    def __contains__(self, key: str) -> bool:
        return self.content.get(key) is not None

    def only(self, *known: str) -> None:
        """Note every key that is not among the known ones."""
        self.findings.unknown_keys(self.location, self.content, known)

    def add(self, key: str, message: str) -> None:
        self.findings.add((*self.location, key), message)

    def text(self, key: str, default: str = "", *, required: str = "") -> str:
        """A text; `required` says what to do when there is none."""
        value = self.content.get(key)
        if value is None:
            if required:
                self.findings.add(self.location, f'"{key}" is missing. {required}')
            return default
        if not isinstance(value, str):
            self.add(key, f"this is {kind(value)}, not a text. {_quote(value)}")
            return default
        return value

    def name(self, key: str, *, required: str = "") -> str:
        """A name by the rule for all names; "" when it is not one."""
        value = self.text(key, required=required)
        if value and not NAME.match(value):
            self.add(key, bad_name(value))
            return ""
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.text(key, choices[0])
        if value not in choices:
            self.add(key, f'"{value}" is not known here. Choose one of: {", ".join(choices)}.')
            return choices[0]
        return value

    def integer(self, key: str, default: int, *, least: int, most: int) -> int:
        value = self.content.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self.add(key, f"this is {kind(value)}, not a whole number. Write one from {least} to {most}.")
        elif not least <= value <= most:
            self.add(key, f"{value} is out of range. Write a whole number from {least} to {most}.")
        else:
            return value
        return default

    def number(self, key: str, default: float, *, above: float) -> float:
        value = self.content.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.add(key, f"this is {kind(value)}, not a number. Write one above {above:g}.")
        elif value <= above:
            self.add(key, f"{value:g} is out of range. Write a number above {above:g}.")
        else:
            return float(value)
        return default

    def flag(self, key: str) -> bool:
        value = self.content.get(key, False)
        if not isinstance(value, bool):
            self.add(key, f"this is {kind(value)}. Write true or false.")
            return False
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        """A mapping as it is; empty when there is none."""
        value = self.content.get(key)
        if value is not None and not isinstance(value, dict):
            self.add(key, f"this is {kind(value)}, not a mapping. Write it as name: value, a line each.")
        return value if isinstance(value, dict) else {}

    def section(self, key: str) -> Section:
        return Section(self.findings, (*self.location, key), self.mapping(key))

    def sections(self, key: str) -> Iterator[tuple[str, Section]]:
        """The mappings in a mapping, by name; bad names are noted and left out."""
        for name, value in self.mapping(key).items():
            location = (*self.location, key, name)
            if not NAME.match(name):
                self.findings.add(location, bad_name(name), key=True)
            elif value is not None and not isinstance(value, dict):
                self.findings.add(
                    location, f"this is {kind(value)}, not a mapping. Write it as {name}: {{key: value}}."
                )
            else:
                yield name, Section(self.findings, location, value or {})


def kind(value: object) -> str:
    """What a value is, in words."""
    return KINDS.get(type(value), "nothing")


def bad_name(name: str) -> str:
    """The complaint about a name; it proposes a better one where there is one."""
    better = name.lower().replace("_", "-").replace(" ", "-").strip("-")
    hint = f' Did you mean "{better}"?' if NAME.match(better) else ""
    return f'"{name}" is not a name: {NAME_RULE}.{hint}'


def _quote(value: object) -> str:
    return f'Put it in quotes: "{value}".' if isinstance(value, int | float) else "Write a text."
