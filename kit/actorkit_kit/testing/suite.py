"""The tests of one document, and the topology that they are of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actorkit_kit.errors import UsageError
from actorkit_kit.files import is_file
from actorkit_kit.plan.planner import make_plan
from actorkit_kit.testing.wiring import Wiring
from actorkit_kit.topology import shape
from actorkit_kit.topology.case import Case
from actorkit_kit.topology.case_section import CaseSection
from actorkit_kit.topology.document import Document
from actorkit_kit.topology.findings import Finding, Findings, InvalidTopology
from actorkit_kit.topology.load import DEFAULT_FILE, load_checked, load_document
from actorkit_kit.topology.location import Location
from actorkit_kit.topology.model import LOCAL
from actorkit_kit.topology.section import Section

#: How a file with nothing but tests is called.
TEST_FILES: Final = ("_test.yaml", "_test.yml")


@dataclass(frozen=True)
class Suite:
    """`cases` stand in the `document`."""

    document: Document
    wiring: Wiring
    cases: tuple[Case, ...]

    def place(self, location: Location) -> str:
        """`file:line:column` of a location."""
        line, column = self.document.place(location)
        return f"{self.document.label}:{line}:{column}" if line else self.document.label


def is_test_file(path: Path) -> bool:
    """Whether a file's name says that it holds tests."""
    return path.name.endswith(TEST_FILES)


def has_tests(path: Path) -> bool:
    """Whether a topology file holds tests, as far as a look at its lines tells."""
    try:
        return re.search(rf"^{shape.TESTS.name}:", path.read_text(encoding="utf-8"), re.MULTILINE) is not None
    except (OSError, UnicodeDecodeError):
        return False


def load_suite(reference: str) -> Suite:
    """The tests in a topology, or in a file with tests of one.

    Raises:
        InvalidTopology: one of them has mistakes; all are told.
        UsageError: there is no such file.
    """
    document = load_document(reference)
    if not is_test_file(Path(reference)):
        checked = load_checked(reference, LOCAL)
        if checked.unset:
            raise InvalidTopology(checked.unset)
        return Suite(document, Wiring(make_plan(checked), checked.classes), checked.tests)
    findings = Findings(document)
    for location, place, message in document.mistakes:
        findings.put(location, place, message)
    if document.mistakes or not isinstance(document.data, dict):
        if not document.mistakes:
            findings.add((), "this holds no tests. Begin with topology: and tests:.")
        raise InvalidTopology(tuple(findings))
    root = Section(findings, (), document.data)
    root.check_keys(shape.TEST_DOCUMENT)
    checked = load_checked(topology_of(document), LOCAL)
    cases = CaseSection(checked.topology, checked.classes, document.base).read(root)
    if found := (*findings, *checked.unset):
        raise InvalidTopology(found)
    return Suite(document, Wiring(make_plan(checked), checked.classes), cases)


def mistakes_in_tests(reference: str) -> tuple[Finding, ...]:
    """Every mistake in a file with tests; where its topology has some, those.

    Raises:
        UsageError: there is no such file, or no such topology.
    """
    try:
        load_suite(reference)
    except InvalidTopology as exc:
        return exc.findings
    return ()


def topology_of(document: Document) -> str:
    """What names the topology that the tests of a file are of: what the file says, or the one beside it, or above.

    Raises:
        UsageError: there is none.
    """
    data: Any = document.data
    given = data.get(shape.TESTED.name) if isinstance(data, dict) else None
    if isinstance(given, str) and given:
        return str(document.base / given)
    for folder in (document.base, document.base.parent):
        if is_file(folder / DEFAULT_FILE):
            return str(folder / DEFAULT_FILE)
    raise UsageError(f'"{document.label}" is of no topology. Write into it: topology: FILE.')


def suites_of(topology: Path) -> list[Path]:
    """The files with tests of a topology in its folder, and in the folders of it."""
    found = []
    for path in sorted(topology.parent.rglob("*_test.y*ml")):
        hidden = any(part.startswith(".") for part in path.relative_to(topology.parent).parts)
        if not hidden and is_test_file(path) and _is_of(path, topology):
            found.append(path)
    return found


def _is_of(path: Path, topology: Path) -> bool:
    try:
        return Path(topology_of(load_document(str(path)))).resolve() == topology.resolve()
    except UsageError:
        return False
