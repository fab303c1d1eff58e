"""`docs/kit.md` says what `--help` says. `python -m tests.kit.test_kit_docs` writes it anew."""

from __future__ import annotations

import os
import re

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from actorkit_kit.main import make_app
from tests.places import DOCS

DOCUMENT = DOCS / "kit.md"
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


def section(verb: str) -> str:
    """What the document says about a verb, on one line."""
    return " ".join(DOCUMENT.read_text().partition(f"### `kit {verb}`")[2].partition("### `kit ")[0].split())


@pytest.mark.parametrize("verb", verbs())
def test_what_help_says_about_a_command_stands_in_the_document(verb: str) -> None:
    """Word for word, whatever the layout: that is the concern of the version of Typer."""
    command = get_command(make_app()).commands[verb]  # type: ignore[attr-defined]  # the app is a group of commands
    told = section(verb)
    assert " ".join(command.help.split()) in told
    for parameter in command.params:
        assert " ".join((parameter.help or "").split()) in told, parameter.name
        for option in parameter.opts:
            assert option in told or parameter.metavar in told


def test_the_document_has_no_command_that_is_gone() -> None:
    assert re.findall(r"^### `kit (.+)`$", DOCUMENT.read_text(), re.MULTILINE) == verbs()


@pytest.mark.parametrize("verb", verbs())
def test_every_command_has_help_with_an_example(verb: str) -> None:
    assert f": kit {verb}" in " ".join(help_of(verb).split())


if __name__ == "__main__":
    written = DOCUMENT.read_text()
    DOCUMENT.write_text(written.partition(MARK)[0] + MARK + whole())
