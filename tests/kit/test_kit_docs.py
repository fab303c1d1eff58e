"""`docs/kit.md` says what `--help` says. `python -m tests.kit.test_kit_docs` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from actorkit_kit.main import make_app

DOCUMENT = Path(__file__).parents[2] / "docs" / "kit.md"
MARK = "<!-- help -->\n"


def verbs() -> list[str]:
    command = get_command(make_app())
    return list(command.commands)  # type: ignore[attr-defined]  # the app is a group of commands


def help_of(*arguments: str) -> str:
    """What `kit … --help` writes on a terminal of 100 columns."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = CliRunner().invoke(make_app(), [*arguments, "--help"], prog_name="kit", env=environment)
    assert done.exit_code == 0, done.output
    return "\n".join(line.rstrip() for line in done.output.strip().splitlines())


def whole() -> str:
    parts = [f"### `kit`\n\n```text\n{help_of()}\n```\n"]
    parts += [f"### `kit {verb}`\n\n```text\n{help_of(verb)}\n```\n" for verb in verbs()]
    return "\n" + "\n".join(parts)


def test_the_help_of_every_command_stands_in_the_document() -> None:
    assert DOCUMENT.read_text().partition(MARK)[2] == whole()


@pytest.mark.parametrize("verb", verbs())
def test_every_command_has_help_with_an_example(verb: str) -> None:
    assert f": kit {verb}" in " ".join(help_of(verb).split())


if __name__ == "__main__":
    written = DOCUMENT.read_text()
    DOCUMENT.write_text(written.partition(MARK)[0] + MARK + whole())
