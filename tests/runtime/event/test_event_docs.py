"""`docs/events.md` tells the truth."""

from __future__ import annotations

import json
import re

import actorkit
from actorkit import Failure, errors
from actorkit.event import Event, xml
from tests.places import DOCS

TEXT = (DOCS / "events.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[tuple[str, ...]]:
    """The rows of the table with that first line."""
    table = TEXT[TEXT.index(f"\n{heading}\n") + 1 :].split("\n\n", 1)[0]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in table.splitlines()[2:]]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


def test_the_pairs_of_json_and_xml_go_both_ways() -> None:
    pairs = rows("| JSON | XML |")
    assert len(pairs) > 10
    for json_cell, xml_cell in pairs:
        [value], [text] = code(json_cell), code(xml_cell)
        assert xml.serialise(xml.from_json(json.loads(value))).decode() == text
        assert xml.to_json(xml.parse(text.encode())) == json.loads(value)


def test_what_changes_on_the_way_there_and_back_changes_so() -> None:
    for before, after in rows("| what | becomes |"):
        for value, expected in zip(code(before), code(after), strict=True):
            root = xml.parse(value.encode()) if value.startswith("<") else xml.from_json(json.loads(value))
            assert xml.to_json(xml.parse(xml.serialise(root))) == json.loads(expected)


def test_every_error_has_the_status_that_is_told() -> None:
    for classes, status in rows("| raise | status |"):
        for name in code(classes):
            assert str(getattr(errors, name).status) == status
            assert hasattr(actorkit, name)
    assert Failure.of(ValueError()).status == 500


def test_an_event_has_what_is_told() -> None:
    event = Event()
    for cell, _ in rows("| of an event | what it is |"):
        for name in code(cell):
            assert hasattr(event, re.split(r"\W", name)[0])


def test_the_examples_pass() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "docs/events.md", "exec"), {})
