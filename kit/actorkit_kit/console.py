"""What `kit` writes: lines, tables and JSON. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from actorkit_kit.errors import KitError

#: Width of tables that go to a file or a pipe, in columns.
PIPE_WIDTH = 200


class Output(StrEnum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"


def colour(stream: Any = None) -> bool:
    """Whether a stream shows colours: it is a terminal, and NO_COLOR is not set (no-color.org)."""
    return not os.environ.get("NO_COLOR") and (stream or sys.stdout).isatty()


def note(text: str) -> None:
    """Write a line that is not part of the result, on stderr."""
    typer.echo(text, err=True)


def result(text: str) -> None:
    """A line of the result, on stdout."""
    typer.echo(text)


def harmless(text: str) -> str:
    """A text of strangers as a terminal may show it: whatever would move the cursor is an escape, but for line ends and
    tabs."""
    return "".join(
        letter
        if letter.isprintable() or letter in "\n\t"
        else letter.encode("unicode_escape", "surrogatepass").decode()
        for letter in text
    )


def result_json(value: Any) -> None:
    """The result as one line of JSON, on stdout."""
    typer.echo(json.dumps(value, sort_keys=True))


def write_result(text: str, file: Path | None) -> None:
    """A result of many lines, to a file or to stdout.

    Raises:
        KitError: the file cannot be written.
    """
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise KitError(f'the file "{file}" cannot be written: {exc.strerror}. Choose another.') from exc
    note(f"wrote {file}")


def result_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The result as a table, on stdout; lines are not cut when it goes to a pipe."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(no_color=not colour(), width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        typer.echo(line.rstrip())
