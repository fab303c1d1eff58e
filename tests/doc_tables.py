"""Tables of states in docs/: | state | event | sends | next state |."""

from __future__ import annotations

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
