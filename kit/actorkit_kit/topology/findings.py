"""Findings: the mistakes in a topology, collected so that all are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from actorkit_kit.errors import KitError
from actorkit_kit.topology.document import Document
from actorkit_kit.topology.location import Location, Place


@dataclass(frozen=True, order=True)
class Finding:
    """One mistake: where it is, what is wrong and what to do. `line` and `column` count from 1; 0: not known."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("file", "line", "column", "path", "message")}


class Findings:
    """Collects the findings of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: dict[Finding, None] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def __iter__(self) -> Iterator[Finding]:
        return iter(sorted(self._found))

    def add(self, location: Location, message: str, *, key: bool = False) -> None:
        """Note a mistake at a location of the document; `key` points to the key there, not to its value.

        A location that the document does not have stands for its nearest ancestor. Nothing is noted of a value that
        could not be read: the document tells that.
        """
        location = self._document.written(location)
        if self._document.is_readable(location[:-1] if key else location):
            self.put(location, self._document.place(location, key=key), message)

    def put(self, location: Location, place: Place, message: str) -> None:
        """Note a mistake whose place is known."""
        line, column = place
        path, message = _printable(path_text(location)), _printable(message)
        self._found[Finding(self._document.label, line, column, path, message)] = None

    def unknown_keys(self, location: Location, given: Iterable[str], known: Iterable[str]) -> None:
        """Note every given key that is not known, but for those that begin with `x-`."""
        known = list(known)
        for name in given:
            if name not in known and not name.startswith("x-"):
                self.add((*location, name), f'there is no key "{name}" here. {suggest(name, known)}', key=True)


class InvalidTopology(KitError):
    """Raised when a topology has mistakes; `findings` has all of them, in the order of the file."""

    status = 2

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


def path_text(location: Location) -> str:
    """A location as a text: `actors.web.params.routes[0].path`."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def suggest(name: str, known: Iterable[str], *, have: str = "There are") -> str:
    """What may have been meant: `Did you mean "auth"?`, or all that there is."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f'Did you mean "{near[0]}"?'
    return f"{have}: {', '.join(known)}." if known else ""


def _printable(text: str) -> str:
    """A text in which everything that would move a terminal's cursor, or end the line, is written as an escape."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode() for letter in text
    )
