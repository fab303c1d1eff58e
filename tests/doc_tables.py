"""Tables in docs/: those of states, | state | event | sends | next state |, and parts that are made of the code."""

from __future__ import annotations

from collections.abc import Mapping

Row = tuple[str, str, str, str]


def states(text: str, heading: str) -> list[Row]:
    """The rows of the first table below a heading: a row of several states once for each, with its state for "same"."""
    part = text.partition(heading)[2].partition("\n\n|")[2].partition("\n\n")[0]
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in part.splitlines()]
    return [
        (state, event, sends, state if after == "same" else after)
        for several, event, sends, after in cells[2:]
        for state in several.split(", ")
    ]


def told(row: Row) -> str:
    """A row's name as a test."""
    return f"{row[0]}, {row[1]}"


def with_parts(text: str, parts: Mapping[str, str]) -> str:
    """A document with each of its generated parts as it must be.

    Raises:
        ValueError: the document lacks one.
    """
    for name, part in parts.items():
        begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
        before, found, after = text.partition(begin)
        _, closed, rest = after.partition(end)
        if not found or not closed:
            raise ValueError(f"the document has no part {begin} … {end}")
        text = f"{before}{begin}\n\n{part}\n\n{end}{rest}"
    return text
