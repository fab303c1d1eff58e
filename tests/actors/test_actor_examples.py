"""Each example of docs/actors runs, and prints what it says."""

from __future__ import annotations

import shlex
import subprocess
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from actorkit_actors.catalogue import CATALOGUE
from actorkit_kit import python_process
from tests.actors import actor_examples
from tests.actors.sql import postgres
from tests.kit.running import KitRun
from tests.until import until

#: Longest wait for what an example prints, in seconds.
WAIT_S = 30.0
#: What an example may need to run beside it.
SERVERS = {"PostgreSQL": postgres.running}
#: What a reader may type.
COMMANDS = {"curl": ["curl", "--max-time", "20"], "kit": python_process.command("actorkit_kit")}


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The example finds no other run, and none finds it."""
    (tmp_path / "run").mkdir()
    return {"XDG_RUNTIME_DIR": str(tmp_path / "run")}


@pytest.mark.parametrize("name", actor_examples.names())
def test_the_example_prints_what_it_says(name: str, tmp_path: Path, variables: dict[str, str]) -> None:
    example = actor_examples.read(name).placed(tmp_path)
    assert example.prints
    with ExitStack() as stack:
        for what, port in example.needs:
            stack.enter_context(SERVERS[what](port))
        run = stack.enter_context(closing(KitRun(tmp_path, **variables)))
        assert run.table()
        answered = "".join(type_in(command, variables) for command in example.tries)

        def missing() -> list[str]:
            lines = [*run.said().splitlines(), *answered.splitlines()]
            return [text for text in example.prints if not any(text in line for line in lines)]

        until(lambda: not missing(), f"it prints all that it says: {run.said()}{answered}", WAIT_S, pause_s=0.05)
        assert run.stop() == 0, run.said()


def type_in(command: str, variables: dict[str, str]) -> str:
    """Run a command of an example; what it wrote."""
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [*COMMANDS[program], *arguments],
        env=python_process.environ(extra=variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return f"{done.stdout}\n{done.stderr}\n"


def test_every_actor_has_an_example_in_which_it_is_used() -> None:
    assert set(actor_examples.names()) == set(CATALOGUE)
    for name, entry in CATALOGUE.items():
        text = actor_examples.read(name).text
        used = [f"uses: {name}", f'uses: "{name}"', *([f"\n{entry.kind}:"] if entry.kind != "actor" else [])]
        assert any(words in text for words in used)
        assert actor_examples.read(name).says, f"{name}: the first comment tells what the example shows"
